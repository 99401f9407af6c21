"""One source of a batch: from its delivery to the rows of bronze, silver and the identity vault.

Every frame is computed when it is written; what has to be known about it is observed on the way, or counted in what
was written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from strata.contract.bronze import identity_vault
from strata.contract.columns import Table, extend
from strata.contract.silver import FED_TABLES, FIRST_EVENT_DAY
from strata.contract.spark import rows_of
from strata.dates import day_of
from strata.errors import InputError
from strata.ingest import revisions
from strata.ingest.books import Counts
from strata.ingest.deliveries import Found, readable
from strata.ingest.event_days import days_of_bitmap, first_in_time
from strata.ingest.files import Delivered
from strata.ingest.identity import pseudonym, with_key
from strata.ingest.mapping import REASONS, key_unknown, map_records, source_ids
from strata.ingest.records import TRACE, Records, make_records
from strata.pipeline.batch import Step
from strata.pipeline.looking_up import files_of, look_up
from strata.pipeline.rejecting import Rejected, reject
from strata.project.models import Project
from strata.project.names import extra_columns
from strata.project.sources import Source

FEW_RECORDS = 200_000
"""A delivery of up to so many records is compared with silver as a whole, in the job that writes it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A source whose rows have been written."""

    source: Source
    files: tuple[Delivered, ...]
    records: Records
    counts: Counts
    event_days: Sequence[date]
    """The days of its good events, in order."""
    looked_up: Sequence[str] = ()
    """The files that were looked up in: name of the lookup and SHA-256."""


@dataclass(frozen=True, slots=True)
class _Silver:
    """What silver got of a source, and what was observed on the way."""

    gained: int = 0
    rejected: int = 0
    event_days: Sequence[date] = ()
    unchanged: Mapping[str, int] = field(default_factory=dict)
    closed: int = 0


def silver_contract(project: Project, feeds: str) -> type[Table]:
    """A silver table with the extra columns of all sources that feed it."""
    return extend(FED_TABLES[feeds], extra_columns(project.sources, feeds))


def take(step: Step, found: Found, new: tuple[Delivered, ...]) -> Taken:
    """Write bronze, silver and quarantine of one source.

    Raises:
        InputError: a file cannot be read, a snapshot would close everything, or the rows of a lookup differ.
    """
    source = found.source
    lookups = found.find_lookups()
    landing = found.land(new, step.batch.batch_id)
    with readable(source):
        landed = step.write(landing.bronze, landing.rows)
    found.verify()
    rows = step.of_batch(landing.bronze)
    records = make_records(rows, source, landing.bronze)
    record_counts = _count_records(source, records, landing.row_counts)
    records = look_up(step, source, lookups, records, sum(record_counts.values()))
    project = step.project
    first_day = first_in_time(source, step.books, project.time_zone, project.starts_on)
    mapped = map_records(records, source, project, step.batch, step.keys, first_day)
    silver = _to_silver(step, source, mapped, record_counts)
    rejected = reject(step, source, mapped.filter(~_is_good()), rows) if silver.rejected else Rejected()
    counts = Counts(
        rows=landing.row_counts,
        landed=landed,
        records=record_counts,
        rejected=rejected.by_file,
        reasons=rejected.by_reason,
        unchanged=silver.unchanged,
        gained=silver.gained,
        closed=silver.closed,
    )
    return Taken(source, new, records, counts, silver.event_days, files_of(source, lookups))


def _count_records(source: Source, records: Records, row_counts: Mapping[str, int]) -> dict[str, int]:
    """Records per file: its rows, unless they are unpivoted."""
    return dict(row_counts) if source.unpivot is None else _per_file(records.frame)


def _per_file(rows: DataFrame) -> dict[str, int]:
    return {row["file_hash"]: row["count"] for row in rows_of(rows.groupBy("file_hash").count())}


def _to_silver(step: Step, source: Source, mapped: DataFrame, records: Mapping[str, int]) -> _Silver:
    """Append what silver gains of the records, and what closes the rows a snapshot no longer has."""
    table = silver_contract(step.project, source.feeds)
    arrival = _arrival(step, source)
    existing = _existing(step, source, table)
    restated = existing if arrival.mode == "snapshot" else None
    if restated is not None and mapped.filter(_is_good()).limit(1).isEmpty():
        raise InputError(f"{source.name}: the snapshot has no usable row, and would close all: deliver it again")
    if sum(records.values()) == 0:
        step.lakehouse.ensure(table)
        return _Silver()
    seen = Observation()
    observed = mapped.observe(seen, *_observed(source))
    compared, again = _compared(observed, mapped, existing, table, arrival, sum(records.values()))
    silver = compared.filter(revisions.CHANGED).drop(revisions.CHANGED, *TRACE)
    closed = 0
    if restated is not None:
        silent = _closing(step, _silent(step, source, mapped, restated, table, arrival))
        closed = silent.count()
        silver = silver.unionByName(silent, allowMissingColumns=True) if closed else silver
    if source.feeds == "events":
        # Readers of a few days skip pages and files. Of 2 M rows, 3 days of 90 are read twice as fast, and the write
        # takes 5 to 8 % more CPU.
        silver = silver.sortWithinPartitions("event_date")
    gained = step.write(table, silver)
    rejected = int(seen.get["rejected"])
    may_repeat = again is not None and gained - closed != sum(records.values()) - rejected
    unchanged = _per_file(again.filter(~F.col(revisions.CHANGED))) if again is not None and may_repeat else {}
    return _Silver(gained, rejected, days_of_bitmap(seen.get["event_days"]), unchanged, closed)


def _compared(
    observed: DataFrame,
    mapped: DataFrame,
    existing: DataFrame | None,
    table: type[Table],
    arrival: revisions.Arrival,
    records: int,
) -> tuple[DataFrame, DataFrame | None]:
    """Good rows with revision and whether they changed; and those of them that may not have, to be counted apart.

    Rows to compare are few as a rule: those whose key came before. Of a large delivery they are found first, so that
    all others are first revisions without a shuffle.
    """
    keys = revisions.known_by(table, arrival)
    if records <= FEW_RECORDS:
        older = existing
        if existing is not None and arrival.mode != "snapshot":
            older = revisions.with_keys_in(existing, F.broadcast(revisions.hashes(mapped, keys)), keys)
        return (
            revisions.compare(_good(observed), older, table, arrival),
            revisions.compare(_good(mapped), older, table, arrival),
        )
    repeated = revisions.repeated_keys(mapped, existing, keys)
    count = repeated.count()
    if count == 0:
        return revisions.first_revisions(_good(observed), arrival), None
    repeated = F.broadcast(repeated) if count <= revisions.FEW_KEYS else repeated
    alone = revisions.first_revisions(revisions.with_keys_not_in(_good(observed), repeated, keys), arrival)
    older = None if existing is None else revisions.with_keys_in(existing, repeated, keys)
    again = revisions.compare(revisions.with_keys_in(_good(mapped), repeated, keys), older, table, arrival)
    return alone.unionByName(again, allowMissingColumns=True), again


def _is_good() -> Column:
    return F.col(REASONS) == ""


def _good(mapped: DataFrame) -> DataFrame:
    return mapped.filter(_is_good()).drop(REASONS)


def _observed(source: Source) -> tuple[Column, Column]:
    """Rejected rows; and the days of good events as a bitmap: a good one is not before its first day."""
    day = F.when(_is_good(), F.col("event_date")) if source.feeds == "events" else F.lit(None).cast("date")
    since = F.datediff(day, F.lit(FIRST_EVENT_DAY)).cast("bigint")
    return F.count_if(~_is_good()).alias("rejected"), F.bitmap_construct_agg(since).alias("event_days")


def _arrival(step: Step, source: Source) -> revisions.Arrival:
    undated = source.feeds == "customers" and all(m.name != "valid_from" for m in source.columns)
    day = day_of(step.batch.ingested_at, step.project.time_zone)
    return revisions.Arrival(source.delivery.mode, day, step.project.starts_on if undated else None)


def _existing(step: Step, source: Source, table: type[Table]) -> DataFrame | None:
    if source.name not in step.seen_before:
        return None
    rows = step.lakehouse.read(table)
    # A Delta frame sees what is committed when it is computed, the rows of this very batch included.
    earlier = (F.col("source") == source.name) & (F.col("batch_id") < step.batch.batch_id)
    return rows.select([c for c in rows.columns if c in table.columns]).filter(earlier)


def _silent(
    step: Step, source: Source, mapped: DataFrame, existing: DataFrame, table: type[Table], arrival: revisions.Arrival
) -> DataFrame:
    """What silver gains of a snapshot without a record: rows that close and, of customers who are back, open again."""
    back = revisions.reopenings(existing, _good(mapped), table, arrival)
    if not mapped.filter(key_unknown(revisions.closed_by(table))).limit(1).isEmpty():
        step.run.progress.note(f"{source.name}: rejected rows may be those that are missing, so that none is closed")
        return back
    return back.unionByName(revisions.closings(existing, mapped, table, arrival), allowMissingColumns=True)


def _closing(step: Step, rows: DataFrame) -> DataFrame:
    ingested_at, batch_id = F.lit(step.batch.ingested_at), F.lit(step.batch.batch_id).cast("bigint")
    return rows.withColumns({"ingested_at": ingested_at, "batch_id": batch_id})


def fill_vault(step: Step, taken: Iterable[Taken]) -> None:
    """Raw ids that the vault does not know yet, with their pseudonyms; one commit for all sources."""
    found = [ids for one in taken if (ids := source_ids(one.records, one.source)) is not None]
    if not found:
        return
    distinct = reduce(DataFrame.union, found).distinct()
    ids = with_key(distinct, step.keys).select(pseudonym(F.col("source_id")).alias("customer_id"), "source_id")
    if step.lakehouse.exists(identity_vault):
        known = step.lakehouse.read(identity_vault).select("customer_id", "source_id")
        ids = ids.join(known, ["customer_id", "source_id"], "left_anti")
    key_id, batch_id = F.lit(step.project.identity.key_id), F.lit(step.batch.batch_id).cast("bigint")
    step.lakehouse.append(identity_vault, ids.withColumns({"key_id": key_id, "batch_id": batch_id}))
