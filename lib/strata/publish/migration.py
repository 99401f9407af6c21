"""Who went from which segment to which, between two releases."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.contract.outside import NO_SEGMENT, NOT_IN_BASE


def build_migration(
    now: DataFrame, before: DataFrame, *, comparison: str, as_of_date: date, compared_as_of: date
) -> DataFrame:
    """Count customers by the segment they left and the segment they are in.

    Args:
        now: members.segment_membership of this release: customer_id, segmentation, segment.
        before: the same of the release compared with.
        comparison: previous, month or year.
        as_of_date: date of `now`.
        compared_as_of: date of `before`.

    Returns:
        publish.segment_migration without release_id, for segmentations that both releases have: in one that is new
        or retired nobody moved. Those who stayed are rows too, so per segmentation the counts by from_segment add
        up to the base then and those by to_segment to the base now, `(not in base)` apart.
    """
    # a union and one grouping instead of a full outer join: one shuffle, and no question which side's key to take
    moves = _side(before, "from_segment").unionByName(_side(now, "to_segment"), allowMissingColumns=True)
    customers = moves.groupBy("segmentation", "customer_id").agg(
        F.max("from_segment").alias("from_segment"), F.max("to_segment").alias("to_segment")
    )
    counts = customers.groupBy("segmentation", "from_segment", "to_segment").agg(F.count("*").alias("customers"))
    return (
        counts.withColumn("in_both", _in_both())
        .where("in_both")
        .select(
            F.lit(as_of_date).alias("as_of_date"),
            F.lit(comparison).alias("comparison"),
            "segmentation",
            F.coalesce("from_segment", F.lit(NOT_IN_BASE)).alias("from_segment"),
            F.coalesce("to_segment", F.lit(NOT_IN_BASE)).alias("to_segment"),
            "customers",
            F.lit(compared_as_of).alias("compared_as_of_date"),
        )
    )


def _side(membership: DataFrame, name: str) -> DataFrame:
    segment = F.coalesce("segment", F.lit(NO_SEGMENT)).alias(name)
    return membership.select("customer_id", "segmentation", segment)


def _in_both() -> Column:
    segmentation = Window.partitionBy("segmentation")
    had, has = F.max("from_segment").over(segmentation), F.max("to_segment").over(segmentation)
    return had.isNotNull() & has.isNotNull()
