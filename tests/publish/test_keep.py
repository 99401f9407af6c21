"""Which slices stay: known answers, and what holds for any dates. No Spark."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.project.models import Keep
from strata.publish.keep import expired_days, kept_days
from strata.publish.release import Promoted, Release, release_of_day, switch

NEWEST = date(2018, 4, 10)
KNOWN_AT = datetime(2018, 5, 1, tzinfo=UTC)
USUAL = Keep()
days = st.dates(date(2017, 1, 1), NEWEST)
policies = st.builds(Keep, st.integers(1, 90), st.sampled_from(["month_ends", "nothing"]))


def every(days: int, last: date = NEWEST, dates: int = 400) -> list[date]:
    return [last - timedelta(days=days * n) for n in range(dates // days)]


def released(dates: list[date], keep: Keep | None = None) -> list[dict]:
    """The book after these dates, with `keep` each under the policy."""
    rows: list[dict] = []
    for day in dates:
        expires = expired_days(rows, day, keep, ()) if keep else ()
        release = Release(f"{day:%Y%m%d}", day, KNOWN_AT, "c", "1", None, expires=expires)
        rows = switch(
            rows, release, [Promoted("members.a", 1, 1, "1"), Promoted("publish.b", 1, 1, "1")], "r", KNOWN_AT
        )
    return rows


def in_place(rows: list[dict]) -> list[date]:
    return sorted({r["as_of_date"] for r in rows if release_of_day(rows, r["as_of_date"])})


def test_of_daily_runs_35_days_stay_and_month_ends_before_them():
    kept = sorted(kept_days(every(1), NEWEST, USUAL))
    ends = [date(2017, m + 1, 1) - timedelta(days=1) for m in range(3, 12)]
    ends += [date(2017, 12, 31), date(2018, 1, 31), date(2018, 2, 28)]
    assert kept == [*ends, *(NEWEST - timedelta(days=n) for n in reversed(range(35)))]


@pytest.mark.parametrize(
    ("dates", "gone"),
    [
        ([date(2017, m, 15) for m in range(1, 13)], []),
        ([date(2018, 1, 30), date(2018, 2, 27), date(2018, 2, 28)], [date(2018, 2, 27)]),
        ([date(2018, 3, 6), date(2018, 3, 7), date(2018, 3, 31)], [date(2018, 3, 6)]),
        ([date(2018, 1, 31), date(2018, 4, 30)], []),
    ],
    ids=["runs in mid-month", "month end missing", "the edge of the window", "later than the newest"],
)
def test_the_last_date_of_a_month_stands_for_it(dates, gone):
    assert sorted({*dates} - kept_days(dates, NEWEST, USUAL)) == gone


def test_of_weekly_runs_the_last_of_every_month_stays():
    kept = kept_days(every(7), NEWEST, USUAL)
    assert len({(d.year, d.month) for d in kept}) == len({(d.year, d.month) for d in every(7)})
    assert len(kept) == len({(d.year, d.month) for d in every(7)}) + 3


def test_without_month_ends_only_the_last_days_stay():
    assert kept_days(every(1), NEWEST, Keep(7, "nothing")) == set(every(1)[:7])


@given(st.sets(days, min_size=1), policies)
def test_whatever_the_dates_the_window_stays_and_each_older_month_at_most_once(dates, keep):
    kept = kept_days(dates, NEWEST, keep)
    edge = NEWEST - timedelta(days=keep.daily_days)
    older = [d for d in kept if d <= edge]
    assert kept <= dates
    assert {d for d in dates if d > edge} <= kept
    assert len({(d.year, d.month) for d in older}) == len(older)
    if keep.then == "month_ends":
        assert {(d.year, d.month) for d in kept} == {(d.year, d.month) for d in dates}
    else:
        assert older == []


@given(st.sets(days, min_size=1, max_size=60), policies)
def test_thinned_day_by_day_there_remains_what_one_look_at_all_dates_leaves(dates, keep):
    listed = sorted(dates)
    assert in_place(released(listed, keep)) == sorted(kept_days(listed, listed[-1], keep))


def test_what_is_compared_with_stays_though_it_is_old():
    book = released([date(2018, 1, 10), date(2018, 1, 11), date(2018, 1, 12)])
    assert expired_days(book, NEWEST, USUAL, [date(2018, 1, 10)]) == (date(2018, 1, 11),)


def test_a_backfill_removes_nothing_and_what_it_brought_back_goes_with_the_next_newer_date():
    daily = sorted(every(1, dates=50))
    book = released(daily, USUAL)
    removed = date(2018, 3, 1)
    assert release_of_day(book, removed) == []
    assert {r["status"] for r in book if r["as_of_date"] == removed} == {"expired"}
    assert expired_days(released(daily), daily[-5], USUAL, ()) == ()
    again = switch(
        book, Release("again", removed, KNOWN_AT, "c", "1", None), [Promoted("members.a", 2, 1, "1")], "r", KNOWN_AT
    )
    assert [r["release_id"] for r in release_of_day(again, removed)] == ["again"]
    assert removed in expired_days(again, NEWEST + timedelta(days=1), USUAL, ())


def test_the_date_to_come_is_the_last_of_its_month():
    first = date(2018, 4, 1)
    assert expired_days(released([first]), NEWEST, Keep(3), ()) == (first,)


def test_what_has_expired_is_not_removed_twice():
    book = released(sorted(every(1, dates=50)), USUAL)
    assert expired_days(book, NEWEST + timedelta(days=1), USUAL, ()) == (date(2018, 3, 7),)
