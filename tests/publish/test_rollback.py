"""A release is brought back: which one is meant, whether it may be, what the book says afterwards. No Spark."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from strata.contract.published import segment_catalog, segment_membership
from strata.errors import ProjectError
from strata.project.models import Keep
from strata.publish.keep import expired_days
from strata.publish.listing import list_releases, show_release
from strata.publish.release import (
    Promoted,
    Release,
    current_release,
    find_release,
    in_place,
    kind_of,
    previous_release,
    release_of_day,
    switch,
)
from strata.publish.rollback import Book, find_id, plan_rollback, why_not

OCTOBER, NOVEMBER, DECEMBER, JANUARY = (date(2017, 10, 31), date(2017, 11, 30), date(2017, 12, 31), date(2018, 1, 31))
NOW = datetime(2018, 2, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
TABLES = {t.full_name(): t for t in (segment_membership, segment_catalog)}


def a_release(as_of, letter, **more):
    return Release(letter * 32, as_of, NOW, "c" * 32, "1", None, **more)


def released(*releases, every=timedelta(0)):
    """The book after these switches, the first of them `every` before the second."""
    rows = []
    for number, release in enumerate(releases):
        promoted = [Promoted(name, number, 10, "h") for name in TABLES]
        rows = switch(rows, release, promoted, f"run-{number}", NOW + every * number)
    return rows


def book(rows, days=30, judged_on=TODAY):
    return Book(rows, TABLES, days, judged_on)


def rolled_back(rows, letter):
    release, _ = plan_rollback(book(rows), letter * 32)
    return switch(rows, release, [Promoted(name, 99, 10, "h") for name in TABLES], "run-99", NOW)


def statuses(rows):
    return {(r["sequence"], r["as_of_date"], r["kind"], r["status"]) for r in rows}


def test_what_is_brought_back_is_current_under_a_new_sequence_and_later_dates_are_withdrawn():
    rows = rolled_back(released(a_release(NOVEMBER, "a"), a_release(DECEMBER, "b")), "a")
    assert statuses(rows) == {
        (1, NOVEMBER, "regular", "superseded"),
        (2, DECEMBER, "regular", "withdrawn"),
        (3, NOVEMBER, "rollback", "released"),
    }
    assert {r["sequence"] for r in current_release(rows)} == {3}
    assert {r["last_version"] for r in rows if r["as_of_date"] == DECEMBER} == {1}
    assert release_of_day(rows, DECEMBER) == []


def test_current_is_the_greatest_sequence_that_is_no_backfill():
    rows = rolled_back(released(*(a_release(d, i) for d, i in ((OCTOBER, "a"), (DECEMBER, "b"), (NOVEMBER, "c")))), "a")
    assert statuses(rows) >= {(3, NOVEMBER, "backfill", "withdrawn"), (4, OCTOBER, "rollback", "released")}
    for release in (a_release(date(2017, 9, 30), "d"), a_release(NOVEMBER, "e"), a_release(OCTOBER, "f")):
        rows = switch(rows, release, [Promoted(name, 100, 10, "h") for name in TABLES], "run", NOW)
        followed = [r["sequence"] for r in rows if r["kind"] != "backfill"]
        assert {r["sequence"] for r in current_release(rows)} == {max(followed)}
        assert len({r["as_of_date"] for r in in_place(rows)}) == len({r["sequence"] for r in in_place(rows)})


def test_of_the_same_date_the_one_in_place_is_withdrawn_and_can_come_back_again():
    rows = rolled_back(released(a_release(DECEMBER, "a"), a_release(DECEMBER, "b")), "a")
    assert {(s, status) for s, _, _, status in statuses(rows)} == {
        (1, "superseded"), (2, "withdrawn"), (3, "released"),
    }  # fmt: skip
    again = rolled_back(rows, "b")
    assert {(s, status) for s, _, _, status in statuses(again)} == {
        (1, "superseded"), (2, "superseded"), (3, "withdrawn"), (4, "released"),
    }  # fmt: skip


def test_the_next_release_looks_back_at_what_was_brought_back_and_not_at_what_was_withdrawn():
    rows = released(a_release(NOVEMBER, "a"), a_release(DECEMBER, "b"))
    assert previous_release(rows, JANUARY, NOW)[0]["release_id"] == "b" * 32
    rows = rolled_back(rows, "a")
    assert {r["sequence"] for r in previous_release(rows, JANUARY, NOW)} == {3}
    assert kind_of(rows, DECEMBER) == "regular"
    assert expired_days(rows, DECEMBER + timedelta(days=60), Keep(daily_days=1, then="nothing"), ()) == (NOVEMBER,)
    same_date = rolled_back(released(a_release(DECEMBER, "a"), a_release(DECEMBER, "b")), "a")
    assert {r["sequence"] for r in previous_release(same_date, JANUARY, NOW)} == {3}


@pytest.mark.parametrize(
    ("digits", "says"),
    [
        ("zz", "there is no release 'zz'; `strata release --list`"),
        ("", "there is no release ''"),
        ("ab", r"could be abaaaaaaaaaa \(as of 2017-11-30\), abbbbbbbbbbb \(as of 2017-12-31\); write more digits"),
    ],
)
def test_digits_that_name_no_release_or_several_are_refused(digits, says):
    rows = released(
        replace(a_release(NOVEMBER, "a"), release_id="ab" + "a" * 30),
        replace(a_release(DECEMBER, "b"), release_id="ab" + "b" * 30),
    )
    with pytest.raises(ProjectError, match=says):
        find_id(rows, digits)
    assert find_id(rows, "ABA") == "ab" + "a" * 30


def test_what_cannot_come_back_is_said_with_the_reason():
    rows = released(a_release(NOVEMBER, "a"), a_release(DECEMBER, "b"), a_release(OCTOBER, "c"))
    assert why_not(book(rows), "a" * 32) is None
    assert why_not(book(rows), "b" * 32) == "current already"
    assert why_not(book(rows), "c" * 32).startswith("a backfill")
    rows = released(a_release(NOVEMBER, "a"), a_release(DECEMBER, "b", expires=(NOVEMBER,)))
    assert why_not(book(rows), "a" * 32).startswith("expired")
    with pytest.raises(ProjectError, match=r"release a{12} cannot be brought back: it is expired.*--as-of 2017-11-30"):
        plan_rollback(book(rows), "a" * 32)


@pytest.mark.parametrize(("age", "can"), [(29, True), (30, False)])
def test_a_release_can_come_back_as_long_as_delta_keeps_its_versions(age, can):
    rows = released(a_release(NOVEMBER, "a"), a_release(DECEMBER, "b"))
    reason = why_not(book(rows, judged_on=NOW.date() + timedelta(days=age)), "a" * 32)
    assert (reason is None) is can, "the catalogue of November is no more in place"
    assert can or reason.startswith("too old, its versions were kept for 30 days")


def test_the_list_tells_of_each_release_what_became_of_it_and_until_when_it_can_come_back():
    listed = [
        a_release(date(2017, 9, 30), "a"), a_release(NOVEMBER, "b", expires=(date(2017, 9, 30),)),
        a_release(OCTOBER, "c"), a_release(DECEMBER, "d"),
    ]  # fmt: skip
    lines = list_releases(book(rolled_back(released(*listed), "b")))
    assert [(line[0][0], line[2], line[3], line[-1]) for line in lines] == [
        ("b", "rollback", "released", "current"),
        ("d", "regular", "withdrawn", "until 2018-03-02"),
        ("c", "backfill", "released", "no: a backfill"),
        ("b", "regular", "superseded", "see above"),
        ("a", "regular", "expired", "no: expired"),
    ]
    assert len(list_releases(book(rolled_back(released(*listed), "b")), newest=2)) == 2
    said, tables = show_release(book(rolled_back(released(*listed), "b")), "b")
    assert said[0] == f"Release {'b' * 32}"
    assert [line.split(",")[0].strip() for line in said if "switch" in line] == [
        "switch 2: regular", "switch 5: rollback",
    ]  # fmt: skip
    assert said[-1] == "  to roll back to: no, it is current already"
    assert [line[:2] for line in tables] == [["members.segment_membership", 99], ["publish.segment_catalog", 99]]


def test_a_rollback_finds_the_rows_of_the_newest_time_that_readers_followed():
    rows = released(a_release(NOVEMBER, "a"), a_release(DECEMBER, "b"), a_release(NOVEMBER, "a"))
    assert find_release(rows, "a" * 32)[0]["kind"] == "backfill"
    _, found = plan_rollback(book(rows), "a" * 32)
    assert {r["sequence"] for r in found} == {1}
