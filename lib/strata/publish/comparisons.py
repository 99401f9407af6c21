"""Which releases a release looks back at: the one before it, one a month ago, one a year ago. Without Spark."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from strata.dates import months_before
from strata.publish.release import Row, find_release, in_place, previous_release, was_followed

Comparison = Literal["previous", "month", "year"]
AGO = {"month": (1, 6), "year": (12, 31)}
"""Months ago, and by how many days earlier a release may be when there is none of that very day.

A week finds that of weekly runs; a month finds the month end that `keep` has left of a year ago.
"""


def find_compared(rows: Sequence[Row], as_of: date, known_at: datetime) -> dict[Comparison, list[Row]]:
    """What a new release looks back at, by comparison; an empty list where there is nothing.

    Args:
        rows: of `releases`.
        as_of: date of the release to come.
        known_at: what knows more is left out: what arrives later does not change the answer.
    """
    month, year = (_ago(rows, as_of, known_at, *AGO[name]) for name in ("month", "year"))
    return {"previous": previous_release(rows, as_of, known_at), "month": month, "year": year}


def pinned_compared(rows: Sequence[Row], release: Row) -> dict[Comparison, list[Row]]:
    """What a release that was made before looked back at then; it does again, whatever has been released since."""
    return {
        "previous": _pinned(rows, release["previous_release_id"]),
        "month": _pinned(rows, release.get("month_release_id")),
        "year": _pinned(rows, release.get("year_release_id")),
    }


def _ago(rows: Iterable[Row], as_of: date, known_at: datetime, months: int, days: int) -> list[Row]:
    """The release in place about the day so many months ago, or else about the nearest of the days before it."""
    wanted = months_before(as_of, months)
    first = wanted - timedelta(days=days)
    then = [r for r in in_place(rows) if first <= r["as_of_date"] <= wanted and r["known_at"] <= known_at]
    day = max((r["as_of_date"] for r in then), default=None)
    return [r for r in then if r["as_of_date"] == day]


def _pinned(rows: Sequence[Row], release_id: str | None) -> list[Row]:
    # A backfill leaves the catalogue alone: of a date that was built again, the first time tells its version.
    if release_id is None:
        return []
    return find_release(filter(was_followed, rows), release_id) or find_release(rows, release_id)
