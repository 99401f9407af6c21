"""Raw files become bronze and silver: one batch for all sources, which counts from its last commit on.

    find what is new → bronze.<source> → silver.<table>, quarantine → identity vault → accounts → bronze.files

A batch is finished by its one commit on `bronze.files`. What an unfinished batch has left behind carries a number
that no finished batch has; the next batch takes the same number and withdraws it first.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from pyspark.sql import functions as F

from strata.contract.bronze import files, identity_vault
from strata.contract.spark import frame_of, rows_of
from strata.errors import InputError, Problem
from strata.ingest.books import (
    Counts,
    Reach,
    check_clock,
    complete_through,
    file_rows,
    incomplete_sources,
    new_files,
    reconcile,
)
from strata.ingest.deliveries import Found, find
from strata.ingest.event_days import in_words, missing_days
from strata.ingest.files import Delivered
from strata.ingest.identity import key_frame
from strata.ingest.keys import check_key
from strata.ingest.mapping import Batch
from strata.pipeline.batch import Step, withdraw_unfinished
from strata.pipeline.context import Run
from strata.pipeline.taking import Taken, fill_vault, take
from strata.project.models import Project
from strata.project.sources import Source
from strata.storage.concurrent import concurrently
from strata.storage.held import rows_held
from strata.storage.tables import Lakehouse


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a batch took from one source: files new and known, rows, records, and what became of them.

    `reasons`: how many rejected records each reason was told for, the most frequent first.
    """

    source: str
    new_files: int
    known_files: int
    rows: int = 0
    records: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    closed: int = 0
    complete_through: date | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What a batch did; `batch_id` is None when there was nothing new and nothing was written."""

    batch_id: int | None
    ingested_at: datetime | None
    sources: tuple[SourceReport, ...]


def ingest(run: Run, key: bytes, ingested_at: datetime, environ: Mapping[str, str] | None = None) -> IngestReport:
    """Take what is new of every source.

    Args:
        run: project, tables, progress.
        key: the identity key.
        ingested_at: end of the batch, with its zone; the moment from which its rows are known.
        environ: where passwords of databases are found; the process's environment without.

    Returns:
        The counts of the batch per source. Without anything new no table is touched.

    Raises:
        ProjectError: the key is not the one that earlier batches used.
        InputError: a source has no files, is not ready, or does not fit its schema; nothing of the batch counts.
        StrataError: the accounts do not balance; nothing of the batch counts.
    """
    with run.stage("ingest", f"{len(run.project.sources)} sources") as outcome:
        books = read_books(run.lakehouse)
        offered = _find_all(run, os.environ if environ is None else environ)
        new = {f.source.name: new_files(f.source.name, f.files, books) for f in offered}
        if any(new.values()):
            check_clock(ingested_at, max((b["ingested_at"] for b in books), default=None))
            report = _take_batch(run, offered, new, books, key, ingested_at)
        else:
            report = IngestReport(None, None, tuple(SourceReport(f.source.name, 0, len(f.files)) for f in offered))
        outcome.text, outcome.rows_in, outcome.rows_out = _summary(report)
    return report


def _find_all(run: Run, environ: Mapping[str, str]) -> list[Found]:
    found: list[Found] = []
    problems: list[Problem] = []
    for source in run.project.sources:
        try:
            found.append(find(run.lakehouse.spark, source, run.project.folder, environ))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return found


def _take_batch(
    run: Run,
    offered: Sequence[Found],
    new: Mapping[str, tuple[Delivered, ...]],
    books: Sequence[Mapping[str, Any]],
    key: bytes,
    ingested_at: datetime,
) -> IngestReport:
    batch = Batch(max((b["batch_id"] for b in books), default=0) + 1, ingested_at)
    _check_key(run, key, batch)
    step = Step(run, batch, key_frame(run.lakehouse.spark, key), books)
    withdraw_unfinished(step)
    taken = _take_all(step, [(found, new[found.source.name]) for found in offered if new[found.source.name]])
    fill_vault(step, taken)
    rows, reports = [], []
    for one in taken:
        reconcile(one.source.name, one.counts)
        latest = max(one.event_days, default=None)
        through = complete_through(one.source, latest, ingested_at, run.project.time_zone)
        reach = Reach(through, one.event_days)
        looked_up = {"looked_up": list(one.looked_up) or None}
        told = file_rows(one.source, one.files, one.counts, reach, batch.batch_id, ingested_at)
        rows += [{**row, **looked_up} for row in told]
        reports.append(_report(one.source, offered, one.counts, through))
        _note_holes(run, one.source, books, rows)
    run.keep_lease()
    # The commit that finishes the batch: before it, none of its rows counts.
    run.lakehouse.append(files, frame_of(run.lakehouse.spark, files, rows).coalesce(1))
    idle = [SourceReport(f.source.name, 0, len(f.files)) for f in offered if not new[f.source.name]]
    return IngestReport(batch.batch_id, ingested_at, tuple(sorted((*reports, *idle), key=lambda r: r.source)))


def _check_key(run: Run, key: bytes, batch: Batch) -> None:
    """Another key under the same `key_id` would make every customer a second one.

    Raises:
        ProjectError: the key is not that of the finished batches.
    """
    identity = run.project.identity
    if not run.lakehouse.exists(identity_vault):
        return
    vault = run.lakehouse.read(identity_vault)
    made = vault.filter((F.col("key_id") == identity.key_id) & (F.col("batch_id") < batch.batch_id))
    for known in rows_of(made.select("source_id", "customer_id").limit(1)):
        check_key(key, identity, known["source_id"], known["customer_id"])


def _take_all(step: Step, wanted: Sequence[tuple[Found, tuple[Delivered, ...]]]) -> list[Taken]:
    """Take the sources side by side: much of a small one is waiting for commits.

    Sources that feed one table come one after the other, the table with the largest delivery first.
    """
    tables: dict[str, list[tuple[Found, tuple[Delivered, ...]]]] = {}
    for found, new in wanted:
        tables.setdefault(found.source.feeds, []).append((found, new))
    largest_first = sorted(tables.values(), key=lambda group: -sum(f.size for _, new in group for f in new))
    groups = concurrently(partial(_take_group, step), largest_first)
    problems = [problem for _, found in groups for problem in found]
    if problems:
        raise InputError(problems)
    taken = [one for group, _ in groups for one in group]
    return sorted(taken, key=lambda one: one.source.name)


def _take_group(step: Step, group: Sequence[tuple[Found, tuple[Delivered, ...]]]) -> tuple[list[Taken], list[Problem]]:
    """Take sources one after the other; what cannot be used is told together with that of the other groups."""
    taken: list[Taken] = []
    problems: list[Problem] = []
    for found, new in group:
        try:
            taken.append(take(step, found, new))
        except InputError as error:
            problems.extend(error.problems)
        else:
            step.run.progress.note(_note(taken[-1]))
    return taken, problems


def _note(taken: Taken) -> str:
    records, rejected = sum(taken.counts.records.values()), sum(taken.counts.rejected.values())
    why = ", ".join(f"{count:,} {reason}" for reason, count in taken.counts.reasons.items())
    return f"{taken.source.name}: {records:,} records, {rejected:,} rejected{f' ({why})' if why else ''}"


def _note_holes(
    run: Run, source: Source, before: Sequence[Mapping[str, Any]], gained: Sequence[Mapping[str, Any]]
) -> None:
    """Say once which days without events a batch has left behind it."""
    starts_on = run.project.starts_on
    known = set(missing_days(source, before, starts_on))
    found = [day for day in missing_days(source, [*before, *gained], starts_on) if day not in known]
    if found:
        run.progress.note(f"{source.name}: no events on {in_words(found, shown=1)}")


def _report(source: Source, offered: Sequence[Found], counts: Counts, through: date | None) -> SourceReport:
    files_now = next(len(f.files) for f in offered if f.source.name == source.name)
    return SourceReport(
        source=source.name,
        new_files=len(counts.rows),
        known_files=files_now - len(counts.rows),
        rows=sum(counts.rows.values()),
        records=sum(counts.records.values()),
        accepted=counts.accepted,
        unchanged=sum(counts.unchanged.values()),
        rejected=sum(counts.rejected.values()),
        reasons=counts.reasons,
        closed=counts.closed,
        complete_through=through,
    )


def _summary(report: IngestReport) -> tuple[str, int, int]:
    if report.batch_id is None:
        return "nothing new", 0, 0
    totals = {name: sum(getattr(s, name) for s in report.sources) for name in ("new_files", "records", "accepted")}
    rejected = totals["records"] - totals["accepted"]
    text = f"batch {report.batch_id}: {totals['new_files']} files, {totals['records']:,} records, {rejected:,} rejected"
    return text, totals["records"], totals["accepted"]


def read_books(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    """The rows of `bronze.files`: every file of every finished batch."""
    return rows_held(lakehouse, files)


def require_complete(lakehouse: Lakehouse, project: Project, as_of: date, known_at: datetime | None = None) -> None:
    """Every source reaches through the as-of date.

    Args:
        lakehouse: the project's tables.
        project: names the sources.
        as_of: the last whole day of a result.
        known_at: judge by what was known then; None judges by all finished batches.

    Raises:
        InputError: names the sources that do not, with the day they are complete through or the days they lack.
    """
    problems = incomplete_sources(project.sources, read_books(lakehouse), as_of, known_at, project.starts_on)
    if problems:
        raise InputError(problems)
