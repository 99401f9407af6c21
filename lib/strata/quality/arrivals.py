"""What is measured of the newest events: published tables look back over months, and smooth one bad day away.

One aggregate over the days since the release before, at most a week: per source and kind of event how many there are,
of how many customers, means, what is missing, at which hour, and how channels and devices share them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.contract.silver import events

WEEK = 7
_SHARED = ("channel", "device_class")
_DISTINCT = ("product_id", "place_id", "value_text", "country")
_NUMBERS = tuple(str(c) for c in events.columns if c.type in (Type.BIGINT, Type.MONEY, Type.DOUBLE) and c.nullable)
_NULLABLE = tuple(str(c) for c in events.columns if c.nullable and c not in ("previous_date", "currency"))
_FIXED = "decimal(28,9)"
Row = dict[str, Any]


def measure_events(frame: DataFrame, day: date) -> DataFrame:
    """A row per source and event_type, and one per channel and per device of these.

    Args:
        frame: rows of silver.events, of the days to measure and known by then.
        day: the last of these days; how many different customers and values there are is asked of it alone.
    """
    keys = [F.col(c) for c in ("source", "event_type")]
    sets = [keys, *([*keys, F.col(c)] for c in _SHARED)]
    by = [*keys, *(F.col(c) for c in _SHARED)]
    level = F.grouping_id(*by).alias("level")
    return frame.where("not is_deleted").groupingSets(sets, *by).agg(level, *_aggregates(day))


def _aggregates(day: date) -> Iterator[Column]:
    yield F.count(F.lit(1)).alias("events")
    is_last = F.col("event_date") == F.lit(day)
    for name in ("customer_id", *_DISTINCT):
        yield F.approx_count_distinct(F.when(is_last, F.col(name))).alias(f"distinct_{name}")
    yield F.avg(F.hour("occurred_at")).alias("hour")
    for name in _NULLABLE:
        yield F.count(name).alias(f"known_{name}")
    for name in _NUMBERS:
        yield F.sum(F.col(name).try_cast(_FIXED)).alias(f"sum_{name}")


def event_metrics(rows: Iterable[Mapping[str, Any]], days: int) -> list[Row]:
    """Rows of quality_metrics out of those of `measure_events`.

    Args:
        rows: as collected.
        days: how many days they are about: numbers of events are per day.
    """
    collected = list(rows)
    wholes = {(r["source"], r["event_type"]): r for r in collected if r["level"] == 0b11}
    found = [m for r in wholes.values() for m in _of_kind(r, days)]
    for r in collected:
        column = {0b01: "channel", 0b10: "device_class"}.get(r["level"])
        if column and r[column] is not None:
            whole = wholes[r["source"], r["event_type"]]
            share = r["events"] / whole["events"]
            found.append(_metric("share", f"{_kind(r)} {column}={r[column]}", share))
    return found


def _of_kind(row: Mapping[str, Any], days: int) -> Iterator[Row]:
    kind, events_ = _kind(row), row["events"]
    yield _metric("events", kind, events_ / days)
    yield _metric("customers", kind, row["distinct_customer_id"])
    yield _metric("hour", kind, row["hour"])
    for name in _DISTINCT:
        if row[f"distinct_{name}"]:
            yield _metric("distinct", f"{kind} {name}", row[f"distinct_{name}"])
    for name in _NULLABLE:
        yield _metric("null_share", f"{kind} {name}", 1 - row[f"known_{name}"] / events_)
    for name in _NUMBERS:
        if row[f"known_{name}"]:
            total = row[f"sum_{name}"]
            yield _metric("mean", f"{kind} {name}", None if total is None else float(total) / row[f"known_{name}"])


def _kind(row: Mapping[str, Any]) -> str:
    return f"{row['source']}/{row['event_type']}"


def _metric(metric: str, dimension: str, value: float | None) -> Row:
    return {"table_name": events.full_name(), "metric": metric, "dimension": dimension, "value": value}
