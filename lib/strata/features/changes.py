"""Which days differ between two states of knowledge: those whose tiles must be made again, and no others."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.silver import BATCHES_APART, PREVIOUS_DATE
from strata.features.cells import one_row_each
from strata.project.names import DATED_TABLES

DAY = "event_date"


def arrived_between(rows: DataFrame, one: datetime, other: datetime) -> DataFrame:
    """The revisions that are known at one of the two moments and not at the other.

    Args:
        rows: all revisions.
        one: the end of a batch, with its zone.
        other: the end of another; batches end `BATCHES_APART` or more after each other.
    """
    earlier, later = sorted((one, other))
    came_later = F.col("ingested_at") >= F.lit(earlier + BATCHES_APART)
    return rows.where(came_later & (F.col("ingested_at") <= F.lit(later)))


def days_of_events(arrived: DataFrame) -> DataFrame:
    """event_date: the days of events that came, were corrected or withdrawn, and those they had lain on before."""
    days = F.explode(F.array(DAY, PREVIOUS_DATE)).alias(DAY)
    return arrived.select(days).where(F.col(DAY).isNotNull())


def days_of_rows(table: str, rows: DataFrame, arrived: DataFrame) -> DataFrame:
    """event_date: every day that a touched row of another dated table lies or has lain on.

    Args:
        table: its name.
        rows: all its revisions.
        arrived: those that came between.
    """
    contract, day = DATED_TABLES[table]
    keys = [str(c) for c in contract.grain if c not in ("revision", str(day))]
    touched = arrived.select(*keys).distinct()
    return rows.join(touched, keys, "left_semi").select(F.col(str(day)).alias(DAY)).where(F.col(DAY).isNotNull())


def changed_names(
    arrived: DataFrame, before: DataFrame, after: DataFrame, key: str, columns: Mapping[str, str]
) -> DataFrame:
    """`key`: the products or places of which a column that tiles read differs between two states of knowledge.

    Args:
        arrived: revisions that came between.
        before: valid rows of one state.
        after: valid rows of the other.
        key: product_id or place_id.
        columns: name -> column of the dimension.
    """
    touched = arrived.select(key).distinct()
    old, new = (
        one_row_each(rows.join(touched, key, "left_semi"), key, columns).select(
            key, F.struct(*columns).alias(name)
        )
        for rows, name in ((before, "old"), (after, "new"))
    )  # fmt: skip
    unknown = F.struct(*(F.lit(None).alias(name) for name in columns))
    differs = ~F.coalesce("old", unknown).eqNullSafe(F.coalesce("new", unknown))
    return old.join(new, key, "full").where(differs).select(key)


def days_with(events: DataFrame, changed: DataFrame, key: str) -> DataFrame:
    """event_date: the days of events about one of the changed products or places; reads two columns of all events."""
    return events.join(F.broadcast(changed), key, "left_semi").select(DAY)


def of_days(rows: DataFrame, days: Sequence[date] | None, day: str = DAY) -> DataFrame:
    """The rows of some days, of all without; said so that files of other days, and of other months, are not read."""
    if days is None:
        return rows
    found = rows.where(F.col(day).isin(*days))
    months = sorted({d.replace(day=1) for d in days})
    return found.where(F.col("event_month").isin(*months)) if "event_month" in rows.columns else found


def distinct_days(parts: Sequence[DataFrame]) -> DataFrame:
    """event_date: each day once."""
    return reduce(DataFrame.union, parts).distinct()
