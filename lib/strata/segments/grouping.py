"""Groups of customers added up: aggregates in one job, whose few rows `groups` measures on the driver."""

from itertools import combinations_with_replacement

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.project.models import Segmentation
from strata.segments.cuts import MOST_SEGMENTS
from strata.segments.groups import Group, Sums, measure

_MONEY = "decimal(18,2)"


def measure_groups(base: DataFrame, segmentation: Segmentation) -> tuple[Group, ...]:
    """The groups of a segmentation by a measure, those that are not listed together; one job.

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
    by_value = base.groupBy(value).agg(F.count(F.lit(1)).alias("n"), *sums)
    rows = list_largest(by_value, segmentation.floor, MOST_SEGMENTS).toArrow().to_pylist()
    found = {
        row["value"]: Sums(
            row["n"],
            tuple(float(row[f"a{i}"]) for i in range(len(features))),
            {(i, j): float(row[f"p{i}{j}"]) for i, j in pairs},
        )
        for row in rows
        if row["is_known"]
    }
    unknown = sum(row["n"] for row in rows if not row["is_known"])
    return measure(found, segmentation.measure, segmentation.segments, unknown)


def list_largest(by_value: DataFrame, floor: int, most: int) -> DataFrame:
    """The values that enough customers have, and all others added up.

    Args:
        by_value: a row per value, NULL among them: value, n customers, and what else adds up.
        floor: fewest customers of a value that is listed.
        most: so many values are listed, those of most customers, ties by value.

    Returns:
        The same columns, and is_known: false of the row of those without a value. The values that are not listed are
        one row, in which value is NULL.
    """
    added = [F.sum(name).alias(name) for name in by_value.columns if name != "value"]
    listed = F.when(F.col("n") >= floor, F.col("value")).alias("value")
    enough = by_value.groupBy(listed, F.col("value").isNotNull().alias("is_known")).agg(*added)
    largest = Window.partitionBy(F.col("value").isNotNull()).orderBy(F.desc("n"), "value")
    placed = enough.withColumn("place", F.row_number().over(largest))
    return placed.groupBy(F.when(F.col("place") <= most, F.col("value")).alias("value"), "is_known").agg(*added)


def _product(one: Column, other: Column) -> Column:
    return F.sum((one * other).cast("decimal(38,4)"))
