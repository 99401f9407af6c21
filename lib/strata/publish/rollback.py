"""Which release a person means, and whether it can be brought back. Pure rules, without Spark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from strata.contract.columns import Table
from strata.errors import ProjectError
from strata.publish.release import (
    EXPIRED,
    GONE,
    Release,
    Row,
    current_release,
    find_release,
    is_in_place,
    version_made_at,
    was_followed,
)

SHOWN = 12
"""Digits of an id that are printed; as few as are unique will do."""


@dataclass(frozen=True, slots=True)
class Book:
    """The book of releases, and what decides how long they can be brought back.

    Attributes:
        rows: of `releases`.
        tables: `schema.table` -> published contract.
        retention_days: how long versions of tables are kept.
        judged_on: the day it is.
    """

    rows: Sequence[Row]
    tables: Mapping[str, type[Table]]
    retention_days: int
    judged_on: date


def find_id(rows: Sequence[Row], digits: str) -> str:
    """The id of the one release that begins with these digits.

    Raises:
        ProjectError: there is none, or there are several.
    """
    ids = sorted({r["release_id"] for r in rows if digits and r["release_id"].startswith(digits.lower())})
    if not ids:
        raise ProjectError(f"there is no release {digits!r}; `strata release --list` shows those there are")
    if len(ids) > 1:
        days = {r["release_id"]: r["as_of_date"] for r in rows}
        said = ", ".join(f"{i[:SHOWN]} (as of {days[i]})" for i in ids)
        raise ProjectError(f"release {digits!r} could be {said}; write more digits")
    return str(ids[0])


def to_bring_back(rows: Sequence[Row], release_id: str) -> list[Row]:
    """The rows of the newest time that readers followed a release; empty when they never did."""
    return find_release(filter(was_followed, rows), release_id)


def why_not(book: Book, release_id: str) -> str | None:
    """Why a release cannot be brought back; None: it can."""
    rows = to_bring_back(book.rows, release_id)
    if not rows:
        return "a backfill, which readers never followed and which has no catalogue of its own"
    day = rows[0]["as_of_date"]
    if current_release(book.rows)[0]["release_id"] == release_id:
        return "current already"
    if all(r["status"] == EXPIRED for r in find_release(book.rows, release_id)):
        return f"expired, its rows have left the tables; `strata run --as-of {day} --force` builds that date again"
    if unknown := sorted(r["table_name"] for r in rows if r["table_name"] not in book.tables):
        return f"of tables that strata does not know: {', '.join(unknown)}"
    if readable_until(book, rows) < book.judged_on:
        kept = f"its versions were kept for {book.retention_days} days (retention_days)"
        return f"too old, {kept}; `strata run --as-of {day} --force` builds that date again"
    return None


def readable_until(book: Book, rows: Sequence[Row]) -> date:
    """The last day on which every table of a release can be read for sure; what is in place always can."""
    made = [version_made_at(book.rows, book.tables[r["table_name"]], r) for r in rows if not _is_in_place(book, r)]
    oldest = min((moment.date() for moment in made), default=book.judged_on)
    return oldest + timedelta(days=book.retention_days - 1)


def plan_rollback(book: Book, release_id: str) -> tuple[Release, list[Row]]:
    """The release as it is to be brought back, and its rows.

    Dates behind its own leave the tables: readers of a table must not find what the release has taken back.

    Raises:
        ProjectError: it cannot be brought back.
    """
    reason = why_not(book, release_id)
    if reason:
        raise ProjectError(f"release {release_id[:SHOWN]} cannot be brought back: it is {reason}")
    rows = to_bring_back(book.rows, release_id)
    head = rows[0]
    day = head["as_of_date"]
    later = {r["as_of_date"] for r in book.rows if r["as_of_date"] > day and r["status"] not in GONE}
    release = Release(
        release_id, day, head["known_at"], head["config_hash"], head["code_version"], head["previous_release_id"],
        head.get("month_release_id"), head.get("year_release_id"), withdraws=tuple(sorted(later)), is_rollback=True,
    )  # fmt: skip
    return release, rows


def _is_in_place(book: Book, row: Row) -> bool:
    table = book.tables.get(row["table_name"])
    return table is not None and is_in_place(book.rows, table, row)
