"""Which months a window may take whole, held against counting days."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.features.worlds import plan_of

from strata.features.months import last_of, month_measures, whole_months
from strata.features.tiles import TilePlan

WINDOWED = """
- {name: spend_28d, kind: sum, of: amount, days: 28}
- {name: spend_84d_before, kind: sum, of: amount, days: 84, offset: 84}
- {name: events_364d, kind: count, days: 364}
"""
FOLLOWED = "- {name: b, kind: sequence, first: \"channel = 'a'\", then: \"channel = 'b'\", within: 7, days: 28}\n"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TilePlan:
    return plan_of(tmp_path_factory.mktemp("months"), WINDOWED)


def windows_with(day: date, as_of: date) -> set[tuple[int, int]]:
    """The windows that hold a day; the whole history, by which the base is known, is one of them."""
    age = (as_of - day).days
    held = {(days, offset) for days, offset in ((28, 0), (84, 84), (364, 0)) if offset <= age < offset + days}
    return held | ({(0, 0)} if age >= 0 else set())


@given(as_ofs=st.lists(st.dates(date(2023, 1, 1), date(2025, 12, 31)), min_size=1, max_size=3, unique=True))
def test_a_month_is_whole_where_all_its_days_are_in_the_same_windows(plan: TilePlan, as_ofs: list[date]) -> None:
    first = date(2022, 6, 10)
    found = set(whole_months(plan, sorted(as_ofs), first))
    month = first.replace(day=1)
    while month <= max(as_ofs):
        days = [month + timedelta(days=n) for n in range((last_of(month) - month).days + 1)]
        alike = all(len({frozenset(windows_with(day, as_of)) for day in days}) == 1 for as_of in as_ofs)
        assert (month in found) == alike, month
        month = last_of(month) + timedelta(days=1)
    assert all(month <= max(as_ofs) for month in found)


def test_what_follows_something_is_told_by_days(plan: TilePlan, tmp_path: Path) -> None:
    assert month_measures(plan)
    assert month_measures(plan_of(tmp_path, WINDOWED + FOLLOWED)) == ()
