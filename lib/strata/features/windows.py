"""Windows as runs of spans: days that every window of every as-of date treats alike are merged once. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Window = tuple[int | None, int]
"""Days (None: all) and offset: as_of-offset-days+1 ... as_of-offset."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The calendar cut wherever a window begins or ends.

    Attributes:
        cuts: first days of spans 1, 2, ...; span 0 is all before.
        as_ofs: the as-of dates, ascending.
        runs: window -> per as-of date its first and last span; first > last: no day.
    """

    cuts: tuple[date, ...]
    as_ofs: tuple[date, ...]
    runs: Mapping[Window, tuple[tuple[int, int], ...]]

    @property
    def reaches_back(self) -> bool:
        """Whether a window takes the whole history, span 0 with it."""
        return any(days is None for days, _ in self.runs)


def cut_spans(windows: Iterable[Window], as_ofs: Sequence[date]) -> Spans:
    """The fewest spans of which every window of every date is a run.

    Raises:
        ValueError: no date, or no window.
    """
    dates, distinct = tuple(sorted(set(as_ofs))), sorted(set(windows), key=lambda w: (w[0] or 0, w[1]))
    if not dates or not distinct:
        raise ValueError(f"found {len(dates)} as-of dates and {len(distinct)} windows, expected at least one of each")
    ends = {_after(as_of, window) for as_of in dates for window in distinct}
    starts = {start for as_of in dates for window in distinct if (start := first_day(as_of, window)) is not None}
    cuts = tuple(sorted(ends | starts))
    return Spans(cuts, dates, {w: tuple(_run(cuts, as_of, w) for as_of in dates) for w in distinct})


def first_day(as_of: date, window: Window) -> date | None:
    """The first day of a window; None: it has none."""
    days, offset = window
    return None if days is None else as_of - timedelta(days=offset + days - 1)


def _after(as_of: date, window: Window) -> date:
    return as_of - timedelta(days=window[1] - 1)


def _run(cuts: Sequence[date], as_of: date, window: Window) -> tuple[int, int]:
    start = first_day(as_of, window)
    return (0 if start is None else bisect_right(cuts, start), bisect_right(cuts, _after(as_of, window)) - 1)
