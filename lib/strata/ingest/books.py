"""The accounts of a batch, without Spark: every record is accepted or rejected, and a source knows how far it goes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from strata.contract.silver import BATCHES_APART
from strata.dates import day_of
from strata.errors import InputError, Problem, StrataError
from strata.ingest.event_days import in_words, missing_days, to_ranges
from strata.ingest.files import Delivered
from strata.project.sources import Source


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of one source after it was written, per file hash where it can be told.

    Attributes:
        rows: rows of the file, as its format counts them before they are written.
        landed: rows that bronze got.
        records: records after unpivoting.
        rejected: rows that quarantine got.
        reasons: reason -> rejected records for which it was told.
        unchanged: accepted records that silver had already.
        gained: rows that silver got of this source, closing rows included.
        closed: of them, those without a record: they close what a snapshot no longer has, or open it again.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    landed: int = 0
    records: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)
    gained: int = 0
    closed: int = 0

    @property
    def accepted(self) -> int:
        """Records that were not rejected."""
        return sum(self.records.values()) - sum(self.rejected.values())


def reconcile(source: str, counts: Counts) -> None:
    """Rows in are rows accepted and rejected, by what was written.

    Raises:
        StrataError: they are not; nothing of the batch counts until they are.
    """
    wrong = []
    if counts.landed != sum(counts.rows.values()):
        wrong.append(f"the files have {sum(counts.rows.values())} rows, bronze got {counts.landed}")
    new, unchanged = counts.gained - counts.closed, sum(counts.unchanged.values())
    if counts.accepted != new + unchanged:
        wrong.append(
            f"{sum(counts.records.values())} records, {sum(counts.rejected.values())} rejected,"
            f" so that {counts.accepted} were accepted; silver gained {new} and had {unchanged}"
        )
    if wrong:
        raise StrataError(f"{source}: the accounts of the batch do not balance: {'; '.join(wrong)}")


def complete_through(source: Source, latest: date | None, ingested_at: datetime, time_zone: str) -> date | None:
    """The last whole day a source vouches for after a delivery.

    None sets no limit, or, where events count by their `latest` and none was good, vouches for nothing: see
    `incomplete_sources`.

    Args:
        source: says a day itself, `always`, or `latest`: the day of its latest event, if it feeds events.
        latest: day of the latest event of the delivery.
        ingested_at: end of the batch; the day it falls on is not whole yet.
        time_zone: the project's.
    """
    declared = source.delivery.complete_through
    if isinstance(declared, date):
        return declared
    if latest is None or not _by_events(source):
        return None
    return min(latest, day_of(ingested_at, time_zone) - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a source goes with a batch: the day it is complete through, and the days of the good events, in order."""

    through: date | None
    event_days: Sequence[date] = ()


def file_rows(
    source: Source,
    files: Iterable[Delivered],
    counts: Counts,
    reach: Reach,
    batch_id: int,
    ingested_at: datetime,
) -> list[dict[str, Any]]:
    """The rows of `bronze.files` that finish a batch."""
    rows, event_days = [], to_ranges(reach.event_days)
    for file in files:
        records, rejected = counts.records.get(file.sha256, 0), counts.rejected.get(file.sha256, 0)
        rows.append(
            {
                "source": source.name,
                "file_path": file.path,
                "bytes": file.size,
                "file_hash": file.sha256,
                "row_count": counts.rows.get(file.sha256, 0),
                "record_count": records,
                "accepted_count": records - rejected,
                "unchanged_count": counts.unchanged.get(file.sha256, 0),
                "rejected_count": rejected,
                "complete_through": reach.through,
                "event_days": event_days,
                "batch_id": batch_id,
                "ingested_at": ingested_at,
            }
        )
    return rows


def incomplete_sources(
    sources: Sequence[Source],
    files: Iterable[Mapping[str, Any]],
    as_of: date,
    known_at: datetime | None = None,
    starts_on: date = date.min,
) -> list[Problem]:
    """Why the data does not reach through `as_of` without a hole, source by source.

    Args:
        sources: of the project.
        files: rows of `bronze.files`.
        as_of: the last whole day a result is about.
        known_at: only files known at this moment count; None counts all.
        starts_on: start of the project; days before it are not missed.
    """
    known = [f for f in files if known_at is None or f["ingested_at"] <= known_at]
    problems = []
    for name, counted_by_events in ((s.name, _by_events(s)) for s in sources):
        of_source = [f for f in known if f["source"] == name]
        through = [f["complete_through"] for f in of_source if f["complete_through"] is not None]
        if not of_source:
            problems.append(Problem(None, f"{name}: nothing has been ingested", "run: strata ingest"))
        elif not through and counted_by_events:
            what = f"{name}: not one good event has been ingested"
            problems.append(Problem(None, what, "see silver.quarantine, and deliver them, or say `complete_through:`"))
        elif through and max(through) < as_of:
            what = f"{name}: complete through {max(through)}, the as-of date is {as_of}"
            problems.append(Problem(None, what, f"deliver the missing days, or ask for --as-of {max(through)}"))
    return [*problems, *(p for s in sources for p in _holes(s, known, as_of, starts_on))]


def _holes(source: Source, files: Iterable[Mapping[str, Any]], as_of: date, starts_on: date) -> Iterator[Problem]:
    days = [d for d in missing_days(source, files, starts_on) if d <= as_of] if source.delivery.every_day else []
    if days:
        deliver = "deliver the day" if len(days) == 1 else "deliver the days"
        what = f"{source.name}: no events on {in_words(days)}, but it has `every_day: true`"
        yield Problem(None, what, f"{deliver}, or remove every_day, or ask for --as-of {days[0] - timedelta(days=1)}")


def _by_events(source: Source) -> bool:
    return source.feeds == "events" and source.delivery.complete_through == "latest"


def new_files(source: str, files: Iterable[Delivered], books: Iterable[Mapping[str, Any]]) -> tuple[Delivered, ...]:
    """The files of a source that a batch has to take, by path, the first of each content.

    A file whose path was read before is known while it has the content that was last read there: content that comes
    back is taken again. At a path that was never read, any content of the source is known: the file was renamed.

    Args:
        source: its name.
        files: what it offers now.
        books: rows of `bronze.files`.
    """
    mine = sorted((b for b in books if b["source"] == source), key=lambda b: b["batch_id"])
    last_read = {b["file_path"]: b["file_hash"] for b in mine}
    hashes = {b["file_hash"] for b in mine}
    by_path = sorted(files, key=lambda f: f.path)
    new = [f for f in by_path if last_read.get(f.path, f.sha256 if f.sha256 in hashes else None) != f.sha256]
    fresh = {f.sha256: f for f in reversed(new)}
    return tuple(sorted(fresh.values(), key=lambda f: f.path))


def check_clock(ingested_at: datetime, newest: datetime | None) -> None:
    """A batch is known after all batches before it, or replaying them would see its rows.

    Raises:
        InputError: the clock stands before the end of the newest batch.
    """
    if newest is not None and ingested_at < newest + BATCHES_APART:
        raise InputError(f"the clock says {ingested_at}, but the newest batch ended at {newest}: set the clock right")
