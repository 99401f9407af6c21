"""Contests done by hand: found within reach, over one trial and over several, and the gain on the best rival."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.audiences.contest import CENTROID, LOOKALIKE, MOST_ACTIVE, RANDOM, Contest, Trial, compete
from strata.audiences.intervals import paired_difference, wilson


def trial(truth: list[int], size: int = 20, **orders: list[int]) -> Trial:
    """Candidates 0 ... size - 1, of whom `truth` are right; a model names its best first, the others follow by id."""
    ids = np.array([f"{i:03}" for i in range(size)])
    scores = {}
    for model, first in orders.items():
        order = [*first, *(i for i in range(size) if i not in first)]
        scores[model] = np.array([-order.index(i) for i in range(size)], dtype=float)
    return Trial(ids, np.isin(np.arange(size), truth), scores)


def by_model(contests: tuple[Contest, ...]) -> dict[str, Contest]:
    return {contest.model: contest for contest in contests}


ONE = trial([3, 7, 9, 15], lookalike=[3, 7, 1, 9], most_active=[15, 2, 3, 4], centroid=[0, 1, 2, 3])


def test_found_recall_and_lift_within_reach() -> None:
    found = by_model(compete([ONE], (0.1, 0.2)))
    assert [f.found for f in found[LOOKALIKE].at] == [2, 3]
    assert [f.found for f in found[MOST_ACTIVE].at] == [1, 2]
    assert [f.found for f in found[CENTROID].at] == [0, 1]
    assert (found[LOOKALIKE].at[0].recall, found[LOOKALIKE].lift(0.1)) == (0.5, pytest.approx(5.0))
    assert [f.lift for f in found[RANDOM].at] == [1.0, 1.0]
    assert found[RANDOM].auc == 0.5


def test_the_gain_is_on_the_best_rival_and_its_interval_is_of_pairs() -> None:
    gain = by_model(compete([ONE], (0.1, 0.2)))[LOOKALIKE].found(0.2).gain
    assert gain is not None
    # Of 3, 7, 9, 15 the look-alike finds 3, 7, 9 and most active 15 and 3, among a fifth.
    low, high = paired_difference(both=1, one=2, other=1, neither=0)
    assert (gain.rival, gain.lift) == (MOST_ACTIVE, pytest.approx((3 - 2) / 4 / 0.2))
    assert (gain.low, gain.high) == pytest.approx((low / 0.2, high / 0.2))


def test_chance_is_the_best_rival_of_those_who_are_worse() -> None:
    weak = trial([3, 7, 9, 15], lookalike=[3], most_active=[0], centroid=[1])
    gain = by_model(compete([weak], (0.1,)))[LOOKALIKE].found(0.1).gain
    assert gain is not None
    assert (gain.rival, gain.lift) == (RANDOM, pytest.approx(1.5))
    assert (gain.low, gain.high) == pytest.approx(tuple(end / 0.1 - 1 for end in wilson(1, 4)))


def test_who_takes_everybody_gains_nothing_for_sure() -> None:
    gain = by_model(compete([ONE], (1.0,)))[LOOKALIKE].found(1.0).gain
    assert gain is not None
    assert (gain.lift, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_trials_are_added_up_each_with_its_own_cut() -> None:
    other = trial([1], size=11, lookalike=[1], most_active=[4], centroid=[5])
    found = by_model(compete([ONE, other], (0.1,)))[LOOKALIKE].found(0.1)
    # Two of 20 and two of 11 are taken: 4 of 31.
    assert (found.found, found.recall) == (3, 0.6)
    assert found.lift == pytest.approx(0.6 / (4 / 31))


def test_the_area_is_the_mean_over_those_to_be_found() -> None:
    other = trial([1], size=11, lookalike=[1], most_active=[4], centroid=[5])
    (one, two, both) = (by_model(compete(t, (0.1,)))[LOOKALIKE] for t in ([ONE], [other], [ONE, other]))
    assert one.auc is not None
    assert two.auc is not None
    assert both.auc == pytest.approx((4 * one.auc + two.auc) / 5)
    assert both.auc_low is not None
    assert both.auc_high is not None
    assert both.auc_low < both.auc < both.auc_high


def test_nobody_to_find_is_told_as_nothing() -> None:
    found = by_model(compete([trial([], lookalike=[1], most_active=[1], centroid=[1])], (0.1,)))
    assert {(c.auc, c.at[0].lift, c.at[0].gain) for c in found.values()} == {(None, None, None)}


@given(st.lists(st.integers(0, 29), min_size=1, max_size=29, unique=True), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_smaller_reach_is_a_beginning_of_a_greater_one(truth: list[int], one: float, two: float) -> None:
    people = trial(truth, 30, lookalike=[5, 3], most_active=[2], centroid=[1])
    found = by_model(compete([people], sorted({one, two})))[LOOKALIKE].at
    assert found[0].found <= found[-1].found
