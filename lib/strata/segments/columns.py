"""Scores, prepared features and nearest centres as Spark columns: JVM arithmetic only, one row at a time."""

from collections.abc import Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.project.models import Score
from strata.segments.preparation import GRID, Preparation, Scaling


def score_column(score: Score) -> Column:
    """The score of the feature it cuts, BIGINT from 1, NULL where the feature is; the twin of `scores.score_of`."""
    value = F.col(score.of).cast("double")
    cuts = [F.lit(float(cut)) for cut in score.thresholds]
    reached = [value <= cut if score.better == "low" else value >= cut for cut in cuts]
    return reduce(add, [r.cast("bigint") for r in reached], F.lit(1).cast("bigint"))


def prepared_columns(preparation: Preparation) -> list[Column]:
    """Each feature in prepared units, DOUBLE and never NULL; the twin of `preparation.prepare`."""
    return [_prepared(s) for s in preparation.scalings]


def ranked_centres(values: Sequence[Column], centres: Sequence[Sequence[float]]) -> Column:
    """The centres by distance from the point `values`, nearest first; equal distances: the lower index first.

    Returns:
        An ARRAY of STRUCT<distance: DOUBLE (squared), index: INT from 0>, as long as `centres`.
    """
    ranked = [
        F.struct(_squared_distance(values, centre).alias("distance"), F.lit(index).alias("index"))
        for index, centre in enumerate(centres)
    ]
    return F.sort_array(F.array(*ranked))


def _prepared(scaling: Scaling) -> Column:
    value = F.col(scaling.feature).cast("double")
    tamed = F.signum(value) * F.log1p(F.abs(value)) if scaling.transform == "log1p" else value
    # Spark holds NaN greater than infinity, so this one comparison leaves out NaN, infinities and NULL
    known = F.abs(value) < F.lit(float("inf"))
    return F.when(known, _on_grid((tamed - F.lit(scaling.centre)) / F.lit(scaling.scale))).otherwise(F.lit(0.0))


def _squared_distance(values: Sequence[Column], centre: Sequence[float]) -> Column:
    gaps = [value - F.lit(float(at)) for value, at in zip(values, centre, strict=True)]
    return _on_grid(reduce(add, [gap * gap for gap in gaps]))


def _on_grid(value: Column) -> Column:
    return F.rint(value * F.lit(GRID)) / F.lit(GRID)
