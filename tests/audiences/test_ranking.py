"""AUC against scikit-learn, intervals against statsmodels' published figures, lift against a table done by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from strata.audiences.intervals import wilson
from strata.audiences.ranking import Found, auc, best_first, expected_at_random, found_of, size_at


def found_within(reach: float, truth_in_order: np.ndarray) -> Found:
    taken = size_at(reach, len(truth_in_order))
    found, joiners = int(truth_in_order[:taken].sum()), int(truth_in_order.sum())
    return found_of(reach, found, joiners, taken / len(truth_in_order))


scored = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=60)


@given(scored)
def test_auc_is_that_of_scikit_learn_with_ties_counting_half(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], dtype=float)
    truth = np.array([true for _, true in rows])
    if truth.all() or not truth.any():
        assert auc(scores, truth) is None
    else:
        assert auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)


def test_lift_and_recall_are_those_of_a_table_done_by_hand() -> None:
    # 20 candidates, 5 joiners at places 1, 2, 4, 11 and 20.
    order = np.array([place in {1, 2, 4, 11, 20} for place in range(1, 21)])
    tenth, fifth = found_within(0.10, order), found_within(0.20, order)
    assert (tenth.found, tenth.recall, tenth.lift) == (2, 0.4, pytest.approx(4.0))
    assert (fifth.found, fifth.recall, fifth.lift) == (3, 0.6, pytest.approx(3.0))
    assert found_within(1.0, order).lift == pytest.approx(1.0)


def test_nobody_to_find_has_no_lift() -> None:
    found = found_within(0.1, np.zeros(20, dtype=bool))
    assert (found.found, found.recall, found.lift, found.low, found.high) == (0, None, None, None, None)


def test_the_interval_of_lift_covers_the_true_lift_nine_times_in_ten() -> None:
    # 150 joiners, each among the first tenth with probability .25: true lift 2.5.
    draws = np.random.default_rng(5).binomial(150, 0.25, size=2000)
    covered = [low / 0.1 <= 2.5 <= high / 0.1 for low, high in (wilson(int(found), 150) for found in draws)]
    assert 0.87 <= np.mean(covered) <= 0.93


def test_chance_finds_its_share_and_has_lift_one() -> None:
    found = expected_at_random(0.1, 97, 0.1)
    assert (found.found, found.recall, found.lift, found.low) == (10, 0.1, 1.0, None)


def test_a_share_is_rounded_up_but_not_because_of_binary_fractions() -> None:
    assert [size_at(0.07, 100), size_at(0.1, 2107), size_at(0.1, 3), size_at(0.1, 0), size_at(1.0, 7)] == [
        7, 211, 1, 0, 7,
    ]  # fmt: skip


def test_equal_scores_are_ordered_by_id() -> None:
    order = best_first(np.array([0.5, 0.9, 0.5, 0.9]), np.array(["d", "c", "b", "a"]))
    assert order.tolist() == [3, 1, 2, 0]
