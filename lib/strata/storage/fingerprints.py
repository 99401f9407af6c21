"""Whether two tables hold the same rows, whatever their order, files or partitions."""

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def fingerprint(frame: DataFrame) -> DataFrame:
    """One row: `row_count` and `content_hash` over all columns of `frame`."""
    return frame.agg(*fingerprints(frame.columns))


def fingerprints(columns: Iterable[str]) -> tuple[Column, Column]:
    """The aggregates `row_count` and `content_hash` over these columns.

    The hash is the sum of 64-bit row hashes as a fixed-point number: it merges across partitions and moves when a
    row is doubled. A NULL leaves no trace, so a column that a table gains later does not change old slices.
    """
    row_hash = F.xxhash64(*(part for name in sorted(columns) for part in _named(name)))
    return (
        F.count(F.lit(1)).alias("row_count"),
        F.coalesce(F.sum(row_hash.cast("decimal(20,0)")), F.lit(0)).cast("string").alias("content_hash"),
    )


def _named(name: str) -> tuple[Column, Column]:
    value = F.col(f"`{name}`")
    return F.when(value.isNotNull(), F.lit(name)), value
