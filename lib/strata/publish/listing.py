"""The book of releases for people: a line each, and all that is known of one. Pure, without Spark."""

from collections.abc import Sequence
from typing import Protocol

from strata.project.models import Storage
from strata.publish.release import Row
from strata.publish.rollback import SHOWN, Book, find_id, readable_until, to_bring_back, why_not

HEADER = ("release", "as of", "kind", "status", "released (UTC)", "known at (UTC)", "rows", "to roll back to")
TABLES = ("table", "version", "last version", "rows", "hash")
MINUTE = "%Y-%m-%d %H:%M"


class Printer(Protocol):
    """Where lines and tables go: a console."""

    def say(self, text: str = "") -> None:
        """One line."""

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Rows under a header."""


def print_book(book: Book, digits: str | None, storage: Storage, printer: Printer) -> None:
    """All releases, or all that is known of the one that begins with `digits`.

    Args:
        book: the book of releases.
        digits: the first of the id of a release; None: all are listed.
        storage: of the project.
        printer: where to print.

    Raises:
        ProjectError: there is no such release, or the digits are those of several.
    """
    if digits is not None:
        lines, rows = show_release(book, digits)
        for line in lines:
            printer.say(line)
        printer.table(TABLES, rows)
    elif book.rows:
        printer.table(HEADER, list_releases(book))
    else:
        printer.say(nothing_released(storage))


def nothing_released(storage: Storage) -> str:
    """What is said where there is no release: also to who looks in a wrong place."""
    return f"nothing is released yet in {_place(storage)}; `strata run` makes the first release there"


def _place(storage: Storage) -> str:
    return storage.root or f"catalog {storage.catalog}"


def release_lines(current: Sequence[Row], storage: Storage) -> list[str]:
    """The release that readers follow, and where its tables are.

    Args:
        current: its rows of `releases`.
        storage: of the project.
    """
    head, rows = current[0], sum(r["row_count"] for r in current)
    about = f"as of {head['as_of_date']}, {len(current)} tables, {rows:,} rows, code {head['code_version']}"
    place = _place(storage)
    return [
        f"\nRelease {head['release_id'][:SHOWN]} is current: {about}",
        f"Tables: {place}/publish and {place}/members; `publish/releases` says which versions belong together",
    ]


def list_releases(book: Book, newest: int | None = None) -> list[list[object]]:
    """A line per switch, the newest first, in columns of `HEADER`.

    Args:
        book: the book of releases.
        newest: so many lines; None: all.
    """
    switches: dict[int, list[Row]] = {}
    for row in book.rows:
        switches.setdefault(row["sequence"], []).append(row)
    shown = sorted(switches, reverse=True)[:newest]
    return [_line(book, switches[sequence]) for sequence in shown]


def _line(book: Book, rows: Sequence[Row]) -> list[object]:
    head = rows[0]
    return [
        head["release_id"][:SHOWN], head["as_of_date"], head["kind"], head["status"],
        f"{head['released_at']:{MINUTE}}", f"{head['known_at']:{MINUTE}}", sum(r["row_count"] for r in rows),
        _standing(book, rows),
    ]  # fmt: skip


def _standing(book: Book, rows: Sequence[Row]) -> str:
    """How long a release can be brought back, told where it was switched to the last time that readers followed it."""
    release_id = rows[0]["release_id"]
    if rows[0]["is_current"]:
        return "current"
    newest = to_bring_back(book.rows, release_id)
    if newest and newest[0]["sequence"] != rows[0]["sequence"]:
        return "see above"
    reason = why_not(book, release_id)
    return f"no: {reason.split(',')[0]}" if reason else f"until {readable_until(book, newest)}"


def show_release(book: Book, digits: str) -> tuple[list[str], list[list[object]]]:
    """All that is known of the release that begins with `digits`: lines, and a row per table in columns of `TABLES`.

    Raises:
        ProjectError: there is none, or there are several.
    """
    release_id = find_id(book.rows, digits)
    switches = [r for r in book.rows if r["release_id"] == release_id]
    last = max(r["sequence"] for r in switches)
    rows = sorted((r for r in switches if r["sequence"] == last), key=lambda r: str(r["table_name"]))
    head = rows[0]
    lines = [
        f"Release {release_id}",
        f"  as of {head['as_of_date']}, known at {head['known_at']:{MINUTE}} UTC, code {head['code_version']}",
        f"  definitions {head['config_hash']}, looks back at {(head['previous_release_id'] or 'nothing')[:SHOWN]}",
    ]
    for sequence in sorted({r["sequence"] for r in switches}):
        of = next(r for r in switches if r["sequence"] == sequence)
        lines.append(
            f"  switch {sequence}: {of['kind']}, {of['released_at']:{MINUTE}} UTC, run {of['run_id']}, {of['status']}"
        )
    lines.append(f"  to roll back to: {_words(book, release_id)}")
    return lines, [[r["table_name"], r["delta_version"], r["last_version"], r["row_count"], r["content_hash"]]
                   for r in rows]  # fmt: skip


def _words(book: Book, release_id: str) -> str:
    reason = why_not(book, release_id)
    if reason:
        return f"no, it is {reason}"
    return f"until {readable_until(book, to_bring_back(book.rows, release_id))}: {_rollback_command(release_id)}"


def _rollback_command(release_id: str) -> str:
    return f"strata release --rollback {release_id[:SHOWN]}"
