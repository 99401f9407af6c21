"""Measures the cuts of a segmentation on its base: the only module of segments beside `fit` that runs Spark jobs.

One job for all quantiles of a definition, two for each score that covers shares of a sum, one for the values of an
attribute. Sums are of whole numbers and samples by hash of the id, so the layout of the snapshot does not matter.
"""

import sys
from fractions import Fraction

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.project.models import Score, Segmentation
from strata.segments.cuts import Cuts, covering_cut, quantile_cuts, values_cuts
from strata.segments.grouping import measure_groups
from strata.segments.sampling import sample_of

SALT = "cuts"
DIGITS = 3
"""Of a value, in the first look at a sum: bins are at most a hundredth as wide as their values are large."""
UNITS = 1_000_000
"""Parts of a DOUBLE that are told apart when its sum is covered; of MONEY it is the minor unit."""
NOBODY = sys.float_info.max
"""A cut that no value reaches: of a sum of nothing no customer makes up a share."""


def measure_cuts(base: DataFrame, segmentation: Segmentation) -> Cuts:
    """The cuts of a definition that looks at its population.

    Args:
        base: the customers of its base on one date: customer_id and the features it names.
        segmentation: of kind scores with quantiles or covers, or of kind attribute without listed values.
    """
    if segmentation.measure is not None:
        return Cuts(groups=measure_groups(base, segmentation))
    if segmentation.kind == "attribute":
        return values_cuts(segmentation, _count_values(base, str(segmentation.of)))
    ranked = [score for score in segmentation.scores if score.quantiles]
    sample = sample_of(base, [score.of for score in ranked], SALT).toArrow() if ranked else None
    cuts = {score.score: quantile_cuts(_known(sample, score.of), score) for score in ranked if sample}
    cuts |= {score.score: _covering(base, score) for score in segmentation.scores if score.covers}
    return Cuts(thresholds=cuts)


def _known(sample: pa.Table, feature: str) -> list[float]:
    return [v for v in sample[feature].to_pylist() if v is not None and v == v]  # noqa: PLR0124 - not NaN


def _covering(base: DataFrame, score: Score) -> tuple[float, ...]:
    """A coarse histogram of the values finds the bin of each cut, an exact one of these bins the cuts themselves."""
    unit = _unit(base, score.of)
    values = base.select((F.col(score.of) * F.lit(unit)).cast("bigint").alias("value")).where("value > 0")
    bins = _histogram(values.select("value", _bin().alias("bin")), "bin")
    amounts = [amount for _, amount, _ in bins]
    if not amounts:
        return (NOBODY,) * len(score.covers)
    needed = [Fraction(str(share)) * sum(amounts) for share in score.covers]
    places = [covering_cut([(amount, 1) for amount in amounts], part) for part in needed]
    starts = [bins[place][0] for place in places]
    inside = _histogram(values.where(_bin().isin(starts)).select("value", _bin().alias("bin")), "bin", "value")
    cuts = []
    for part, place, start in zip(needed, places, starts, strict=True):
        held = [(value, count) for of_bin, value, _, count in inside if of_bin == start]
        cuts.append(held[covering_cut(held, part - sum(amounts[place + 1 :]))][0] / unit)
    return tuple(cuts)


def _unit(base: DataFrame, feature: str) -> int:
    """How many whole parts one of the feature's units has."""
    kind = dict(base.dtypes)[feature]
    return 1 if kind == "bigint" else 100 if kind.startswith("decimal") else UNITS


def _bin() -> Column:
    """The value cut to its first digits."""
    width = F.rpad(F.lit("1"), F.greatest(F.length(F.col("value").cast("string")) - (DIGITS - 1), F.lit(1)), "0")
    return F.col("value") - F.col("value") % width.cast("bigint")


def _histogram(values: DataFrame, *by: str) -> list[tuple[int, ...]]:
    """Keys, sum of the values and their number, by ascending keys."""
    sums = [F.sum("value").alias("amount"), F.count("*").alias("customers")]
    table = values.groupBy(*by).agg(*sums).toArrow()
    return sorted(zip(*(table[name].to_pylist() for name in (*by, "amount", "customers")), strict=True))


def _count_values(base: DataFrame, feature: str) -> list[tuple[str, int]]:
    value = F.col(feature).cast("string").alias("value")
    table = base.select(value).where("value is not null").groupBy("value").agg(F.count("*").alias("n")).toArrow()
    return list(zip(table["value"].to_pylist(), table["n"].to_pylist(), strict=True))
