"""What a release is compared with: the one before, a month ago, a year ago. No Spark."""

from datetime import UTC, date, datetime

import pytest

from strata.project.models import Keep
from strata.publish.comparisons import find_compared, pinned_compared
from strata.publish.keep import expired_days
from strata.publish.release import Promoted, Release, switch

EARLY, LATE = datetime(2018, 2, 1, tzinfo=UTC), datetime(2018, 3, 1, tzinfo=UTC)
DECEMBER = date(2017, 12, 31)


def released(*dates: date, known_at: datetime = EARLY, rows=()) -> list[dict]:
    book = list(rows)
    for day in dates:
        release = Release(f"{day} {known_at:%m}", day, known_at, "c", "1", None)
        book = switch(book, release, [Promoted("members.a", len(book), 1, "1")], "r", known_at)
    return book


def compared(rows: list[dict], as_of: date, known_at: datetime = LATE) -> dict[str, date | None]:
    return {
        name: then[0]["as_of_date"] if then else None for name, then in find_compared(rows, as_of, known_at).items()
    }


@pytest.mark.parametrize(
    ("as_of", "there", "month", "year"),
    [
        (DECEMBER, [date(2016, 12, 31), date(2017, 11, 30)], date(2017, 11, 30), date(2016, 12, 31)),
        (date(2018, 2, 28), [date(2017, 2, 28), date(2018, 1, 31)], date(2018, 1, 31), date(2017, 2, 28)),
        (date(2017, 12, 15), [date(2016, 11, 30), date(2016, 12, 31)], None, date(2016, 11, 30)),
        (date(2017, 12, 15), [date(2016, 12, 15), date(2016, 12, 16)], None, date(2016, 12, 15)),
        (date(2017, 12, 15), [date(2017, 11, 9), date(2017, 11, 16)], date(2017, 11, 9), None),
        (date(2017, 12, 15), [date(2016, 11, 13), date(2017, 11, 8)], None, None),
        (date(2017, 1, 30), [date(2015, 12, 30), date(2015, 12, 31)], None, date(2015, 12, 31)),
    ],
    ids=["month ends", "short month", "kept month end", "the very day", "weekly", "too far", "longest way"],
)
def test_a_month_and_a_year_ago_are_that_day_or_the_nearest_before_it(as_of, there, month, year):
    found = compared(released(*there), as_of)
    assert (found["month"], found["year"]) == (month, year)


def test_daily_runs_under_the_usual_policy_always_find_a_month_and_a_year_ago():
    days = [date.fromordinal(n) for n in range(date(2016, 10, 1).toordinal(), date(2018, 2, 1).toordinal())]
    rows: list[dict] = []
    for day in days:
        expires = expired_days(rows, day, Keep(), ())
        rows = switch(
            rows, Release(str(day), day, EARLY, "c", "1", None, expires=expires), [Promoted("a", 1, 1, "1")], "r", EARLY
        )
        found = compared(rows, date.fromordinal(day.toordinal() + 1))
        if day > date(2017, 10, 31):
            assert found["previous"] == day
            assert 27 <= (day - found["month"]).days <= 30
            assert 364 <= (day - found["year"]).days <= 394


def test_what_knows_more_or_has_expired_is_not_compared_with():
    november = date(2017, 11, 30)
    late = released(november, known_at=LATE)
    assert compared(late, DECEMBER, LATE)["month"] == november
    assert compared(late, DECEMBER, EARLY) == {"previous": None, "month": None, "year": None}
    expired = [r | {"status": "expired"} for r in released(november)]
    assert compared(expired, DECEMBER) == {"previous": None, "month": None, "year": None}


def test_of_a_day_run_again_the_previous_release_is_the_one_in_place_as_a_month_ago_is():
    """Month ends; November is run again with new data when December is there, then December is."""
    november = date(2017, 11, 30)
    book = released(november, DECEMBER)
    book = released(november, known_at=LATE, rows=book)
    found = find_compared(book, DECEMBER, LATE)
    assert found["previous"] == found["month"] != []
    assert {(r["kind"], r["known_at"], r["status"]) for r in found["previous"]} == {("backfill", LATE, "released")}
    assert find_compared(book, DECEMBER, EARLY)["previous"] == book[:1], "what knows more is left out"
    pinned = pinned_compared(book, {"previous_release_id": found["previous"][0]["release_id"]})
    assert pinned["previous"] == found["previous"]
    again = released(november, rows=released(november, DECEMBER))
    made = find_compared(again, DECEMBER, LATE)["previous"]
    assert [(r["kind"], r["delta_version"]) for r in made] == [("regular", 0)], "the same release, and its catalogue"


def test_a_release_made_again_is_compared_with_what_it_was_compared_with():
    book = released(date(2017, 11, 30))
    then = {"previous_release_id": book[0]["release_id"], "month_release_id": None, "year_release_id": "gone"}
    later = released(date(2017, 11, 30), known_at=LATE, rows=book)
    found = pinned_compared(later, then)
    assert ([r["known_at"] for r in found["previous"]], found["month"], found["year"]) == ([EARLY], [], [])
    before_they_were_kept = {"previous_release_id": None}
    assert pinned_compared(later, before_they_were_kept) == {"previous": [], "month": [], "year": []}


def test_of_a_date_built_again_the_first_time_is_pinned_for_its_catalogue():
    book = released(date(2017, 11, 29), DECEMBER, date(2017, 11, 29))
    assert [r["kind"] for r in book] == ["regular", "regular", "backfill"]
    found = pinned_compared(book, {"previous_release_id": book[0]["release_id"]})
    assert [r["delta_version"] for r in found["previous"]] == [0]
