"""Checks against history on a year of real days: how often they alarm when nothing was seeded, and what they catch.

Every day of the Complete Journey is held against the days before it, as a daily run would. Nobody says that all these
days were good: Thanksgiving and the days before Christmas are among the alarms.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest
from tests.end_to_end.kit import package_data

from strata.project.policies import History
from strata.quality.against import judge_history

KIND = "transactions/purchase"
BY_DAY = """
select (transaction_timestamp::timestamptz at time zone 'America/New_York')::date as day, count(*) as events,
       count(distinct household_id) as customers, avg(hour(transaction_timestamp::timestamptz)) as hour,
       avg(sales_value) as amount, avg(quantity) as quantity, avg(retail_disc + coupon_disc) as discount_amount,
       count(distinct product_id) as product_id, count(distinct store_id) as place_id
from '{file}' group by all order by day"""
FIRST_TRIED = 60
Day = dict[str, Any]


@pytest.fixture(scope="module")
def days() -> list[Day]:
    answer = duckdb.connect().execute(BY_DAY.format(file=package_data() / "transactions.parquet"))
    return [dict(zip([c[0] for c in answer.description or ()], row, strict=True)) for row in answer.fetchall()]


def measures(day: Day) -> list[Day]:
    named = [(metric, KIND, day[metric]) for metric in ("events", "customers", "hour")]
    named += [("mean", f"{KIND} {column}", day[column]) for column in ("amount", "quantity", "discount_amount")]
    named += [("distinct", f"{KIND} {column}", day[column]) for column in ("product_id", "place_id")]
    return [{"table_name": "silver.events", "metric": m, "dimension": d, "value": float(v)} for m, d, v in named]


def alarms(days: list[Day], change: Callable[[Day], Day], since: int = 0, every: int = 1) -> dict[date, set[str]]:
    """The checks that did not hold, by day, when that day is changed and its past is as it was."""
    past: dict[tuple[str, str, str], list[tuple[date, float]]] = {}
    found = {}
    for number, day in enumerate(days):
        if number >= since and number % every == 0:
            verdicts = judge_history(measures(change(day)), past, day["day"], (), History())
            found[day["day"]] = {v.check for v in verdicts if not v.success}
        for m in measures(day):
            past.setdefault((m["table_name"], m["metric"], m["dimension"]), []).append((day["day"], m["value"]))
    return found


def caught(days: list[Day], check: str, **times: float) -> float:
    changed = alarms(days, lambda day: {**day, **{c: float(day[c]) * by for c, by in times.items()}}, FIRST_TRIED, 5)
    return sum(check in broken for broken in changed.values()) / len(changed)


def test_of_a_year_of_real_days_few_are_warned_about_and_none_is_stopped(days: list[Day]) -> None:
    found = alarms(days, lambda day: day)
    assert not {check for broken in found.values() for check in broken if check.endswith(".gross")}
    assert sum(map(bool, found.values())) <= 0.04 * len(days)
    assert found[date(2017, 11, 22)], "the day before Thanksgiving"


def test_what_is_seeded_into_real_days_is_found(days: list[Day]) -> None:
    assert caught(days, "events.gross", events=0.05) == 1
    assert caught(days, "mean.gross", amount=100) == 1
    assert caught(days, "mean.history", amount=0.4) >= 0.99
    assert caught(days, "events.history", events=2) >= 0.95
    assert caught(days, "events.history", events=0.5) >= 0.75
