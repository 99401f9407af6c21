"""Which stored columns the features of a definition come from. Pure.

Features of kind expression are computed again, as they are written now: an edited one is seen at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strata.contract.columns import Type
from strata.errors import InputError, Problem
from strata.expression import Expression, Name, compile_expression
from strata.project.models import Feature
from strata.project.names import AS_OF_NAMES, column_names
from strata.project.order import order_features
from strata.segments.duckdb import Layer


@dataclass(frozen=True, slots=True)
class FeatureSQL:
    """`stored`: columns of the snapshot; `layers`: the expressions over them, each layer after what it needs."""

    stored: tuple[str, ...]
    layers: tuple[Layer, ...]


def feature_sql(wanted: Iterable[str], features: Sequence[Feature], names: Mapping[str, Name]) -> FeatureSQL:
    """How the columns `wanted` are had from the snapshot."""
    written = {f.name: f for f in features if f.kind == "expression" and f.of is not None}
    expressions: dict[str, Expression] = {}
    stored: set[str] = set()
    pending = set(wanted)
    while pending:
        column = pending.pop()
        feature = written.get(column)
        if feature is None or feature.of is None:
            stored.add(column)
        elif column not in expressions:
            expressions[column] = compile_expression(feature.of, {**AS_OF_NAMES, **names}, feature.type)
            pending |= expressions[column].names
    return FeatureSQL(tuple(sorted(stored)), _in_layers(expressions, written))


def _in_layers(expressions: Mapping[str, Expression], features: Mapping[str, Feature]) -> tuple[Layer, ...]:
    depths: dict[str, int] = {}
    layers: dict[int, dict[str, str]] = {}
    for name in (f.name for f in order_features(features.values()) if f.name in expressions):
        depths[name] = 1 + max((depths.get(other, 0) for other in expressions[name].names), default=0)
        kind = "VARCHAR" if features[name].type is Type.STRING else features[name].type.value
        layers.setdefault(depths[name], {})[name] = f"CAST({expressions[name].to_duckdb()} AS {kind})"
    return tuple(layers[depth] for depth in sorted(layers))


def require_stored(needed: FeatureSQL, there: frozenset[str], features: Sequence[Feature]) -> None:
    """Refuse what the snapshot does not hold.

    Raises:
        InputError: every feature that is missing, with where it is declared.
    """
    declared = {column: feature.where for feature in features for column in column_names(feature)}
    missing = [column for column in needed.stored if column not in there]
    if missing:
        hint = "the stored snapshot is of older features; compute it again: strata features --as-of DATE"
        raise InputError([Problem(declared[c], f"features.snapshot has no column `{c}` yet", hint) for c in missing])
