"""A segment at a glance: customers, share of the base, revenue and its growth, retention, conversion, the offer."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.publish.disclosure import SUPPRESSED

PERIOD = "84d"
FIGURES: Mapping[str, str] = {
    "revenue_84d": "revenue",
    "revenue_84d_before": "revenue_before",
    "revenue_share_84d": "revenue_share",
    "revenue_growth_84d": "revenue_growth",
    "retention_rate_84d": "retention_rate",
    "conversion_rate_84d": "conversion_rate",
}
"""Column of the overview -> figure of the period 84d."""
KEYS = ("as_of_date", "segmentation", "segment")


def build_overview(kpis: DataFrame, catalog: Sequence[Mapping[str, Any]]) -> DataFrame:
    """One row per date and segment.

    Args:
        kpis: publish.segment_kpi of these dates, from `build_kpis`: what is suppressed there is suppressed here.
        catalog: the live rows of the catalogue: segmentation, segment, label, offer; at least one.

    Returns:
        publish.segment_overview without release_id. Without a period of 84 days its figures are NULL.
    """
    of_period = F.col("period") == PERIOD
    segments = kpis.groupBy(*KEYS).agg(
        *[F.max(name).alias(name) for name in ("customers", "share")],
        *[F.max(F.when(of_period, F.col(figure))).alias(name) for name, figure in FIGURES.items()],
        F.bool_or(of_period & F.col(SUPPRESSED)).alias("of_period"),
    )
    words = F.try_element_at(_words(catalog), F.array("segmentation", "segment"))
    return segments.select(
        *KEYS,
        F.coalesce(words["label"], "segment").alias("label"),
        "customers",
        "share",
        *FIGURES,
        words["offer"].alias("offer"),
        (F.col("customers").isNull() | F.col("of_period")).alias(SUPPRESSED),
    )


def _words(catalog: Sequence[Mapping[str, Any]]) -> Column:
    """Label and offer of each declared segment, by segmentation and segment."""
    entries = [
        (
            F.array(F.lit(row["segmentation"]), F.lit(row["segment"])),
            F.struct(F.lit(row["label"]).alias("label"), F.lit(row["offer"]).cast("string").alias("offer")),
        )
        for row in catalog
    ]
    return F.create_map(*chain.from_iterable(entries))
