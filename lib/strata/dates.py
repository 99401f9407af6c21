"""Days: as people write as-of dates on a command line, and the day on which a moment falls."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from strata.errors import ProjectError


def parse_as_of(text: str, every: str | None = None) -> tuple[date, ...]:
    """The dates that `2017-12-31`, `2017-11-30,2017-12-31` or `2017-01-01..2017-12-31` stand for, ascending.

    Args:
        text: one date, several with commas, or a range with both ends included.
        every: for a range: None for each day, or month-end.

    Raises:
        ProjectError: not a date, an empty range, or `every` without a range.
    """
    first, dots, last = text.partition("..")
    if every and not dots:
        raise ProjectError(f"--every {every} needs a range: --as-of 2017-01-01..2017-12-31")
    if not dots:
        return tuple(sorted({_date(part) for part in text.split(",")}))
    found = tuple(d for d in _days(_date(first), _date(last)) if every != "month-end" or _is_month_end(d))
    if not found:
        raise ProjectError(f"--as-of {text} holds no {every or 'day'}; write the earlier date first")
    return found


def months_before(day: date, months: int) -> date:
    """The same day `months` earlier; month ends stay month ends."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = monthrange(years, month + 1)[1]
    return date(years, month + 1, last if _is_month_end(day) else min(day.day, last))


def day_of(moment: datetime, time_zone: str) -> date:
    """The day of a moment (with a zone) in another zone."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ProjectError(f"--as-of {text!r} is not a date; write YYYY-MM-DD") from None


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _is_month_end(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]
