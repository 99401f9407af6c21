"""Scores, prepared features and nearest centres as Spark columns: JVM arithmetic only, one row at a time."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.project.models import Score
from strata.segments.preparation import GRID, LARGEST, Dimension, Preparation
from strata.segments.ranks import Step, pieces_of


def score_column(score: Score) -> Column:
    """The score of the feature it cuts, BIGINT from 1, NULL where the feature is; the twin of `scores.score_of`."""
    value = F.col(score.of).cast("double")
    cuts = [F.lit(float(cut)) for cut in score.thresholds]
    reached = [value <= cut if score.better == "low" else value >= cut for cut in cuts]
    return reduce(add, [r.cast("bigint") for r in reached], F.lit(1).cast("bigint"))


def known_column(feature: str) -> Column:
    """The feature as DOUBLE, NULL where it is not known, NaN, infinite or too large; the twin of `is_known`."""
    value = F.col(feature).cast("double")
    # Spark holds NaN greater than infinity, so this one comparison leaves out all of them
    return F.when(F.abs(value) <= F.lit(LARGEST), value)


def prepared_columns(preparation: Preparation, known: Callable[[str], Column] = known_column) -> list[Column]:
    """A column per dimension, DOUBLE and never NULL; the twin of `preparation.prepare`.

    Args:
        preparation: which dimensions.
        known: feature -> its `known_column`, or where that has been computed before: a rank reads it twenty times.
    """
    return [_prepared(d, known(d.feature)) for d in preparation.dimensions]


def least(values: Sequence[Column]) -> Column:
    """The least of one or more columns; NULL is left out."""
    return F.least(*values) if len(values) > 1 else values[0]


def index_of(value: Column, values: Sequence[Column]) -> Column:
    """Index from 0 (INT) of the first of `values` that is equal to `value`, which one of them is."""
    later = reversed(list(enumerate(values[:-1])))
    return reduce(lambda rest, at: F.when(at[1] == value, at[0]).otherwise(rest), later, F.lit(len(values) - 1))


def least_but(index: Column, values: Sequence[Column]) -> Column:
    """The least of `values` without the one of that index; NULL where it is the only one."""
    return least([F.when(index != number, value) for number, value in enumerate(values)])


def _prepared(dimension: Dimension, known: Column) -> Column:
    filled = F.coalesce(known, F.lit(0.0)) if dimension.zero_if_unknown else known
    measured = _TRANSFORMS[dimension.transform](_PARTS[dimension.part](filled), dimension)
    scaled = (measured - F.lit(dimension.centre)) / F.lit(dimension.scale)
    return F.coalesce(_on_grid(scaled) + F.lit(0.0), F.lit(0.0))


def squared_distance(values: Sequence[Column], centre: Sequence[float]) -> Column:
    """Squared distance of the point `values` to a centre, summed in their order; the twin of `kmeans`'s."""
    gaps = [value - F.lit(float(at)) for value, at in zip(values, centre, strict=True)]
    return _on_grid(reduce(add, [gap * gap for gap in gaps]))


def _on_grid(value: Column) -> Column:
    return F.rint(value * F.lit(GRID)) / F.lit(GRID)


def _along(value: Column, steps: Sequence[Step]) -> Column:
    branches = [(value < p.below, (value - p.start) * p.slope + p.share) for p in pieces_of(steps)]
    return reduce(lambda chosen, branch: chosen.when(*branch), branches[1:], F.when(*branches[0]))


_PARTS: Mapping[str, Callable[[Column], Column]] = {
    "value": lambda known: known,
    "amount": lambda known: F.when(known != 0.0, known),
    "has": lambda known: (known != 0.0).cast("double"),
    "known": lambda known: known.isNotNull().cast("double"),
}
_TRANSFORMS: Mapping[str, Callable[[Column, Dimension], Column]] = {
    "none": lambda value, _: value,
    "log1p": lambda value, _: F.signum(value) * F.log1p(F.abs(value)),
    "rank": lambda value, dimension: _along(value, dimension.steps),
}
