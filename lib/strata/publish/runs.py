"""How the last runs ended, for people. Pure, without Spark."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strata.project.models import Storage
from strata.publish.listing import HEADER as RELEASES
from strata.publish.listing import MINUTE, Printer, list_releases, nothing_released, release_lines
from strata.publish.release import current_release
from strata.publish.rollback import Book

Row = Mapping[str, Any]
HEADER = ("run", "began (UTC)", "seconds", "last stage", "exit", "how it ended")
NEWEST = 10
MEANINGS = {
    0: "done", 1: "a fault of strata", 2: "command line or project", 3: "input", 4: "the gate closed",
    5: "another run was writing", 6: "released, something withheld", 130: "interrupted",
}  # fmt: skip
SHOWN = 80
_END = "end"


def list_runs(log: Sequence[Row], newest: int = NEWEST) -> list[list[object]]:
    """A line per run in columns of `HEADER`, the newest first.

    Args:
        log: rows of `run_log`.
        newest: so many lines.
    """
    runs: dict[str, list[Row]] = {}
    for row in sorted(log, key=lambda r: (r["started_at"], r["stage"] == _END)):
        runs.setdefault(row["run_id"], []).append(row)
    return [_line(run_id, runs[run_id]) for run_id in sorted(runs, reverse=True)[:newest]]


def _line(run_id: str, rows: Sequence[Row]) -> list[object]:
    end = next((r for r in rows if r["stage"] == _END), None)
    stages = [r["stage"] for r in rows if r["stage"] != _END]
    began: datetime = rows[0]["started_at"]
    seconds = end["seconds"] if end else sum(r["seconds"] for r in rows)
    code = end["exit_code"] if end else None
    return [run_id, f"{began:{MINUTE}}", seconds, stages[-1] if stages else None, code, _how(end)]


def _how(end: Row | None) -> str:
    if end is None:
        return "not known: before this was kept"
    meaning = MEANINGS.get(end["exit_code"], "")
    return f"{meaning}: {end['error'][:SHOWN]}" if end["error"] else meaning


def print_status(book: Book, log: Sequence[Row], leases: Sequence[Row], storage: Storage, printer: Printer) -> None:
    """What is current, the last runs and releases, and who is writing.

    Args:
        book: the book of releases.
        log: rows of `run_log`.
        leases: rows of `leases` that are held, with `is_dead`: whether the holder is gone for sure.
        storage: of the project.
        printer: where to print.
    """
    current = current_release(book.rows)
    if not current:
        printer.say(nothing_released(storage))
    for line in release_lines(current, storage) if current else ():
        printer.say(line)
    for lease in leases:
        what = f"Run {lease['holder']} (process {lease['process']} on {lease['host']}) holds the {lease['lease']} lease"
        state = "it was cut short" if lease["is_dead"] else "it is writing, or was cut short"
        printer.say(f"\n{what}: {state}, and the next run completes it")
    if log:
        printer.say("\nLast runs")
        printer.table(HEADER, list_runs(log))
    if book.rows:
        printer.say("\nReleases")
        printer.table(RELEASES, list_releases(book, newest=NEWEST))
