"""What lies within reach: against candidates sorted one by one, and what is told of few."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audiences.definitions import AS_OF, THEN

from strata.audiences.backtest import Backtest, Contest
from strata.audiences.curve import Scores, count_scores, curve_rows, reached
from strata.audiences.ranking import CURVE_REACHES, Found, size_at
from strata.contract.lists import audience_curve


def counted(*scores: float) -> Scores:
    """Candidates with these scores, as they are counted in Spark."""
    return count_scores(np.array(scores), len(scores))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=300), st.sampled_from([*CURVE_REACHES, 1.0]))
def test_it_is_what_sorting_all_candidates_gives(steps: list[int], reach: float) -> None:
    best = sorted((step / 40 for step in steps), reverse=True)[: size_at(reach, len(steps))]
    (at,) = reached(counted(*[step / 40 for step in steps]), [reach])
    assert (at.customers, at.lowest) == (len(best), best[-1])
    assert at.mean == pytest.approx(sum(best) / len(best), abs=1e-9)


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=300))
def test_who_reaches_farther_has_more_customers_who_are_less_alike(steps: list[int]) -> None:
    curve = reached(counted(*[round(step / 1e6, 6) for step in steps]), CURVE_REACHES)
    for nearer, farther in pairwise(curve):
        assert nearer.customers <= farther.customers
        assert nearer.lowest >= farther.lowest
        assert nearer.mean >= farther.mean
    assert all(at.lowest <= at.mean <= max(steps) / 1e6 for at in curve)


def test_of_a_sample_the_customers_are_those_of_all_candidates() -> None:
    found = count_scores(np.array([0.1, 0.9, 0.5, 0.9]), 4_000)
    assert (found.scores.tolist(), found.customers.tolist()) == ([0.9, 0.5, 0.1], [2, 1, 1])
    half, whole = reached(found, [0.5, 1.0])
    assert (half.customers, half.lowest, half.mean) == (2_000, 0.9, 0.9)
    assert (whole.customers, whole.lowest, whole.mean) == (4_000, 0.1, pytest.approx(0.6))


def tried() -> Backtest:
    """Of 500 candidates 50 joined; a tenth of the order has 20 of them."""
    at = [Found(reach, round(20 * min(reach / 0.1, 1)), reach, 10 * reach, None, None) for reach in CURVE_REACHES]
    random = [Found(reach, 0, 0.0, 0.0, None, None) for reach in CURVE_REACHES]
    return Backtest(THEN, 300, 500, 50, (Contest("random", tuple(random), None), Contest("lookalike", tuple(at), None)))


def test_what_is_expected_is_what_the_backtest_found_at_the_same_reach() -> None:
    rows = curve_rows(counted(*np.arange(2000) / 2000), tried(), 10, "wine", AS_OF)
    assert all([*row] == [str(c) for c in audience_curve.columns if c != "release_id"] for row in rows)
    assert [row["reach"] for row in rows] == [0.01, 0.02, 0.03, 0.05, 0.1, 0.2]
    assert [row["customers"] for row in rows] == [20, 40, 60, 100, 200, 400]
    tenth = rows[4]
    assert (tenth["recall"], tenth["lift"], tenth["relevance"]) == (0.1, 1.0, 20 / 50)
    assert (tenth["similarity_min"], tenth["similarity_mean"]) == (0.9, pytest.approx(0.94975))
    assert not any(row["is_suppressed"] for row in rows)


def test_what_the_backtest_does_not_say_is_not_expected_either() -> None:
    """Of 2, 4, 6 and 10 found only the last is no handful; the shares behind them would give them away."""
    rows = curve_rows(counted(*np.arange(2000) / 2000), tried(), 10, "wine", AS_OF)
    assert [row["recall"] for row in rows][:4] == [None, None, None, 0.05]
    assert {row[figure] for row in rows[:3] for figure in ("recall", "lift", "relevance")} == {None}
    assert not rows[0]["is_suppressed"]


def test_hidden_parts_of_the_seed_say_nothing_of_how_many_will_join() -> None:
    over_folds = replace(tried(), method="folds")
    tenth = curve_rows(counted(*np.arange(2000) / 2000), over_folds, 10, "wine", AS_OF)[4]
    assert (tenth["recall"], tenth["lift"], tenth["relevance"]) == (0.1, 1.0, None)


def test_without_a_backtest_nothing_is_expected() -> None:
    (*_, last) = curve_rows(counted(*np.arange(2000) / 2000), None, 10, "wine", AS_OF)
    assert (last["customers"], last["recall"], last["lift"], last["relevance"]) == (400, None, None, None)
    assert not last["is_suppressed"]


def test_a_reach_of_few_customers_and_one_that_adds_few_are_not_told() -> None:
    rows = curve_rows(counted(*np.arange(400) / 400), tried(), 10, "wine", AS_OF)  # 4, 8, 12, 20, 40, 80 customers
    assert [row["customers"] for row in rows] == [None, None, 12, None, 40, 80], "20 are but 8 more than 12"
    hidden = [row for row in rows if row["is_suppressed"]]
    assert [row["reach"] for row in hidden] == [0.01, 0.02, 0.05]
    figures = ("customers", "similarity_min", "similarity_mean", "recall", "lift", "relevance")
    assert all(row[figure] is None for row in hidden for figure in figures)
