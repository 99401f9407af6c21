"""Days of events: as ranges and back, which are missing, which are too late. No Spark."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.test_files import source

from strata.ingest.books import incomplete_sources
from strata.ingest.event_days import (
    days_of_bitmap,
    first_in_time,
    in_words,
    missing_days,
    reached,
    to_ranges,
)
from strata.project.sources import Deliver, Source

START = date(2025, 1, 1)
DAYS = st.sets(st.integers(0, 400)).map(lambda found: [START + timedelta(days=n) for n in sorted(found)])


def march(*days: int) -> list[date]:
    return [date(2025, 3, n) for n in days]


def calls(*, every_day: bool = False, late_days: int | None = None, through: object = "latest") -> Source:
    delivery = Deliver("append", None, late_days, through, every_day)  # type: ignore[arg-type]
    return replace(source(""), name="calls", delivery=delivery)


def batch(days: list[date], ended: date, name: str = "calls") -> dict[str, object]:
    """A row of bronze.files; the batch ended at noon."""
    through = min(days[-1], ended - timedelta(days=1)) if days else None
    at = datetime(ended.year, ended.month, ended.day, 12, tzinfo=UTC)
    return {"source": name, "event_days": to_ranges(days), "complete_through": through, "ingested_at": at}


@given(DAYS)
def test_ranges_hold_the_days_they_were_made_of(days: list[date]) -> None:
    # What is missing between the first and the last is all that is not in the ranges.
    files = [batch(days, date(2030, 1, 1))]
    missing = missing_days(calls(), files, date.min)
    whole = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)] if days else []
    assert sorted([*days, *missing]) == whole
    texts = to_ranges(days)
    assert len(texts) == sum(day - timedelta(days=1) not in days for day in days)


def test_a_bitmap_begins_with_the_first_day_an_event_may_have() -> None:
    assert days_of_bitmap(b"\x01\x80" + bytes(4094)) == [date(1990, 1, 1), date(1990, 1, 16)]
    assert days_of_bitmap(bytes(4096)) == days_of_bitmap(None) == []


def test_a_source_reaches_the_last_whole_day_of_its_events() -> None:
    files = [batch(march(1, 2), march(5)[0]), batch(march(9), march(9)[0]), batch(march(30), march(31)[0], "other")]
    assert reached("calls", files, "UTC") == date(2025, 3, 8)
    assert reached("calls", [batch([], march(5)[0])], "UTC") is None
    unknown = {**batch([], march(5)[0]), "event_days": None}  # of a batch before days were kept
    assert reached("calls", [unknown], "UTC") is None


def test_days_that_a_later_batch_brings_are_missed_no_longer() -> None:
    first = batch(march(1, 2, 5, 6), march(10)[0])
    assert missing_days(calls(), [first], START) == march(3, 4)
    assert missing_days(calls(), [first, batch(march(4), march(11)[0])], START) == march(3)
    assert missing_days(calls(), [first], date(2025, 3, 4)) == march(4)  # the project starts later
    assert missing_days(calls(through="always"), [first], START) == []
    assert missing_days(replace(calls(), feeds="products"), [first], START) == []


def test_the_day_of_the_batch_is_not_missed_before_it_is_over() -> None:
    assert missing_days(calls(), [batch(march(1, 2), march(2)[0]), batch(march(4), march(4)[0])], START) == march(3)


@pytest.mark.parametrize(
    ("late_days", "every_day", "first"),
    [(None, False, None), (0, False, date(2025, 3, 6)), (3, False, date(2025, 3, 3)), (1, True, date(2025, 3, 1))],
)
def test_what_is_owed_is_in_time_and_the_rest_within_its_days(
    late_days: int | None, every_day: bool, first: date | None
) -> None:
    files = [batch(march(1, 2, 4, 5, 6), march(10)[0])]
    assert first_in_time(calls(late_days=late_days, every_day=every_day), files, "UTC", START) == first
    assert first_in_time(calls(late_days=late_days, every_day=every_day), [], "UTC", START) is None


def test_a_source_that_promises_every_day_is_complete_up_to_its_first_hole() -> None:
    files = [batch(march(1, 2, 4, 8, 11), march(20)[0])]
    promising = calls(every_day=True)
    assert incomplete_sources([calls()], files, date(2025, 3, 11)) == []
    assert incomplete_sources([promising], files, date(2025, 3, 2)) == []
    (one,) = incomplete_sources([promising], files, date(2025, 3, 3))
    assert str(one).startswith("calls: no events on 2025-03-03, but it has `every_day: true`\n    deliver the day, ")
    (many,) = incomplete_sources([promising], files, date(2025, 3, 11))
    assert "no events on 2025-03-03, 2025-03-05, 2025-03-06 and 3 more days" in str(many)
    assert "deliver the days, or remove every_day, or ask for --as-of 2025-03-02" in str(many)


def test_a_hole_that_was_filled_later_is_a_hole_for_what_was_known_before() -> None:
    files = [batch(march(1, 3), march(4)[0]), batch(march(2), march(6)[0])]
    promising, then = calls(every_day=True), datetime(2025, 3, 5, tzinfo=UTC)
    assert incomplete_sources([promising], files, date(2025, 3, 3)) == []
    assert len(incomplete_sources([promising], files, date(2025, 3, 3), then)) == 1


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "2025-03-01"), (3, "2025-03-01, 2025-03-02, 2025-03-03"),
     (4, "2025-03-01, 2025-03-02, 2025-03-03 and 1 more day")],
)  # fmt: skip
def test_the_first_days_are_named_and_the_others_counted(count: int, words: str) -> None:
    assert in_words(march(*range(1, count + 1))) == words
