"""The book of releases: ids, what is looked back at, what the switch writes. No Spark."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from strata.publish.release import (
    Promoted,
    Release,
    current_release,
    find_release,
    kind_of,
    make_release_id,
    previous_release,
    release_of_day,
    switch,
)

NOVEMBER, DECEMBER, JANUARY = date(2017, 11, 30), date(2017, 12, 31), date(2018, 1, 31)
EARLY, LATE = datetime(2018, 2, 1, tzinfo=UTC), datetime(2018, 3, 1, tzinfo=UTC)
MOMENT = datetime(2018, 3, 2, tzinfo=UTC)
TABLES = [Promoted("members.a", 3, 10, "77"), Promoted("publish.b", 5, 2, "-8")]


def a_release(as_of: date, known_at: datetime = EARLY, config: str = "c") -> Release:
    release_id = make_release_id("shop", as_of, known_at, config, "1")
    return Release(release_id, as_of, known_at, config, "1", None)


def released(*releases: Release) -> list[dict]:
    rows: list[dict] = []
    for number, release in enumerate(releases):
        rows = switch(rows, release, TABLES, f"run-{number}", MOMENT)
    return rows


@pytest.mark.parametrize(
    "other",
    [
        ("shop2", NOVEMBER, EARLY, "c", "1"),
        ("shop", DECEMBER, EARLY, "c", "1"),
        ("shop", NOVEMBER, LATE, "c", "1"),
        ("shop", NOVEMBER, EARLY, "d", "1"),
        ("shop", NOVEMBER, EARLY, "c", "2"),
    ],
)
def test_the_id_depends_on_each_of_project_date_knowledge_definitions_and_code(other):
    made = make_release_id("shop", NOVEMBER, EARLY, "c", "1")
    assert made == make_release_id("shop", NOVEMBER, EARLY, "c", "1")
    assert len(made) == 32
    assert make_release_id(*other) != made


def test_the_first_release_is_current_with_a_row_per_table():
    rows = released(a_release(NOVEMBER))
    assert [(r["table_name"], r["delta_version"], r["sequence"], r["is_current"], r["kind"]) for r in rows] == [
        ("members.a", 3, 1, True, "regular"),
        ("publish.b", 5, 1, True, "regular"),
    ]


def test_a_later_day_becomes_current_and_the_earlier_stays_released():
    rows = released(a_release(NOVEMBER), a_release(DECEMBER))
    assert {r["as_of_date"] for r in current_release(rows)} == {DECEMBER}
    assert {r["status"] for r in rows} == {"released"}


def test_an_earlier_day_is_a_backfill_and_never_becomes_current():
    rows = released(a_release(DECEMBER), a_release(NOVEMBER))
    assert {r["as_of_date"] for r in current_release(rows)} == {DECEMBER}
    assert {r["kind"] for r in rows if r["as_of_date"] == NOVEMBER} == {"backfill"}
    assert kind_of(rows, JANUARY) == "regular"


def test_new_knowledge_of_a_day_supersedes_the_old_release_of_that_day():
    rows = released(a_release(DECEMBER), a_release(DECEMBER, LATE))
    assert {(r["known_at"], r["status"], r["is_current"]) for r in rows} == {
        (EARLY, "superseded", False),
        (LATE, "released", True),
    }
    assert {r["known_at"] for r in release_of_day(rows, DECEMBER)} == {LATE}


def test_exactly_one_release_is_current_whatever_the_order():
    days = [DECEMBER, NOVEMBER, JANUARY, DECEMBER, NOVEMBER]
    known = [EARLY, EARLY, EARLY, LATE, LATE]
    rows = released(*(a_release(*about) for about in zip(days, known, "abcde", strict=True)))
    assert {r["release_id"] for r in current_release(rows)} == {a_release(JANUARY, EARLY, "c").release_id}


def test_a_release_looks_back_at_the_latest_earlier_day():
    rows = released(a_release(NOVEMBER), a_release(DECEMBER))
    assert {r["as_of_date"] for r in previous_release(rows, JANUARY, LATE)} == {DECEMBER}
    assert {r["as_of_date"] for r in previous_release(rows, DECEMBER, LATE)} == {NOVEMBER}
    assert previous_release(rows, NOVEMBER, LATE) == []


def test_what_is_released_later_with_later_knowledge_does_not_change_what_a_replay_looks_back_at():
    first = released(a_release(NOVEMBER))
    later = switch(first, a_release(NOVEMBER, LATE), TABLES, "run-9", MOMENT)
    before, after = (previous_release(rows, DECEMBER, EARLY) for rows in (first, later))
    assert {r["release_id"] for r in before} == {r["release_id"] for r in after} == {a_release(NOVEMBER).release_id}


def test_a_day_that_only_a_backfill_is_about_is_never_looked_back_at():
    rows = released(a_release(JANUARY), a_release(NOVEMBER))
    assert previous_release(rows, DECEMBER, LATE) == []


def test_a_release_made_again_is_found_by_its_newest_switch():
    once = released(a_release(DECEMBER))
    again = switch(once, a_release(DECEMBER), [Promoted("members.a", 9, 10, "77")], "run-1", MOMENT)
    assert [r["delta_version"] for r in find_release(again, a_release(DECEMBER).release_id)] == [9]


def test_what_leaves_the_tables_says_in_which_version_it_was_last():
    """Versions as they are: every switch is a commit on every table."""
    rows = []
    for number, (about, expires) in enumerate(
        [((NOVEMBER,), ()), ((DECEMBER,), ()), ((NOVEMBER, LATE), ()), ((JANUARY,), (NOVEMBER,)), ((NOVEMBER,), ())]
    ):
        release = replace(a_release(*about), expires=expires)
        rows = switch(rows, release, [Promoted("members.a", number, 1, "1")], "run", MOMENT)
    told = [(r["as_of_date"], r["delta_version"], r["last_version"], r["status"]) for r in rows]
    assert told == [
        (NOVEMBER, 0, 1, "superseded"),  # back with the last switch, which is the same release
        (DECEMBER, 1, None, "released"),
        (NOVEMBER, 2, 2, "expired"),
        (JANUARY, 3, None, "released"),
        (NOVEMBER, 4, None, "released"),
    ]


def test_what_has_expired_stays_so_when_another_release_is_about_its_day():
    """The release behind it does not look back at what is gone: it would have to be read where nobody keeps it."""
    book = released(a_release(NOVEMBER), replace(a_release(JANUARY), expires=(NOVEMBER,)), a_release(NOVEMBER, LATE))
    assert {(r["known_at"], r["status"]) for r in book if r["as_of_date"] == NOVEMBER} == {
        (EARLY, "expired"),
        (LATE, "released"),
    }
    assert previous_release(book, DECEMBER, LATE) == []
