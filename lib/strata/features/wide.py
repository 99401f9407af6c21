"""The columns of the snapshot, and how the values of `by` features become column names. Pure."""

import hashlib
from collections.abc import Iterable, Mapping

from strata.contract.columns import Column, Personal, column
from strata.features.tiles import TilePlan
from strata.project.models import Feature
from strata.project.names import column_names, feature_columns, slug


def snapshot_columns(plan: TilePlan) -> tuple[Column, ...]:
    """What features.snapshot holds after as_of_date and customer_id: features as declared, `by` features spread.

    Raises:
        ValueError: values of a `by ... keep` feature are not decided yet.
    """
    return tuple(c for feature in plan.features for c in _columns(feature, plan))


def value_columns(feature: Feature, plan: TilePlan) -> Mapping[str, str]:
    """Value -> column of a feature with `by`, by value.

    A declared value gives the column that expressions know it by. Of kept values that would share a column, the first
    by value has it and the others get _2, _3; a value without letter or digit is named by its hash.

    Raises:
        ValueError: the values to keep are not decided yet.
    """
    if feature.values is not None:
        return dict(zip(feature.values, column_names(feature), strict=True))
    if feature.name not in plan.kept:
        raise ValueError(f"{feature.name}: values to keep are not decided; call keep_values first")
    taken = {name for other in plan.features for name in column_names(other)}
    named: dict[str, str] = {}
    for value in sorted(plan.kept[feature.name]):
        named[value] = _free(feature.name, slug(value) or f"v{_digest(value)}", taken)
        taken.add(named[value])
    return named


def _columns(feature: Feature, plan: TilePlan) -> Iterable[Column]:
    if feature.keep is None:
        return feature_columns([feature])
    return [
        column(
            feature.type, f"{feature.description}: {value}", unit=feature.unit, nullable=feature.nullable,
            personal=Personal.BEHAVIOUR, name=name,
        )
        for value, name in value_columns(feature, plan).items()
    ]  # fmt: skip


def _free(pattern: str, word: str, taken: set[str]) -> str:
    name, number = pattern.replace("{value}", word), 1
    while name in taken:
        number += 1
        name = pattern.replace("{value}", f"{word}_{number}")
    return name


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:8]
