"""Checks against history: numbers by hand, no Spark."""

import math
from datetime import date, timedelta

import pytest

from strata.project.policies import History
from strata.quality.against import judge_history
from strata.quality.history import RULES, Rule, Series, compare, references

DAY = date(2024, 11, 4)  # a Monday
TEN_PERCENT = Rule(relative=0.1)
USUAL = History()


def past(*values: float, every: int = 1) -> list[tuple[date, float]]:
    """The last of them a day before `DAY`, or `every` days."""
    return [(DAY - timedelta(days=every * (len(values) - i)), value) for i, value in enumerate(values)]


def found(values: list[tuple[date, float]], value: float, rule: Rule = TEN_PERCENT, rows: float = 1e6):
    return compare(Series(values, value, rows), DAY, rule)


def only(found):
    (one,) = found
    return one


# Name: (earlier values, those that are in, those that are out)
BANDS = {
    "steady": ((100, 100, 100, 100), (91, 110), (89, 111)),
    "noisy: five times 1.4826 times the median deviation": ((95, 100, 105, 100, 95, 105), (87, 118), (55, 145)),
    "growing by 10 a day: so is what would be next, and no growth": (
        (10, 20, 30, 40, 50),
        (60, 50, 40),
        (20, 80),
    ),
    "one bad date bends nothing": ((100, 100, 5, 100, 100, 100), (95, 105), (5, 50, 150)),
    "one bad date just before": ((100, 100, 100, 100, 5), (95, 105), (50, 5)),
    "what holds on for two of three dates is the new normal": ((100, 100, 100, 100, 50, 50), (50,), (-60, 260)),
    "nothing at all": ((0, 0, 0, 0), (0,), (1, -1)),
}


@pytest.mark.parametrize("name", BANDS)
def test_a_value_is_out_when_it_is_far_from_the_trend_and_from_the_latest(name: str) -> None:
    values, within, beyond = BANDS[name]
    verdicts = {v: found(past(*values), v).is_out for v in (*within, *beyond)}
    assert verdicts == {**dict.fromkeys(within, False), **dict.fromkeys(beyond, True)}


def test_nothing_is_said_before_three_dates_and_nothing_is_gross_before_seven() -> None:
    assert found(past(100, 100), 1) is None
    assert (found(past(*[100] * 6), 1).is_out, found(past(*[100] * 6), 1).is_gross) == (True, False)
    assert found(past(*[100] * 7), 1).is_gross
    assert found(past(*[100] * 7), 1001).is_gross
    assert not found(past(*[100] * 7), 900).is_gross


def test_of_few_rows_little_is_said() -> None:
    share = RULES["share"]
    half = past(*[0.5] * 8)
    assert [found(half, 0.62, share, n).is_out for n in (50, 5_000)] == [False, True]
    events = RULES["events"]
    assert [found(past(*[n] * 8), 0, events, n).is_gross for n in (3, 10, 300)] == [False, False, True]


def test_a_share_is_gross_by_what_is_gone_or_has_come() -> None:
    share, nulls = RULES["share"], RULES["null_share"]
    assert found(past(*[0.2] * 8), 0, share).is_gross
    assert not found(past(*[0.2] * 8), 0.01, share).is_gross
    assert not found(past(*[0.04] * 8), 0, share).is_gross
    assert found(past(*[0.2] * 8), 0.71, nulls).is_gross


def test_weekdays_are_told_apart_once_there_are_four_of_them() -> None:
    week = {0: 100.0, 5: 300.0, 6: 300.0}  # a shop that sells at weekends
    days = [DAY - timedelta(days=n) for n in range(28, 0, -1)]
    values = [(d, week.get(d.weekday(), 150.0)) for d in days]
    assert {value for _, value in only(references(values, DAY))} == {100.0}, "as they would be on a Monday"
    assert [found(values, v).is_out for v in (100, 150, 300)] == [False, True, True]
    sunday = [(d - timedelta(days=1), week.get((d.weekday() - 1) % 7, 150.0)) for d in days]
    assert {value for _, value in only(references(sunday, DAY - timedelta(days=1)))} == {300.0}
    assert references(values[-14:], DAY) == [values[-14:]], "two of a weekday say nothing of it"


def test_month_ends_are_compared_with_earlier_ones() -> None:
    ends = [(date(2024, m, 1) - timedelta(days=1), float(100 + m)) for m in range(1, 12)]
    assert references(ends, date(2024, 11, 30)) == [ends]
    assert not compare(Series(ends, 112, 1e6), date(2024, 11, 30), TEN_PERCENT).is_out
    assert compare(Series(ends, 150, 1e6), date(2024, 11, 30), TEN_PERCENT).is_out


def test_growth_that_fills_a_window_and_stops_gives_no_alarm() -> None:
    filled = [min(n, 7) * 10.0 for n in range(1, 40)]
    days = [DAY + timedelta(days=n) for n in range(40)]
    rule = Rule(relative=0.25)
    for n in range(3, 39):
        earlier = [*zip(days[:n], filled[:n], strict=True)]
        assert not compare(Series(earlier, filled[n], 1e6), days[n], rule).is_out, n


def metric(name: str, dimension: str, value: float | None, table: str = "silver.events") -> dict[str, object]:
    return {"table_name": table, "metric": name, "dimension": dimension, "value": value}


def judged(measured, history, settings=USUAL):
    verdicts = judge_history(measured, history, DAY, (), settings)
    return {v.check: (v.severity, v.success, v.details) for v in verdicts}


CALLS = {("silver.events", "events", "usage/call"): past(*[200.0] * 10)}


def test_a_check_per_metric_says_what_is_out_and_by_which_dates() -> None:
    two = {**CALLS, ("silver.events", "events", "usage/sms"): past(*[500.0] * 10)}
    verdicts = judged([metric("events", "usage/call", 90.0), metric("events", "usage/sms", 480.0)], two)
    severity, success, details = verdicts["events.history"]
    assert (severity, success) == ("warn", False)
    assert details == "usage/call 90, expected 140 to 267.1 by 10 dates 2024-10-25..2024-11-03"
    assert verdicts["events.gross"] == ("fail", True, None)


def test_what_has_not_come_is_none_and_gross() -> None:
    verdicts = judged([], CALLS)
    assert verdicts["events.gross"][:2] == ("fail", False)
    assert verdicts["events.history"][1], "said once"


def test_what_comes_on_mondays_is_not_missed_on_tuesdays() -> None:
    letters = ("silver.events", "events", "mail/letter")
    mondays = [(DAY - timedelta(days=6 + 7 * n), 900.0) for n in range(3, -1, -1)]
    assert judged([], {**CALLS, letters: mondays})["events.gross"][2].count(";") == 0
    assert "letter" not in judged([], {**CALLS, letters: mondays})["events.gross"][2]


CALENDAR = History(days={"paydays": ("5", "6", "20", "21"), "holidays": ("12-25",)})


def test_days_have_the_kinds_they_were_declared_to_be_of() -> None:
    days = ((11, 5), (12, 20), (12, 25), (11, 25), (2, 15))
    kinds = [CALENDAR.kind_of(date(2024, month, day)) for month, day in days]
    assert kinds == ["paydays", "paydays", "holidays", "", ""]
    assert History(days={"quarters": ("04-01",), "rent": ("1",)}).kind_of(date(2024, 4, 1)) == "quarters, rent"


def on(day: date, dates: int, value_of) -> list[tuple[date, float]]:
    return [(d := day - timedelta(days=n), value_of(d)) for n in range(dates, 0, -1)]


def paid(day: date) -> float:
    return 200.0 if CALENDAR.kind_of(day) == "paydays" else 100.0


PAY, QUIET = date(2024, 11, 20), date(2024, 11, 22)
# Days that were before: (day, how many, what is in, what is out); nothing of both: no opinion yet.
KINDS = {
    "a payday is held against paydays, and the quiet days say how much chance does": (PAY, 31, (200, 220), (100, 300)),
    "by two paydays they are not known well: it may also be like all others": (PAY, 16, (200, 220, 100), (50, 300)),
    "before the first payday nothing is known of it": (PAY, 13, (), ()),
    "a day after a payday is like all others": (QUIET, 31, (100, 110), (200, 50)),
    "and before weekdays are told apart, no other day is held against a payday": (QUIET, 5, (100, 110), (200, 50)),
}


@pytest.mark.parametrize("name", KINDS)
def test_days_of_a_kind_are_held_against_their_like(name: str) -> None:
    day, dates, within, beyond = KINDS[name]
    findings = {
        v: compare(Series(on(day, dates, paid), v, 1e6), day, TEN_PERCENT, CALENDAR.kind_of)
        for v in (*within, *beyond, 77)
    }
    assert (findings[77] is None) == (not within)
    assert {v: findings[v].is_out for v in (*within, *beyond)} == {
        **dict.fromkeys(within, False),
        **dict.fromkeys(beyond, True),
    }


def test_a_payday_on_which_nothing_comes_is_gross() -> None:
    assert compare(Series(on(PAY, 31, paid), 1, 1e6), PAY, TEN_PERCENT, CALENDAR.kind_of).is_gross


def test_kinds_of_days_are_for_what_comes_on_a_day_and_not_for_what_is_published() -> None:
    day = date(2024, 11, 20)
    for table, is_held_against_its_like in (("silver.events", True), ("bronze.files", False)):
        before = {(table, "events", "usage/call"): on(day, 31, paid)}
        measured = [metric("events", "usage/call", 200.0, table)]
        told = [judge_history(measured, before, day, (), s)[0].success for s in (CALENDAR, USUAL)]
        assert told == [is_held_against_its_like, False]


def test_settings_decide_severity_tolerance_and_what_is_left_out() -> None:
    half = [metric("events", "usage/call", 90.0)]
    assert judged(half, CALLS, History(drift="fail"))["events.history"][0] == "fail"
    assert "events.history" not in judged(half, CALLS, History(drift="off"))
    assert judged(half, CALLS, History(tolerance={"events": 0.6}))["events.history"][1]
    assert judged(half, CALLS, History(leave=("silver.events.usage/*",))) == {}
    none = [metric("events", "usage/call", 0.0)]
    assert not judged(none, CALLS, History(gross="off"))["events.history"][1], "gross is drift where gross is off"


def test_without_history_there_are_no_checks() -> None:
    assert judged([metric("events", "usage/call", 90.0)], {}) == {}
    assert not math.isnan(found(past(0, 0, 0), 0).high)
