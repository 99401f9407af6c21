"""Measures the cuts of a segmentation on its base: the only module of segments beside `fit` that runs Spark jobs.

One job for all quantiles of a definition, two for each score that covers a share of a sum, one for the values of an
attribute. Sums are of whole numbers and samples by hash of the id, so the layout of the snapshot does not matter.
"""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.project.models import Score, Segmentation
from strata.segments.cuts import Cuts, Found, covering_cut, found_segments, quantile_cuts

SAMPLE_CUSTOMERS = 20_000
SALT = "cuts"
DIGITS = 3
"""Of a value, in the first look at a sum: bins are at most a hundredth as wide as their values are large."""
UNITS = 1_000_000
"""Parts of a DOUBLE that are told apart when its sum is covered; of MONEY it is the minor unit."""


def measure_cuts(base: DataFrame, segmentation: Segmentation) -> Cuts:
    """The cuts of a definition that looks at its population.

    Args:
        base: the customers of its base on one date: customer_id and the features it names.
        segmentation: of kind scores with quantiles or covers, or of kind attribute without listed segments.
    """
    if segmentation.kind == "attribute":
        return Cuts(found=_measure_values(base, segmentation))
    ranked = [score for score in segmentation.scores if score.quantiles]
    sample = _sample(base, [score.of for score in ranked]) if ranked else None
    cuts = {score.score: quantile_cuts(_known(sample, score.of), score) for score in ranked if sample}
    cuts |= {score.score: _covering(base, score) for score in segmentation.scores if score.covers}
    return Cuts(thresholds=cuts)


def _sample(base: DataFrame, features: Sequence[str]) -> pa.Table:
    """The features of at most SAMPLE_CUSTOMERS customers, those with the lowest salted hash of the id."""
    columns = [F.col(f).cast("double").alias(f) for f in dict.fromkeys(features)]
    by_hash = [F.xxhash64(F.lit(SALT), F.col("customer_id")), F.col("customer_id")]
    return base.select("customer_id", *columns).orderBy(*by_hash).limit(SAMPLE_CUSTOMERS).toArrow()


def _known(sample: pa.Table, feature: str) -> list[float]:
    return [v for v in sample[feature].to_pylist() if v is not None and v == v]  # noqa: PLR0124 - not NaN


def _covering(base: DataFrame, score: Score) -> tuple[float, ...]:
    """A coarse histogram of the values finds the bin of each cut, an exact one of that bin the cut itself."""
    unit = _unit(base, score.of)
    values = base.select((F.col(score.of) * F.lit(unit)).cast("bigint").alias("value")).where("value > 0")
    bins = _histogram(values.select("value", _bin().alias("bin")), "bin")
    total = sum(amount for _, amount, _ in bins)
    cuts = []
    for share in score.covers:
        place = covering_cut([(amount, 1) for _, amount, _ in bins], share)
        if place < 0:
            cuts.append(float("inf"))
            continue
        above = sum(amount for _, amount, _ in bins[place + 1 :])
        inside = _histogram(values.where(_bin() == bins[place][0]), "value")
        within = (share * total - above) / bins[place][1]
        cut = covering_cut([(value, count) for value, _, count in inside], within)
        cuts.append(inside[cut][0] / unit)
    return tuple(cuts)


def _unit(base: DataFrame, feature: str) -> int:
    """How many whole parts one of the feature's units has."""
    kind = dict(base.dtypes)[feature]
    return 1 if kind == "bigint" else 100 if kind.startswith("decimal") else UNITS


def _bin() -> Column:
    """The value cut to its first digits."""
    width = F.rpad(F.lit("1"), F.greatest(F.length(F.col("value").cast("string")) - (DIGITS - 1), F.lit(1)), "0")
    return F.col("value") - F.col("value") % width.cast("bigint")


def _histogram(values: DataFrame, by: str) -> list[tuple[int, int, int]]:
    """Key, sum of the values and their number, by ascending key."""
    sums = [F.sum("value").alias("amount"), F.count("*").alias("customers")]
    table = values.groupBy(by).agg(*sums).toArrow()
    return sorted(zip(*(table[name].to_pylist() for name in (by, "amount", "customers")), strict=True))


def _measure_values(base: DataFrame, segmentation: Segmentation) -> tuple[Found, ...]:
    value = F.col(str(segmentation.of)).cast("string").alias("value")
    table = base.select(value).where("value is not null").groupBy("value").agg(F.count("*").alias("n")).toArrow()
    counts = list(zip(table["value"].to_pylist(), table["n"].to_pylist(), strict=True))
    reserved = (segmentation.otherwise, segmentation.unknown)
    return found_segments(counts, segmentation.floor, reserved)
