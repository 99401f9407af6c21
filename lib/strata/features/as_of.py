"""Rows as of dates: several as-of dates share one scan."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

KEYS = ("as_of_date", "customer_id")


def at_dates(frame: DataFrame, as_ofs: Sequence[date], day: str) -> DataFrame:
    """Each row once for every as-of date that is not before its `day`, with that date as as_of_date.

    Raises:
        ValueError: no date.
    """
    dates = sorted(set(as_ofs))
    if not dates:
        raise ValueError("as-of dates: found none, expected at least one")
    upto_last = frame.where(F.col(day) <= F.lit(dates[-1]))
    if len(dates) == 1:
        return upto_last.withColumn("as_of_date", F.lit(dates[0]))
    spread = upto_last.withColumn("as_of_date", F.explode(F.array(*map(F.lit, dates))))
    return spread.where(F.col(day) <= F.col("as_of_date"))
