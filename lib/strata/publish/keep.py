"""How long slices stay in the published tables: `keep` of the project. Without Spark."""

from collections.abc import Iterable
from datetime import date, timedelta

from strata.project.models import Keep
from strata.publish.release import GONE, Row, kind_of


def kept_days(days: Iterable[date], newest: date, keep: Keep) -> set[date]:
    """Of the as-of dates `days` those that stay when `newest` is released.

    These are the last `daily_days` up to `newest` and, where `then` says so, the last that there is of each month:
    where the end of a month was not released, or weeks are, the day before it stands for the month.
    """
    listed = sorted(days)
    recent = {day for day in listed if day > newest - timedelta(days=keep.daily_days)}
    ends = {(day.year, day.month): day for day in listed} if keep.then == "month_ends" else {}
    return recent.union(ends.values())


def expired_days(rows: Iterable[Row], as_of: date, keep: Keep, looked_at: Iterable[date]) -> tuple[date, ...]:
    """The dates whose slices go when `as_of` is released.

    Args:
        rows: of `releases`.
        as_of: date of the release to come. A backfill removes nothing: a date run again can be read for a while.
        keep: the policy.
        looked_at: dates that the release compares itself with; they stay as long as it is current.
    """
    book = list(rows)
    if kind_of(book, as_of) == "backfill":
        return ()
    there = {r["as_of_date"] for r in book if r["status"] not in GONE}
    return tuple(sorted(there - kept_days({*there, as_of}, as_of, keep) - set(looked_at)))
