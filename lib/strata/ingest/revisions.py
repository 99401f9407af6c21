"""Corrections are new rows: which rows of a delivery silver gains, and which of its rows are valid at a moment.

A row is known by its key: the grain of its table without `revision`. Customers whose source does not date its rows
are known by customer and source; their first version opens with the project, a changed one opens on the day it came:
nobody knows since when it holds, and what an earlier date saw must not change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.contract.columns import Table
from strata.contract.silver import MANAGED, PREVIOUS_DATE
from strata.contract.spark import spark_type
from strata.ingest.records import TRACE
from strata.project.sources import Delivery

CHANGED = "_changed"

FEW_KEYS = 2_000_000
"""Up to so many keys are sent to every executor; more are joined by a shuffle, which needs no memory for all of them.

Eight million corrected events do not fit a heap of 2 GiB as a broadcast; the shuffle took them.
"""

_HASH, _BASE, _CONTENT, _TODAY, _DELIVERED = "_key_hash", "_base", "_content", "_today", "_delivered"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a delivery means for the rows silver has.

    Attributes:
        mode: a snapshot is the whole state of its source, so that a missing row closes.
        arrived_on: day of the batch in the project's zone.
        opens_on: valid_from of a customer's first version where the source does not date its rows; None where it does.
    """

    mode: Delivery
    arrived_on: date
    opens_on: date | None = None


def key_of(table: type[Table]) -> tuple[str, ...]:
    """The columns that tell the rows of a silver table apart, whatever their revision."""
    return tuple(str(c) for c in table.grain if c != "revision")


def known_by(table: type[Table], arrival: Arrival) -> tuple[str, ...]:
    """The columns by which a delivered row finds its earlier versions."""
    return tuple(c for c in key_of(table) if arrival.opens_on is None or c != "valid_from")


def repeated_keys(incoming: DataFrame, existing: DataFrame | None, keys: Sequence[str]) -> DataFrame:
    """Hashes of the keys that come twice or are in silver already: only these rows need `compare`.

    A hash may stand for a key too many, which costs a comparison and changes nothing.
    """
    came = hashes(incoming, keys)
    repeated = came.groupBy(_HASH).count().filter("count > 1").select(_HASH)
    if existing is not None:
        repeated = repeated.union(hashes(existing, keys).join(came, _HASH, "left_semi"))
    return repeated.distinct()


def hashes(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The hash of each row's key."""
    return rows.select(_hash(keys))


def with_keys_in(rows: DataFrame, repeated: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows whose key is among `repeated`."""
    return rows.withColumn(_HASH, _hash(keys)).join(repeated, _HASH, "left_semi").drop(_HASH)


def with_keys_not_in(rows: DataFrame, repeated: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The rows whose key is not among `repeated`."""
    return rows.withColumn(_HASH, _hash(keys)).join(repeated, _HASH, "left_anti").drop(_HASH)


def first_revisions(incoming: DataFrame, arrival: Arrival) -> DataFrame:
    """Rows whose key is new and comes once: `revision` 1, `_changed` true; no shuffle."""
    opened = incoming
    if arrival.opens_on is not None:
        opened = incoming.withColumn("valid_from", F.lit(arrival.opens_on))
    return opened.withColumns({"revision": F.lit(1).cast("bigint"), CHANGED: F.lit(True)})


def compare(incoming: DataFrame, existing: DataFrame | None, table: type[Table], arrival: Arrival) -> DataFrame:
    """Delivered rows beside the newest version of their key: `revision` and `_changed`.

    | silver has | delivered, in the order of file, row, record | `_changed` | revision |
    |---|---|---|---|
    | nothing | A, A, B, A | true, false, true, true | 1, 1, 2, 3 |
    | A (revision 1) | A | false | 1 |
    | A (revision 1) | B | true | 2 |
    | A, deleted (revision 2) | A | true | 3 |

    Args:
        incoming: good rows from `map_records`.
        existing: all revisions that silver has of this source; None when it has none.
        table: the silver table.
        arrival: what the delivery means.
    """
    keys = known_by(table, arrival)
    rows = incoming.withColumn(_CONTENT, _content(incoming, table, keys, arrival))
    if existing is None:
        rows = rows.withColumn(_BASE, F.lit(None).cast(_base_type(rows)))
    else:
        newest = _newest(existing, keys, _base(existing, table, keys, arrival), arrival)
        rows = rows.join(newest, list(keys), "left")
    in_order = Window.partitionBy(*keys).orderBy(*TRACE[:1], *TRACE[2:])
    is_first = F.row_number().over(in_order) == 1
    base, content = F.col(_BASE), F.col(_CONTENT)
    differs = base.isNull() | base["is_deleted"] | ~content.eqNullSafe(base[_CONTENT])
    changed = F.when(is_first, differs).otherwise(~content.eqNullSafe(F.lag(_CONTENT).over(in_order)))
    rows = rows.withColumn(CHANGED, changed).withColumn("_step", F.sum(F.col(CHANGED).cast("bigint")).over(in_order))
    if PREVIOUS_DATE in table.columns:
        before = F.when(is_first, base[_CONTENT]["event_date"]).otherwise(F.lag("event_date").over(in_order))
        rows = rows.withColumn(PREVIOUS_DATE, F.nullif(before, F.col("event_date")))
    return _numbered(rows, arrival).drop(_BASE, _CONTENT, "_step")


def _numbered(rows: DataFrame, arrival: Arrival) -> DataFrame:
    base, step = F.col(_BASE), F.col("_step")
    revision = F.coalesce(base["revision"], F.lit(0))
    if arrival.opens_on is not None:
        later = F.greatest(base["valid_from"], F.lit(arrival.arrived_on))
        opens = F.when(base.isNull(), F.lit(arrival.opens_on)).otherwise(later)
        revision = F.when(opens == base["valid_from"], base["revision"]).otherwise(F.lit(0))
        rows = rows.withColumn("valid_from", opens)
    return rows.withColumn("revision", (revision + step).cast("bigint"))


def revise(incoming: DataFrame, existing: DataFrame | None, table: type[Table], arrival: Arrival) -> DataFrame:
    """The rows that silver gains: those of `compare` that changed, without their trace."""
    return compare(incoming, existing, table, arrival).filter(CHANGED).drop(CHANGED, *TRACE)


def closed_by(table: type[Table]) -> tuple[str, ...]:
    """The columns by which a row of silver is missed in a snapshot: a customer is closed, not each of its versions."""
    return tuple(c for c in key_of(table) if table.__name__ != "customers" or c != "valid_from")


def closings(existing: DataFrame, delivered: DataFrame, table: type[Table], arrival: Arrival) -> DataFrame:
    """What a snapshot says by silence: rows for the keys it no longer has. `ingested_at` and `batch_id` stay to be set.

    A customer gets a version from the day of the batch in which nothing is known any more, with status `former`
    where the source told a status; any other row gets a revision with `is_deleted`.

    Args:
        existing: all revisions that silver has of this source.
        delivered: all mapped rows, the rejected too: a row that cannot be read has not been withdrawn. Where the key
            of one is not certain (`mapping.key_unknown`), it may be any row, and nothing can be closed.
        table: the silver table.
        arrival: what the delivery means.
    """
    keys = closed_by(table)
    if table.__name__ == "customers":
        latest = _latest_versions(existing, table, arrival)
        return _closed_customers(latest.join(delivered.select(*keys), list(keys), "left_anti"), table, arrival)
    newest = _newest(existing, keys, F.struct(*existing.columns), arrival)
    missing = newest.join(delivered.select(*keys), list(keys), "left_anti").select(f"{_BASE}.*")
    revision = (F.col("revision") + 1).alias("revision")
    kept = [c for c in missing.columns if c not in ("revision", "is_deleted", PREVIOUS_DATE)]
    return missing.filter(~F.col("is_deleted")).select(*kept, revision, F.lit(True).alias("is_deleted"))


def reopenings(existing: DataFrame, good: DataFrame, table: type[Table], arrival: Arrival) -> DataFrame:
    """What a snapshot says of customers who were closed and are back: revisions that withdraw their closing versions.

    Only where the source dates its rows: there, the row that is back is what silver has already, and older than the
    version that closed it. An undated one opens a new version. `ingested_at` and `batch_id` stay to be set.

    Args:
        existing: all revisions that silver has of this source.
        good: the mapped rows that are not rejected.
        table: the silver table.
        arrival: what the delivery means.
    """
    if table.__name__ != "customers" or arrival.opens_on is not None:
        return existing.filter(F.lit(False))
    keys = list(closed_by(table))
    back = good.groupBy(*keys).agg(F.max("valid_from").alias(_DELIVERED))
    latest = _latest_versions(existing, table, arrival).join(back, keys)
    closing = latest.filter(~_says_something(latest, table) & (F.col("valid_from") > F.col(_DELIVERED)))
    kept = [c for c in existing.columns if c not in ("revision", "is_deleted")]
    return closing.select(*kept, (F.col("revision") + 1).alias("revision"), F.lit(True).alias("is_deleted"))


def _latest_versions(existing: DataFrame, table: type[Table], arrival: Arrival) -> DataFrame:
    """The latest version of each customer that is not withdrawn, and `_today`: the revision it has on this day."""
    versions = _newest(existing, key_of(table), F.struct(*existing.columns), arrival).select(f"{_BASE}.*")
    latest = F.max_by(F.struct(*versions.columns), F.when(~F.col("is_deleted"), F.col("valid_from")))
    today = F.max(F.when(F.col("valid_from") == F.lit(arrival.arrived_on), F.col("revision")))
    grouped = versions.groupBy(*closed_by(table)).agg(latest.alias(_BASE), today.alias(_TODAY))
    return grouped.filter(F.col(_BASE).isNotNull()).select(f"{_BASE}.*", _TODAY)


def _told(rows: DataFrame, table: type[Table]) -> list[str]:
    return [c for c in rows.columns if c in table.columns and c not in (*table.grain, *MANAGED, "status")]


def _says_something(rows: DataFrame, table: type[Table]) -> Column:
    """False for a version that closes a customer."""
    told = F.coalesce(*(F.col(c).cast("string") for c in _told(rows, table))).isNotNull()
    return told | (F.coalesce(F.col("status"), F.lit("former")) != "former")


def _closed_customers(newest: DataFrame, table: type[Table], arrival: Arrival) -> DataFrame:
    status = F.when(F.col("status").isNotNull(), F.lit("former"))
    opens = F.greatest(F.col("valid_from"), F.lit(arrival.arrived_on))
    on_this_day = opens == F.lit(arrival.arrived_on)
    revision = F.when(on_this_day, F.coalesce(_TODAY, F.lit(0))).otherwise(F.col("revision")) + 1
    return newest.filter(_says_something(newest, table)).select(
        "customer_id",
        "source",
        opens.alias("valid_from"),
        revision.cast("bigint").alias("revision"),
        status.alias("status"),
        F.lit(False).alias("is_deleted"),
        *(F.lit(None).cast(newest.schema[c].dataType).alias(c) for c in _told(newest, table)),
    )


def corrections(frame: DataFrame) -> DataFrame:
    """The rows that correct others; Delta's statistics tell the files without any apart."""
    return frame.filter(F.col("revision") > 1)


def valid_rows(frame: DataFrame, table: type[Table], known_at: datetime, corrected: int | None = None) -> DataFrame:
    """The rows of a silver table that are valid for what was known at `known_at`.

    The highest revision of a key up to that moment counts, unless it is deleted. Corrected keys are few as a rule:
    they are found from the revisions above 1 and broadcast, so that the table is scanned once and not shuffled.

    Args:
        frame: all revisions of `table`.
        table: gives the key.
        known_at: the moment, with its zone; a row that came at that very moment counts.
        corrected: how many `corrections` there are; None: not known, and few. Without any, neither keys are read nor
            rows looked up. Spark's own estimate does not tell: it is of the files that hold corrections among other
            rows, and would have all events shuffled for a few.
    """
    keys = key_of(table)
    known = frame.filter(F.col("ingested_at") <= F.lit(known_at))
    if corrected == 0:
        return known.filter(~F.col("is_deleted"))
    latest = corrections(known).groupBy(*keys).agg(F.max("revision").alias("_latest"))
    many = corrected is not None and corrected > FEW_KEYS
    beside = known.join(latest.hint("merge" if many else "broadcast"), list(keys), "left")
    newest = F.col("_latest").isNull() | (F.col("revision") == F.col("_latest"))
    return beside.filter(newest & ~F.col("is_deleted")).select(*frame.columns)


def _hash(keys: Sequence[str]) -> Column:
    return F.xxhash64(*keys).alias(_HASH)


def _content(rows: DataFrame, table: type[Table], keys: Sequence[str], arrival: Arrival) -> Column:
    beside = (*keys, *MANAGED, PREVIOUS_DATE)
    told = [c for c in table.columns if c not in beside and (arrival.opens_on is None or c != "valid_from")]
    return F.struct(
        *((F.col(f"`{c}`") if c in rows.columns else F.lit(None)).cast(spark_type(c)).alias(str(c)) for c in told)
    )


def _base(rows: DataFrame, table: type[Table], keys: Sequence[str], arrival: Arrival) -> Column:
    dated = [F.col("valid_from")] if arrival.opens_on is not None else []
    return F.struct("revision", "is_deleted", *dated, _content(rows, table, keys, arrival).alias(_CONTENT))


def _base_type(rows: DataFrame) -> str:
    content = rows.schema[_CONTENT].dataType.simpleString()
    return f"struct<revision:bigint,is_deleted:boolean,valid_from:date,{_CONTENT}:{content}>"


def _newest(existing: DataFrame, keys: Sequence[str], what: Column, arrival: Arrival) -> DataFrame:
    order = F.struct("valid_from", "revision") if arrival.opens_on is not None else F.col("revision")
    return existing.groupBy(*keys).agg(F.max_by(what, order).alias(_BASE))
