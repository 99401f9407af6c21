"""One source of a batch: from its delivery to the rows of bronze, silver, quarantine and the identity vault.

Every frame is computed when it is written; what has to be known about it is observed on the way, or counted in what
was written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from strata.contract.bronze import identity_vault, rejected_rows
from strata.contract.columns import Table, extend
from strata.contract.silver import FED_TABLES, quarantine
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.ingest import revisions
from strata.ingest.books import Counts, day_of
from strata.ingest.deliveries import Found, readable
from strata.ingest.files import Delivered
from strata.ingest.identity import pseudonym, with_key
from strata.ingest.landing import UNREADABLE, bronze_table
from strata.ingest.mapping import REASONS, Batch, map_records, source_ids
from strata.ingest.records import TRACE, Records, as_list, make_records
from strata.pipeline.context import Run
from strata.project.models import Project, Source
from strata.project.names import extra_columns
from strata.storage.tables import Lakehouse

ROWS_PER_FILE = 500_000
"""Most rows in a data file of bronze and silver: a delivery in one piece becomes work for several cores."""

FEW_KEYS = 2_000_000
"""Up to so many repeated keys are sent to every executor; more are joined by a shuffle."""


@dataclass(frozen=True)
class Step:
    """What all sources of one batch share."""

    run: Run
    batch: Batch
    keys: DataFrame
    seen_before: frozenset[str]
    """Sources of earlier batches: only they have rows in silver."""

    @property
    def lakehouse(self) -> Lakehouse:
        """The project's tables."""
        return self.run.lakehouse

    @property
    def project(self) -> Project:
        """The project."""
        return self.run.project

    def of_batch(self, table: type[Table]) -> DataFrame:
        """The rows of a table that this batch has written."""
        return self.lakehouse.read(table).filter(F.col("batch_id") == self.batch.batch_id)


@dataclass(frozen=True)
class Taken:
    """A source whose rows have been written, and what was seen of them."""

    source: Source
    files: tuple[Delivered, ...]
    records: Records
    landed: Counts
    latest: date | None
    unchanged: Mapping[str, int]
    closed: int
    rejected: int

    def balanced(self, written: Iterable[Mapping[str, Any]]) -> Counts:
        """The counts of this source, with those of `count_written`."""
        own = [w for w in written if w["source"] == self.source.name]
        return Counts(
            rows=self.landed.rows,
            last_rows=self.landed.last_rows,
            records=self.landed.records,
            rejected={w["file_hash"]: w["row_count"] for w in own if w["place"] == "quarantine"},
            unchanged=self.unchanged,
            gained=sum(w["row_count"] for w in own if w["place"] == "silver"),
            closed=self.closed,
        )


def silver_contract(project: Project, feeds: str) -> type[Table]:
    """A silver table with the extra columns of all sources that feed it."""
    return extend(FED_TABLES[feeds], extra_columns(project.sources, feeds))


def take(step: Step, found: Found, new: tuple[Delivered, ...]) -> Taken:
    """Write bronze, silver and quarantine of one source.

    Raises:
        InputError: a file cannot be read, or a snapshot would close everything.
    """
    source, lakehouse = found.source, step.lakehouse
    bronze, landed = found.land(new, step.batch.batch_id)
    with readable(source):
        lakehouse.append(bronze, landed, ROWS_PER_FILE)
    found.verify()
    rows = step.of_batch(bronze)
    records = make_records(rows, source, bronze)
    counts = _count_landed(source, rows, records, new)
    mapped = map_records(records, source, step.project, step.batch, step.keys)
    seen = _to_silver(step, source, mapped, sum(counts.records.values()))
    if seen["rejected"]:
        _to_quarantine(step, source, mapped, rows)
    total = sum(counts.records.values())
    step.run.progress.note(f"{source.name}: {total:,} records, {seen['rejected']:,} rejected")
    return Taken(source, new, records, counts, **seen)


def _count_landed(source: Source, rows: DataFrame, records: Records, new: Sequence[Delivered]) -> Counts:
    marked = rows.select(F.lit("rows").alias("what"), "file_hash", "row_number")
    if source.unpivot is not None:
        marked = marked.union(records.frame.select(F.lit("records"), "file_hash", "row_number"))
    found = rows_of(
        marked.groupBy("what", "file_hash").agg(F.count(F.lit(1)).alias("count"), F.max("row_number").alias("last"))
    )
    by_what = {what: {r["file_hash"]: r for r in found if r["what"] == what} for what in ("rows", "records")}
    rows_per_file = {f.sha256: by_what["rows"].get(f.sha256, {"count": 0, "last": 0}) for f in new}
    records_per_file = by_what["records"] if source.unpivot is not None else rows_per_file
    return Counts(
        rows={file: r["count"] for file, r in rows_per_file.items()},
        last_rows={file: r["last"] for file, r in rows_per_file.items()},
        records={file: r["count"] for file, r in records_per_file.items()},
    )


def _to_silver(step: Step, source: Source, mapped: DataFrame, records: int) -> dict[str, Any]:
    """Append what silver gains; returns what was seen: rejected, latest, unchanged per file, closed."""
    table = silver_contract(step.project, source.feeds)
    arrival = _arrival(step, source)
    existing = _existing(step, source, table)
    is_restated = arrival.mode == "snapshot" and existing is not None
    if is_restated and mapped.filter(_is_good()).limit(1).isEmpty():
        raise InputError(f"{source.name}: the snapshot has no usable row, and would close all: deliver it again")
    if records == 0:
        return {"rejected": 0, "latest": None, "unchanged": {}, "closed": 0}
    seen = Observation()
    observed = mapped.observe(seen, *_observed(source))
    if is_restated:
        gained = revisions.compare(_good(observed), existing, table, arrival)
        unchanged = _count_unchanged(revisions.compare(_good(mapped), existing, table, arrival))
    else:
        gained, unchanged = _gained(observed, mapped, existing, table, arrival)
    silver = gained.filter(revisions.CHANGED).drop(revisions.CHANGED, *TRACE)
    closed = 0
    if is_restated and existing is not None:
        silent = _closing(step, revisions.closings(existing, mapped, table, arrival))
        closed = silent.count()
        silver = silver.unionByName(silent, allowMissingColumns=True) if closed else silver
    step.lakehouse.append(table, silver, ROWS_PER_FILE)
    found = seen.get
    return {"rejected": found["rejected"], "latest": found["latest"], "unchanged": unchanged, "closed": closed}


def _gained(
    observed: DataFrame, mapped: DataFrame, existing: DataFrame | None, table: type[Table], arrival: revisions.Arrival
) -> tuple[DataFrame, dict[str, int]]:
    """Rows to compare are few: those whose key came before. The others are first revisions, without a shuffle."""
    keys = revisions.known_by(table, arrival)
    repeated = revisions.repeated_keys(mapped, existing, keys)
    count = repeated.count()
    if count == 0:
        return revisions.first_revisions(_good(observed), arrival), {}
    repeated = F.broadcast(repeated) if count <= FEW_KEYS else repeated
    alone = revisions.first_revisions(revisions.with_keys_not_in(_good(observed), repeated, keys), arrival)
    older = None if existing is None else revisions.with_keys_in(existing, repeated, keys)
    again = revisions.with_keys_in(_good(mapped), repeated, keys)
    compared = revisions.compare(again, older, table, arrival)
    return alone.unionByName(compared), _count_unchanged(compared)


def _count_unchanged(compared: DataFrame) -> dict[str, int]:
    counted = compared.filter(~F.col(revisions.CHANGED)).groupBy("file_hash").count()
    return {row["file_hash"]: row["count"] for row in rows_of(counted)}


def _is_good() -> Column:
    return F.col(REASONS) == ""


def _good(mapped: DataFrame) -> DataFrame:
    return mapped.filter(_is_good()).drop(REASONS)


def _observed(source: Source) -> tuple[Column, Column]:
    day = F.when(_is_good(), F.col("event_date")) if source.feeds == "events" else F.lit(None).cast("date")
    return F.count_if(~_is_good()).alias("rejected"), F.max(day).alias("latest")


def _arrival(step: Step, source: Source) -> revisions.Arrival:
    undated = source.feeds == "customers" and all(m.name != "valid_from" for m in source.columns)
    day = day_of(step.batch.ingested_at, step.project.time_zone)
    return revisions.Arrival(source.delivery.mode, day, step.project.starts_on if undated else None)


def _existing(step: Step, source: Source, table: type[Table]) -> DataFrame | None:
    if source.name not in step.seen_before:
        return None
    rows = step.lakehouse.read(table)
    return rows.select([c for c in rows.columns if c in table.columns]).filter(F.col("source") == source.name)


def _closing(step: Step, rows: DataFrame) -> DataFrame:
    ingested_at, batch_id = F.lit(step.batch.ingested_at), F.lit(step.batch.batch_id).cast("bigint")
    return rows.withColumns({"ingested_at": ingested_at, "batch_id": batch_id})


def _to_quarantine(step: Step, source: Source, mapped: DataFrame, rows: DataFrame) -> None:
    """Reasons to silver, the rows themselves to restricted."""
    bad = mapped.filter(~_is_good())
    bad = bad.select(*TRACE, as_list(F.col(REASONS)).alias(REASONS), "source", "batch_id", "ingested_at")
    step.lakehouse.append(quarantine, bad)
    mine = step.of_batch(quarantine).filter(F.col("source") == source.name)
    kept = rows.join(mine.select("file_hash", "row_number").distinct(), ["file_hash", "row_number"], "left_semi")
    trace = {"file_path", "file_hash", "row_number", "batch_id", UNREADABLE}
    raw = F.to_json(F.struct(*(f"`{c}`" for c in rows.columns if c not in trace)))
    if UNREADABLE in rows.columns:
        raw = F.coalesce(F.col(UNREADABLE), raw)
    named = kept.select(F.lit(source.name).alias("source"), "file_hash", "row_number", raw.alias("raw_row"), "batch_id")
    step.lakehouse.append(rejected_rows, named)


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


def count_written(step: Step, taken: Sequence[Taken]) -> list[dict[str, Any]]:
    """What this batch has in silver and quarantine: place, source, file_hash (quarantine), row_count."""
    parts = [
        step.of_batch(FED_TABLES[feeds]).select(F.lit("silver").alias("place"), "source", F.lit("").alias("file_hash"))
        for feeds in sorted({one.source.feeds for one in taken})
    ]
    if any(one.rejected for one in taken):
        parts.append(step.of_batch(quarantine).select(F.lit("quarantine").alias("place"), "source", "file_hash"))
    together = reduce(DataFrame.union, parts)
    return rows_of(together.groupBy("place", "source", "file_hash").agg(F.count(F.lit(1)).alias("row_count")))


def withdraw_unfinished(step: Step) -> None:
    """Delete what a batch left behind that was never finished: its number is that of the batch which begins now."""
    lakehouse = step.lakehouse
    tables = [bronze_table(s) for s in step.project.sources]
    tables += [*FED_TABLES.values(), quarantine, rejected_rows, identity_vault]
    there = {t.full_name(): t for t in tables if lakehouse.exists(t)}
    left = [
        lakehouse.read(t).filter(F.col("batch_id") >= step.batch.batch_id).select(F.lit(name).alias("name"))
        for name, t in there.items()
    ]
    if left:
        for row in rows_of(reduce(DataFrame.union, left).distinct()):
            lakehouse.withdraw_batches(there[row["name"]], step.batch.batch_id)
