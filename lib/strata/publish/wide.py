"""Segments side by side: one column per segmentation ever released."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def build_wide(membership: DataFrame, names: Sequence[str]) -> DataFrame:
    """One row per customer and date from the long table.

    Args:
        membership: as_of_date, customer_id, segmentation, segment; one row per customer, date and segmentation.
        names: segmentations that get a column, in this order; one without rows (retired) is NULL throughout.

    Returns:
        as_of_date, customer_id and a STRING per name.
    """
    segments = [F.max(F.when(F.col("segmentation") == name, F.col("segment"))).alias(name) for name in names]
    return membership.groupBy("as_of_date", "customer_id").agg(*segments)
