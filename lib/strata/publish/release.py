"""The book of releases, without Spark: which id a release has, what it looks back at, what the switch writes.

A release is a function of (project, as_of, known_at); its id is a hash of these, the definitions and the code.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from strata.contract.columns import Table

Row = dict[str, Any]
Kind = Literal["regular", "backfill", "rollback"]
EXPIRED, WITHDRAWN = "expired", "withdrawn"
GONE = (EXPIRED, WITHDRAWN)
"""What releases are whose slices have left the tables: by `keep`, or by a rollback to an earlier one."""


@dataclass(frozen=True, slots=True)
class Release:
    """One consistent published set, before it is written.

    `expires` and `withdraws`: the dates whose slices leave the tables with the same commits that bring its own, by
    `keep` and by a rollback. `is_rollback`: it was released before, and is brought back.
    """

    release_id: str
    as_of: date
    known_at: datetime
    config_hash: str
    code_version: str
    previous_release_id: str | None
    month_release_id: str | None = None
    year_release_id: str | None = None
    expires: tuple[date, ...] = ()
    withdraws: tuple[date, ...] = ()
    is_rollback: bool = False

    @property
    def leaving(self) -> tuple[date, ...]:
        """The dates whose slices leave the tables."""
        return (*self.expires, *self.withdraws)


@dataclass(frozen=True, slots=True)
class Promoted:
    """A table of a release as it stands where readers look."""

    table_name: str
    delta_version: int
    row_count: int
    content_hash: str


def make_release_id(project: str, as_of: date, known_at: datetime, config_hash: str, code_version: str) -> str:
    """32 hex digits, the same for the same project, date, knowledge, definitions and code."""
    parts = (project, as_of.isoformat(), known_at.isoformat(), config_hash, code_version)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def find_release(rows: Iterable[Row], release_id: str) -> list[Row]:
    """The rows of the newest switch to `release_id`, one per table; empty when it was never released."""
    return _newest(r for r in rows if r["release_id"] == release_id)


def current_release(rows: Iterable[Row]) -> list[Row]:
    """The rows of the release that readers follow; empty before the first."""
    return [r for r in rows if r["is_current"]]


def previous_release(rows: Sequence[Row], as_of: date, known_at: datetime) -> list[Row]:
    """The rows of the release that one as of `as_of` looks back at; empty for the first.

    Its day is that of the latest one about an earlier day that readers followed, is still kept and knew no more than
    `known_at`: what arrives later does not change the answer. Of that day it is the one in place, as of every
    comparison, unless that knows more; made again, the same release is told as it was first made, with its own
    catalogue.
    """
    kept = [r for r in rows if was_followed(r) and r["status"] not in GONE]
    earlier = [r for r in kept if r["as_of_date"] < as_of and r["known_at"] <= known_at]
    newest_day = max(((r["as_of_date"], r["known_at"]) for r in earlier), default=None)
    regular = _newest(r for r in earlier if (r["as_of_date"], r["known_at"]) == newest_day)
    if not regular:
        return []
    here = [r for r in release_of_day(rows, regular[0]["as_of_date"]) if r["known_at"] <= known_at]
    return here if here and here[0]["release_id"] != regular[0]["release_id"] else regular


def was_followed(row: Row) -> bool:
    """Whether readers were sent to a release: no backfill ever becomes current."""
    return bool(row["kind"] != "backfill")


def in_place(rows: Iterable[Row]) -> list[Row]:
    """The rows of the releases whose slices lie in the published tables: one a day."""
    return [r for r in rows if r["status"] == "released"]


def release_of_day(rows: Iterable[Row], as_of: date) -> list[Row]:
    """The rows of the release about `as_of` that is in place; empty when there is none, or it has expired."""
    return [r for r in in_place(rows) if r["as_of_date"] == as_of]


def is_in_place(rows: Iterable[Row], table: type[Table], row: Row) -> bool:
    """Whether the newest version of a table has the rows of the release of `row`, one of `rows`."""
    book = list(rows)
    holder = release_of_day(book, row["as_of_date"]) if table.slice_by else current_release(book)
    return bool(holder) and holder[0]["release_id"] == row["release_id"]


def last_version(table: type[Table], row: Row) -> int:
    """The newest version that surely has the rows of a release; of a table without slices the next one has others."""
    held = row.get("last_version") if table.slice_by else None
    return int(row["delta_version"] if held is None else held)


def version_made_at(rows: Iterable[Row], table: type[Table], row: Row) -> datetime:
    """When the last version was made that surely has the rows of a release: from then on Delta's retention counts."""
    made_by = (row["table_name"], last_version(table, row))
    made = [r["released_at"] for r in rows if (r["table_name"], r["delta_version"]) == made_by]
    moment: datetime = max(made, default=row["released_at"])
    return moment


def kind_of(rows: Iterable[Row], as_of: date) -> Kind:
    """A new release about a day before the current one is a backfill and never becomes current."""
    current = current_release(rows)
    return "backfill" if current and as_of < current[0]["as_of_date"] else "regular"


def kind_of_release(rows: Iterable[Row], release: Release) -> Kind:
    """The kind a release has in the book; what is brought back becomes current, whatever its day."""
    return "rollback" if release.is_rollback else kind_of(rows, release.as_of)


def switch(
    rows: Sequence[Row], release: Release, tables: Sequence[Promoted], run_id: str, moment: datetime
) -> list[Row]:
    """All rows of `releases` after the switch to `release`: the old ones, and one per table of the new."""
    kind = kind_of_release(rows, release)
    header = {
        "release_id": release.release_id,
        "sequence": max((r["sequence"] for r in rows), default=0) + 1,
        "kind": kind,
        "status": "released",
        "as_of_date": release.as_of,
        "known_at": release.known_at,
        "is_current": kind != "backfill",
        "previous_release_id": release.previous_release_id,
        "month_release_id": release.month_release_id,
        "year_release_id": release.year_release_id,
        "config_hash": release.config_hash,
        "code_version": release.code_version,
        "run_id": run_id,
        "released_at": moment,
    }
    newest = {r["table_name"]: r["delta_version"] for r in sorted(rows, key=lambda r: int(r["sequence"]))}
    return [_demoted(r, header, release, newest) for r in rows] + [header | _table(t) for t in tables]


def _demoted(row: Row, header: Row, release: Release, newest: Mapping[str, int]) -> Row:
    status = _status(row, release)
    last = newest[row["table_name"]] if status != row["status"] == "released" else row.get("last_version")
    return row | {"is_current": row["is_current"] and not header["is_current"], "status": status, "last_version": last}


def _status(row: Row, release: Release) -> str:
    was, day, is_same = str(row["status"]), row["as_of_date"], row["release_id"] == release.release_id
    if day != release.as_of:
        if day in release.withdraws and was != EXPIRED:
            return WITHDRAWN
        return EXPIRED if day in release.expires else was
    # What is gone comes back with the same release only: with another one about its day it stays what it was.
    if was in GONE and not is_same:
        return was
    return WITHDRAWN if release.is_rollback and was == "released" and not is_same else "superseded"


def _table(table: Promoted) -> Row:
    return {
        "table_name": table.table_name,
        "delta_version": table.delta_version,
        "last_version": None,
        "row_count": table.row_count,
        "content_hash": table.content_hash,
    }


def _newest(rows: Iterable[Row]) -> list[Row]:
    found = list(rows)
    last = max((r["sequence"] for r in found), default=0)
    return [r for r in found if r["sequence"] == last]
