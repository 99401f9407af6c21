"""Shares by protected features, and what is withheld of them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from strata.audiences.fairness import Cell, count_protected, fairness_rows, withheld_cells
from strata.contract.lists import audience_fairness

DAY = date(2017, 12, 31)


def cells(attribute: str, **values: tuple[int, int, int]) -> list[Cell]:
    return [Cell(attribute, value, *counts) for value, counts in values.items()]


def test_shares_are_of_each_group() -> None:
    rows = fairness_rows(cells("sex", f=(120, 100, 400), m=(80, 300, 600)), 10, "wine", DAY)
    assert [[*row] for row in rows] == [[str(c) for c in audience_fairness.columns if c != "release_id"]] * 2
    assert [(r["value"], r["members_share"], r["seed_share"], r["candidates_share"]) for r in rows] == [
        ("f", 0.6, 0.25, 0.4),
        ("m", 0.4, 0.75, 0.6),
    ]
    assert {r["is_suppressed"] for r in rows} == {False}


def test_a_small_cell_takes_the_next_smallest_with_it() -> None:
    """Of three shares that add up to 1, one that is missing is known."""
    rows = fairness_rows(cells("sex", f=(120, 100, 400), m=(70, 300, 600), unknown=(9, 50, 100)), 10, "wine", DAY)
    assert [(r["value"], r["is_suppressed"]) for r in rows] == [("f", False), ("m", True), ("unknown", True)]
    assert {rows[1][f"{group}_share"] for group in ("members", "seed", "candidates")} == {None}
    assert rows[0]["members_share"] == pytest.approx(120 / 199)


def test_who_could_be_a_member_and_is_not_may_not_be_few_either() -> None:
    rows = fairness_rows(cells("sex", f=(120, 100, 125), m=(70, 300, 600), x=(50, 50, 100)), 10, "wine", DAY)
    assert [r["is_suppressed"] for r in rows] == [True, False, True]


def test_a_group_of_nobody_has_no_share() -> None:
    rows = fairness_rows(cells("sex", f=(0, 100, 400), m=(0, 300, 600), x=(0, 0, 0)), 10, "wine", DAY)
    assert [(r["value"], r["members_share"]) for r in rows] == [("f", None), ("m", None)]


def test_every_attribute_is_closed_for_itself() -> None:
    both = [
        *cells("age", a=(4, 20, 30), b=(50, 60, 70), c=(46, 50, 90)),
        *cells("sex", f=(60, 70, 90), m=(40, 60, 100)),
    ]
    rows = fairness_rows(both, 10, "wine", DAY)
    assert {r["attribute"] for r in rows if r["is_suppressed"]} == {"age"}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8), st.integers(2, 15))
def test_what_is_withheld_cannot_be_had_by_subtraction(counts: list[tuple[int, int]], floor: int) -> None:
    hidden = withheld_cells(counts, floor)
    assert all(i in hidden for i, cell in enumerate(counts) if any(0 < n < floor for n in cell))
    for group in range(2):
        left = [counts[i][group] for i in hidden if counts[i][group]]
        everything = all(i in hidden or not any(cell) for i, cell in enumerate(counts))
        assert not left or (len(left) > 1 and sum(left) >= floor) or everything


def test_one_withheld_cell_of_a_group_is_the_sum_less_the_others() -> None:
    """The second cell hides the first among members; of the seed it has nobody, and so a third is needed."""
    assert withheld_cells([(5, 50), (6, 0), (30, 30), (40, 40)], 10) == {0, 1, 2}


def test_counting_takes_one_aggregate_and_knows_the_unknown(spark: SparkSession) -> None:
    rows = [("a", "f", 34, True), ("b", "f", 39, False), ("c", None, 40, True), ("d", "m", None, False)]
    customers = spark.createDataFrame(rows, "customer_id string, sex string, age_years bigint, is_in boolean")
    groups = {"members": F.col("is_in"), "seed": F.lit(False), "candidates": ~F.col("is_in")}
    counted = count_protected(customers, ("sex", "age_years", "no_such_feature"), groups).collect()
    assert sorted(tuple(r) for r in counted) == [
        ("age_years", "30-39", 1, 0, 1),
        ("age_years", "40-49", 1, 0, 0),
        ("age_years", "unknown", 0, 0, 1),
        ("sex", "f", 1, 0, 1),
        ("sex", "m", 0, 0, 1),
        ("sex", "unknown", 1, 0, 0),
    ]
    assert count_protected(customers, (), groups).collect() == []
