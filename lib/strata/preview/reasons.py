"""Why a customer is in a segment, and the nearest ways out of it, from the rows of `variants_query`. Pure."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from strata.console import visible
from strata.contract.columns import Type
from strata.expression import Name, compile_expression
from strata.preview.variants import PLACE, Bound, Variant, bounds_of, bounds_of_score, variants_of
from strata.project.models import Feature, Segment, Segmentation
from strata.project.names import AS_OF_NAMES, column_names

Row = Mapping[str, Any]
WAYS_SHOWN = 2
NEVER_NEGATIVE = frozenset({"count", "active_days", "distinct", "days_since", "mean_gap", "share", "distance_to"})


@dataclass(frozen=True, slots=True)
class Way:
    """A change of one feature, and the segment it leads to."""

    segment: str
    variant: Variant


def all_bounds(
    segmentations: Iterable[Segmentation],
    names: Mapping[str, Name],
    features: Collection[str],
    extremes: Mapping[str, Collection[str]],
    others: Iterable[Bound] = (),
) -> tuple[Bound, ...]:
    """What the bases, rules and scores of segmentations hold `features` against, by literals and other features.

    Args:
        segmentations: those that are explained.
        names: what conditions may use; other segmentations among it do not vary on their own.
        features: what may vary.
        extremes: feature -> those of which it is the greatest or the least: it does not move, but one of them does.
        others: what else features are held against.
    """
    found: set[Bound] = set(others)
    for segmentation in segmentations:
        if segmentation.kind == "rules":
            for condition in segmentation.conditions:
                found |= bounds_of(compile_expression(condition, names, Type.BOOLEAN))
        for score in segmentation.scores:
            found |= bounds_of_score(score)
    moved = {part for bound in found for part in _parts(bound, extremes)}
    free = {bound for bound in moved if bound.feature in features and bound.reads <= set(features)}
    return tuple(sorted(free, key=lambda bound: (bound.feature, bound.against)))


def extremes_among(features: Iterable[Feature], names: Mapping[str, Name]) -> dict[str, tuple[str, ...]]:
    """The features that are the greatest or the least of others, and of which."""
    found: dict[str, tuple[str, ...]] = {}
    for feature in features:
        if feature.kind != "expression" or feature.of is None:
            continue
        tree = compile_expression(feature.of, {**AS_OF_NAMES, **names}, feature.type).tree
        if tree.op in ("greatest", "least") and all(arg.op == "column" for arg in tree.args):
            found[feature.name] = tuple(str(arg.value) for arg in tree.args)
    return found


def all_variants(
    bounds: Sequence[Bound], at: Sequence[Any], customer: Row, features: Iterable[Feature], names: Mapping[str, Name]
) -> tuple[Variant, ...]:
    """Every change worth trying for a customer; `at`: the value of each bound for this customer."""
    declared = {column: f for f in features for column in column_names(f)}
    found: dict[tuple[str, str], Variant] = {}
    for bound, value in zip(bounds, at, strict=True):
        for variant in variants_of(bound, value, customer[bound.feature], names[bound.feature].type):
            if not _can_be(variant, declared[variant.feature]):
                continue
            known = found.setdefault((variant.feature, repr(variant.new)), variant)
            if variant.distance < known.distance:
                found[variant.feature, repr(variant.new)] = variant
    return tuple(found[key] for key in sorted(found))


def ways_out(segmentation: str, rows: Iterable[Row], variants: Sequence[Variant]) -> tuple[Way, ...]:
    """Per other segment the smallest change that leads there, the nearest first."""
    by_place = {row[PLACE]: row[segmentation] for row in rows}
    best: dict[str, Way] = {}
    for place, variant in enumerate(variants, 1):
        segment = by_place[place]
        if segment is None or segment == by_place[0]:
            continue
        known = best.get(segment)
        if known is None or variant.distance < known.variant.distance:
            best[segment] = Way(segment, variant)
    return tuple(sorted(best.values(), key=lambda way: (way.variant.distance, way.segment)))


def rule_that_held(segmentation: Segmentation, rules: Mapping[str, str], row: Row) -> Segment | None:
    """The segment whose rule is the first that holds; None: none does. `rules`: segment -> column of its rule."""
    return next((s for s in segmentation.segments if s.segment in rules and row[rules[s.segment]]), None)


def in_words(way: Way) -> str:
    """`3 more purchase_days_182d (26): high`."""
    return f"{_change(way.variant)}: {way.segment}"


def shown(value: Any) -> str:
    """A value of a feature as people read it."""
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.4g}"
        case int() | Decimal():
            return f"{value:,}"
        case _:
            return visible(str(value))


def _parts(bound: Bound, extremes: Mapping[str, Collection[str]]) -> list[Bound]:
    if bound.feature not in extremes:
        return [bound]
    parts = (replace(bound, feature=part) for part in extremes[bound.feature] if part not in bound.reads)
    return [deeper for part in parts for deeper in _parts(part, extremes)]


def _can_be(variant: Variant, feature: Feature) -> bool:
    """Whether it can come to this: no count is negative, and no first day moves once it has been."""
    is_first = feature.kind == "first_on" or (feature.kind == "days_since" and str(feature.of) == "first")
    if is_first and variant.old is not None:
        return feature.kind == "days_since" and bool(variant.new > variant.old)
    return feature.kind not in NEVER_NEGATIVE or bool(variant.new >= 0)


def _change(variant: Variant) -> str:
    name, old, new = variant.feature, variant.old, variant.new
    if isinstance(new, float) and (isinstance(old, float) or old is None):
        return f"{name} {_beside(new)} (now {shown(old)})"
    if old is None or isinstance(new, bool | str):
        return f"{name} {shown(new)} (now {shown(old)})"
    if isinstance(new, date):
        days = (new - old).days
        return f"{name} {abs(days):,} day{'s' if abs(days) > 1 else ''} {'later' if days > 0 else 'earlier'} ({new})"
    less = "fewer" if isinstance(new, int) else "less"
    return f"{shown(abs(new - old))} {'more' if new > old else less} {name} ({shown(new)})"


def _beside(value: float) -> str:
    """A number that a person has written, or its neighbour, as what it is: `0.6`, `above 0.6`; another in short."""
    written = float(f"{value:.12g}")
    sides = {written: "", math.nextafter(written, math.inf): "above ", math.nextafter(written, -math.inf): "below "}
    return f"{sides[value]}{written:,.12g}" if value in sides else shown(value)
