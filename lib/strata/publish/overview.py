"""A segment at a glance: customers, share of the base, revenue and its growth, the offer."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.publish.effects import ratio

REVENUES: Mapping[str, str] = {"revenue_84d": "spend_84d", "revenue_84d_before": "spend_84d_before"}
"""Column of the overview -> feature it adds up."""
MONEY = "decimal(18,2)"
KEYS = ("as_of_date", "segmentation", "segment")


def build_overview(membership: DataFrame, features: DataFrame, catalog: Sequence[Mapping[str, Any]]) -> DataFrame:
    """One row per date and segment, also for segments that nobody is in.

    Args:
        membership: as_of_date, customer_id, segmentation, segment.
        features: as_of_date, customer_id and the features; revenue is spend_84d and spend_84d_before (MONEY) where
            the project has them, NULL where not.
        catalog: the live rows of the catalogue: segmentation, segment, label, offer; at least one.

    Returns:
        publish.segment_overview without release_id. Shares are of the base of the same segmentation; the share of
        revenue and the growth are NULL where there was no revenue to compare with.
    """
    revenues = {column: feature for column, feature in REVENUES.items() if feature in features.columns}
    segments = _with_declared(_count(membership, features, revenues), revenues, catalog)
    base = Window.partitionBy("as_of_date", "segmentation")
    return segments.select(
        *KEYS,
        F.coalesce("label", "segment").alias("label"),
        "customers",
        ratio(F.col("customers"), F.sum("customers").over(base)).alias("share"),
        *REVENUES,
        ratio(F.col("revenue_84d"), F.sum("revenue_84d").over(base)).alias("revenue_share_84d"),
        (ratio(F.col("revenue_84d"), F.col("revenue_84d_before")) - 1).alias("revenue_growth_84d"),
        "offer",
    )


def _count(membership: DataFrame, features: DataFrame, revenues: Mapping[str, str]) -> DataFrame:
    amounts = [F.col(feature).cast(MONEY).alias(column) for column, feature in revenues.items()]
    spent = features.select("as_of_date", "customer_id", *amounts)
    joined = membership.join(spent, ["as_of_date", "customer_id"], how="left")
    return joined.groupBy(*KEYS).agg(F.count("*").alias("customers"), *[_total(column) for column in revenues])


def _with_declared(counts: DataFrame, revenues: Mapping[str, str], catalog: Sequence[Mapping[str, Any]]) -> DataFrame:
    """`counts` with label and offer, and with a row of zeros for each declared segment that nobody is in.

    The declared segments join each date as rows of zeros and are merged in by sums: they are few, and so neither a
    frame of literals nor a second look at the members is needed.
    """
    no_words = [F.lit(None).cast("string").alias(word) for word in ("label", "offer")]
    counted = F.struct("segmentation", "segment", "customers", *revenues, *no_words)
    declared = F.array(*[_declared(row, revenues) for row in catalog])
    listed = counts.groupBy("as_of_date").agg(F.collect_list(counted).alias("counted"))
    rows = listed.select("as_of_date", F.inline(F.concat("counted", declared)))
    sums = [F.sum("customers").alias("customers"), *[_total(column) for column in revenues]]
    missing = [F.lit(None).cast(MONEY).alias(column) for column in REVENUES if column not in revenues]
    words = [F.max("label").alias("label"), F.max("offer").alias("offer")]
    return rows.groupBy(*KEYS).agg(*sums, *words).select("*", *missing)


def _declared(row: Mapping[str, Any], revenues: Mapping[str, str]) -> Column:
    return F.struct(
        F.lit(row["segmentation"]).alias("segmentation"),
        F.lit(row["segment"]).alias("segment"),
        F.lit(0).cast("bigint").alias("customers"),
        *[F.lit(0).cast(MONEY).alias(column) for column in revenues],
        F.lit(row["label"]).alias("label"),
        F.lit(row["offer"]).cast("string").alias("offer"),
    )


def _total(column: str) -> Column:
    return F.sum(column).cast(MONEY).alias(column)
