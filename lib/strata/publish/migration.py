"""Who went from which segment to which, between two releases."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.contract.outside import NO_SEGMENT, NOT_IN_BASE
from strata.publish.disclosure import (
    SUPPRESSED,
    Side,
    Sums,
    complete_sums,
    complete_table,
    suppress_small,
    withhold,
)

TABLE = ("comparison", "segmentation")
ENDS = ("from_segment", "to_segment")


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
        publish.segment_migration without release_id and is_suppressed, for segmentations that both releases have: in
        one that is new or retired nobody moved. Those who stayed are rows too, so per segmentation the counts by
        from_segment add up to the base then and those by to_segment to the base now, `(not in base)` apart.
    """
    # a union and one grouping instead of a full outer join: one shuffle, and no question which side's key to take
    moves = _side(before, "from_segment").unionByName(_side(now, "to_segment"), allowMissingColumns=True)
    customers = moves.groupBy("segmentation", "customer_id").agg(
        F.max("from_segment").alias("from_segment"), F.max("to_segment").alias("to_segment")
    )
    counts = customers.groupBy("segmentation", "from_segment", "to_segment").agg(F.count("*").alias("customers"))
    in_both = counts.withColumn("in_both", _in_both()).where("in_both").fillna(NOT_IN_BASE, list(ENDS))
    return in_both.select(
        F.lit(as_of_date).alias("as_of_date"),
        F.lit(comparison).alias("comparison"),
        "segmentation",
        *ENDS,
        "customers",
        F.lit(compared_as_of).alias("compared_as_of_date"),
    )


def protect_migration(moves: DataFrame, floor: int) -> DataFrame:
    """Withhold the movements of too few customers, and what would give them or the size of a small segment away.

    Args:
        moves: from `build_migration`, of any comparisons.
        floor: fewest customers that a count may be about.

    Returns:
        publish.segment_migration without release_id: customers is NULL where is_suppressed (`disclosure`).
    """
    # not by comparison: where there is one only, Spark holds it a constant and would move the rows for every window
    columns, moves = moves.columns, moves.repartition("segmentation")
    for end in ENDS:
        moves = _protect_sizes(moves, end, floor)
    sides = Side("from_segment", "~from_segment"), Side("to_segment", "~to_segment")
    seeded = moves.withColumn(SUPPRESSED, F.col("~from_segment") | F.col("~to_segment"))
    protected = complete_table(suppress_small(seeded, ["customers"], floor), "customers", TABLE, sides, floor)
    return withhold(protected, ["customers"]).select(*columns, SUPPRESSED)


def _side(membership: DataFrame, name: str) -> DataFrame:
    segment = F.coalesce("segment", F.lit(NO_SEGMENT)).alias(name)
    return membership.select("customer_id", "segmentation", segment)


def _in_both() -> Column:
    segmentation = Window.partitionBy("segmentation")
    had, has = F.max("from_segment").over(segmentation), F.max("to_segment").over(segmentation)
    return had.isNotNull() & has.isNotNull()


def _protect_sizes(moves: DataFrame, end: str, floor: int) -> DataFrame:
    """`~end`: whether the overview does not say the size of the segment a movement starts or ends in."""
    flag, rows = f"~{end}", Window.partitionBy(*TABLE, end).orderBy(*ENDS)
    whole = rows.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    # each size once, on the first of its movements: sizes add up to the base
    is_one = (F.row_number().over(rows) == 1) & (F.col(end) != NOT_IN_BASE)
    size = F.when(is_one, F.sum("customers").over(whole)).otherwise(0)
    marked = suppress_small(moves.withColumn("~size", size), ["~size"], floor, flag)
    completed = complete_sums(marked, ["~size"], Sums(TABLE, end), floor, flag)
    return completed.withColumn(flag, F.bool_or(flag).over(Window.partitionBy(*TABLE, end)))
