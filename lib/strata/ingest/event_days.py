"""The days of a source's events, without Spark: how far they reach, which are missing, which records come too late.

A batch keeps the days of its good events in `bronze.files`, as ranges `first..last`. The days a source has are those
of all its finished batches, so that nobody has to look for them in silver.events.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from strata.contract.silver import FIRST_EVENT_DAY
from strata.dates import day_of
from strata.project.sources import Source

_TO = ".."
_SHOWN = 3
_DAY = timedelta(days=1)

Files = Iterable[Mapping[str, Any]]
"""Rows of `bronze.files`."""


def days_of_bitmap(bitmap: bytes | None) -> list[date]:
    """The days of a bitmap in order; bit 0 of its first byte is `FIRST_EVENT_DAY`."""
    found = [8 * i + bit for i, byte in enumerate(bitmap or b"") if byte for bit in range(8) if byte >> bit & 1]
    return [FIRST_EVENT_DAY + timedelta(days=position) for position in found]


def to_ranges(days: Sequence[date]) -> list[str]:
    """Days in order as ranges of days that follow each other.

    >>> to_ranges([date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 2)])
    ['2024-02-28..2024-02-29', '2024-03-02..2024-03-02']
    """
    ranges: list[tuple[date, date]] = []
    for day in days:
        follows = bool(ranges) and day == ranges[-1][1] + _DAY
        ranges[-1:] = [(ranges[-1][0], day)] if follows else [*ranges[-1:], (day, day)]
    return [f"{first}{_TO}{last}" for first, last in ranges]


def reached(source: str, files: Files, time_zone: str) -> date | None:
    """The last whole day that the events of a source's batches reach; None without events.

    Args:
        source: its name.
        files: of finished batches; the day on which one ended was not whole yet.
        time_zone: the project's.
    """
    mine = {(f["event_days"][-1], f["ingested_at"]) for f in files if f["source"] == source and f["event_days"]}
    return max((min(_ends(days)[1], day_of(at, time_zone) - _DAY) for days, at in mine), default=None)


def missing_days(source: Source, files: Files, starts_on: date) -> list[date]:
    """The days without one good event between the first that a source has and the last it is complete through.

    Only a source that counts as complete by its events (`complete_through: latest`) has them.

    Args:
        source: of events.
        files: of finished batches.
        starts_on: start of the project; days before it are not missed.
    """
    if source.feeds != "events" or source.delivery.complete_through != "latest":
        return []
    mine = [f for f in files if f["source"] == source.name]
    through = max((f["complete_through"] for f in mine if f["complete_through"] is not None), default=None)
    there = {day for text in {text for f in mine for text in f["event_days"] or ()} for day in _between(*_ends(text))}
    if not there or through is None:
        return []
    return [day for day in _between(max(min(there), starts_on), through) if day not in there]


def first_in_time(source: Source, files: Sequence[Mapping[str, Any]], time_zone: str, starts_on: date) -> date | None:
    """The first event day that is not too late for the next batch; None when no day is.

    It lies `late_days` before the day through which the source was complete before that batch. What a source with
    `every_day` still owes is in time whenever it comes.

    Args:
        source: of events.
        files: of the batches that finished before.
        time_zone: the project's.
        starts_on: start of the project.
    """
    through = reached(source.name, files, time_zone)
    if source.feeds != "events" or source.delivery.late_days is None or through is None:
        return None
    owed = missing_days(source, files, starts_on) if source.delivery.every_day else []
    complete = min([through, *(day - _DAY for day in owed[:1])])
    return complete - timedelta(days=source.delivery.late_days)


def in_words(days: Sequence[date], shown: int = _SHOWN) -> str:
    """The first days of a list, and how many more there are.

    >>> in_words([date(2025, 3, 5), date(2025, 3, 6), date(2025, 3, 9)], shown=1)
    '2025-03-05 and 2 more days'
    """
    more = len(days) - shown
    listed = ", ".join(map(str, days[:shown]))
    return listed if more <= 0 else f"{listed} and {more:,} more day{'s' if more > 1 else ''}"


def _ends(text: str) -> tuple[date, date]:
    first, _, last = text.partition(_TO)
    return date.fromisoformat(first), date.fromisoformat(last)


def _between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=i) for i in range((last - first).days + 1))
