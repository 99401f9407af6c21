import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segments.definitions import score

from strata.segments.scores import score_of

RECENCY = score("r", "days_since_last_purchase", [7, 14, 28, 84], "low")
SPEND = score("m", "spend_182d", [50, 200, 600, 1500], "high")


@pytest.mark.parametrize(("days", "expected"), [(0, 5), (7, 5), (8, 4), (14, 4), (15, 3), (28, 3), (84, 2), (85, 1)])
def test_few_days_since_score_high_and_a_day_on_the_cut_still_counts(days: int, expected: int) -> None:
    assert score_of(days, RECENCY) == expected


@pytest.mark.parametrize(
    ("spend", "expected"), [(0, 1), (49.99, 1), (50, 2), (199.99, 2), (200, 3), (600, 4), (1499.99, 4), (1500, 5)]
)
def test_much_spend_scores_high_and_reaching_the_cut_is_enough(spend: float, expected: int) -> None:
    assert score_of(spend, SPEND) == expected


def test_an_unknown_value_has_no_score() -> None:
    assert score_of(None, RECENCY) is None
    assert score_of(None, SPEND) is None


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_better_value_never_scores_lower(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert score_of(low, RECENCY) >= score_of(high, RECENCY)
    assert score_of(low, SPEND) <= score_of(high, SPEND)
    assert {score_of(a, RECENCY), score_of(a, SPEND)} <= set(range(1, SPEND.best + 1))
