"""Groups of customers added up: one aggregate, whose few rows `groups` measures on the driver."""

from itertools import combinations_with_replacement

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.project.models import Segmentation
from strata.segments.groups import Group, Sums, measure

_MONEY = "decimal(18,2)"


def measure_groups(base: DataFrame, segmentation: Segmentation) -> tuple[Group, ...]:
    """The groups of a segmentation by a measure; one job.

    Args:
        base: the customers of its base on one date: the features it measures, and the column it is `of`.
        segmentation: of kind attribute with a `measure`. Whose value is not known is in no group.
    """
    assert segmentation.measure is not None
    features = segmentation.measure.features
    pairs = list(combinations_with_replacement(range(len(features)), 2))
    amounts = [F.coalesce(F.col(feature), F.lit(0)).cast(_MONEY) for feature in features]
    # Sums of decimals are exact, so that they do not hang on the layout of the snapshot.
    sums = [F.sum(a).alias(f"a{i}") for i, a in enumerate(amounts)]
    sums += [_product(amounts[i], amounts[j]).alias(f"p{i}{j}") for i, j in pairs]
    value = F.col(str(segmentation.of)).cast("string").alias("value")
    rows = base.groupBy(value).agg(F.count(F.lit(1)).alias("n"), *sums).toArrow().to_pylist()
    found = {
        row["value"]: Sums(
            row["n"],
            tuple(float(row[f"a{i}"]) for i in range(len(features))),
            {(i, j): float(row[f"p{i}{j}"]) for i, j in pairs},
        )
        for row in rows
        if row["value"] is not None
    }
    unknown = sum(row["n"] for row in rows if row["value"] is None)
    return measure(found, segmentation.measure, segmentation.segments, segmentation.floor, unknown)


def _product(one: Column, other: Column) -> Column:
    return F.sum((one * other).cast("decimal(38,4)"))
