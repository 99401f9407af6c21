"""`strata release --rollback`: what readers followed before becomes current again, by the release protocol."""

from collections.abc import Mapping, Sequence
from functools import partial

from pyspark.sql import DataFrame

from strata.console import Console
from strata.contract.columns import Table
from strata.contract.published import GATED_TABLES
from strata.contract.spark import rows_of
from strata.dates import day_of
from strata.errors import StrataError
from strata.pipeline.context import Run
from strata.pipeline.readmission import TakenOut, take_out
from strata.pipeline.staged import stage_again
from strata.pipeline.summary import print_release
from strata.publish.release import Release, Row, current_release, is_in_place, last_version
from strata.publish.rollback import SHOWN, Book, find_id, plan_rollback
from strata.storage.concurrent import concurrently
from strata.storage.fingerprints import fingerprint
from strata.storage.held import read_pinned
from strata.storage.promotion import FoundIn, Staged, promote, read_releases, staging

PUBLISHED: Mapping[str, type[Table]] = {t.full_name(): t for t in GATED_TABLES}


def book_of(run: Run) -> Book:
    """The book of releases as of now."""
    judged_on = day_of(run.clock(), "UTC")
    return Book(read_releases(run.lakehouse), PUBLISHED, run.project.retention_days, judged_on)


def roll_back(run: Run, digits: str, console: Console) -> None:
    """Bring back the release whose id begins with `digits`, for a run that holds the lease of the tables.

    Raises:
        ProjectError: there is no such release, or it cannot be brought back.
        StrataError: a version does not hold what was released; readers keep the release they have.
    """
    book = book_of(run)
    release, rows = plan_rollback(book, find_id(book.rows, digits))
    with run.stage("rollback", f"to release {release.release_id[:SHOWN]}, as of {release.as_of}") as outcome:
        out = take_out(run, [_table(r) for r in rows], partial(_released, run, book.rows, rows), run.clock())
        staged = concurrently(lambda row: _staged(run, book.rows, release, row, out), rows)
        run.keep_lease()
        after = promote(run.lakehouse, release, staged, run.clock, run.keep_lease)
        outcome.rows_out = sum(s.row_count for s in staged)
        outcome.text = f"{len(staged)} tables, {outcome.rows_out:,} rows, release {release.release_id[:SHOWN]}"
    for line in _notes(release, out):
        run.progress.note(line)
    print_release(run, current_release(after), console)


def _table(row: Row) -> type[Table]:
    return PUBLISHED[row["table_name"]]


def _released(run: Run, history: Sequence[Row], release: Sequence[Row], table: type[Table]) -> DataFrame:
    """What the release has of a table, where it is still."""
    row = next(r for r in release if r["table_name"] == table.full_name())
    version = None if is_in_place(history, table, row) else last_version(table, row)
    day = row["as_of_date"] if table.slice_by else None
    return read_pinned(run.lakehouse, table, version, row["row_count"], day)


def _staged(run: Run, history: Sequence[Row], release: Release, row: Row, out: TakenOut) -> Staged:
    """Where the rows of one table are found; those that differ from what was released are staged."""
    table, lakehouse = _table(row), run.lakehouse
    if table in out.frames:
        grown = lakehouse.grown(table)
        made = stage_again(run, grown, out.frames[table], release.release_id)
        found = rows_of(fingerprint(read_pinned(lakehouse, staging(table), made.version, made.rows)))[0]
        return Staged(grown, made.version, found["row_count"], found["content_hash"])
    grown, count, expected = lakehouse.grown(table), row["row_count"], row["content_hash"]
    is_there = bool(table.slice_by) and is_in_place(history, table, row)
    places: list[tuple[FoundIn, int]] = [("place", lakehouse.last_commit(table)[0])] if is_there else []
    for found_in, version in (*places, ("version", last_version(table, row))):
        rows = read_pinned(lakehouse, table, version, count, row["as_of_date"] if table.slice_by else None)
        found = rows_of(fingerprint(rows))[0]
        if (found["row_count"], found["content_hash"]) == (count, expected):
            return Staged(grown, version, count, expected, found_in)
    raise StrataError(
        f"{table.full_name()}: version {version} has {found['row_count']} rows with hash {found['content_hash']}, but"
        f" {count} with {expected} were released: somebody else has written them; nothing is changed, and"
        f" `strata run --as-of {release.as_of} --force` builds that date again"
    )


def _notes(release: Release, out: TakenOut) -> list[str]:
    notes = []
    if release.withdraws:
        days = ", ".join(map(str, release.withdraws))
        notes.append(f"{days} left the published tables, with the releases about them")
    if out.customers:
        notes.append(f"taken out: {out.customers:,} customers who object to profiling by now, or are erased")
    if out.members:
        told = ", ".join(f"{count:,} of {audience}" for audience, count in sorted(out.members.items()))
        notes.append(f"taken out of audiences, not eligible any more: {told}")
    return notes
