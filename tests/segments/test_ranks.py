import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from strata.segments.preparation import on_grid
from strata.segments.ranks import STEPS, pieces_of, ranks_of, steps_of

UNKNOWN = np.nan
VALUES = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e100, 1e100) | st.integers(-3, 30)).map(on_grid)


def test_two_of_four_customers_on_one_value() -> None:
    steps = steps_of(np.array([7.0, 1.0, 7.0, 9.0]))
    assert steps == ((1.0, 0.125), (7.0, 0.5), (9.0, 0.875))
    found = ranks_of(np.array([-5.0, 1.0, 4.0, 7.0, 8.0, 9.0, 1e100, UNKNOWN]), steps)
    assert found.tolist()[:-1] == [0.125, 0.125, 0.3125, 0.5, 0.6875, 0.875, 0.875]
    assert np.isnan(found[-1])


def test_a_single_value_is_in_the_middle() -> None:
    assert ranks_of(np.array([-1.0, 3.0, 8.0]), steps_of(np.array([3.0, 3.0]))).tolist() == [0.5, 0.5, 0.5]


@settings(deadline=None)
@given(st.lists(st.integers(1, STEPS).map(float), min_size=1, max_size=200))
def test_few_values_have_the_mid_ranks_of_scipy(listed: list[float]) -> None:
    values = np.array(listed)
    assert ranks_of(values, steps_of(values)) == pytest.approx((rankdata(values) - 0.5) / len(values), abs=1e-12)


@pytest.mark.parametrize(("spread", "count"), [(0.1, 5_000), (4.0, 5_000), (4.0, STEPS + 1)])
def test_twenty_steps_follow_a_heavy_tail(spread: float, count: int) -> None:
    values = np.random.default_rng(3).lognormal(5, spread, count)
    steps = steps_of(values)
    assert len(steps) == STEPS
    assert np.abs(ranks_of(values, steps) - (rankdata(values) - 0.5) / len(values)).max() < 1 / (STEPS - 1)


def test_the_smallest_amount_ranks_above_the_half_at_zero() -> None:
    values = np.concatenate([np.zeros(500), np.random.default_rng(3).lognormal(5, 2, 500)])
    found = ranks_of(np.sort(values)[[0, 499, 500, 999]], steps_of(values))
    assert found == pytest.approx([0.25, 0.25, 0.5005, 0.9995], abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(-(10**15), 10**15).map(lambda n: n / 1e3), min_size=2, max_size=STEPS, unique=True))
def test_equal_shares_are_equally_far_apart(listed: list[float]) -> None:
    values = np.sort(np.array(listed))
    assert np.diff(ranks_of(values, steps_of(values))) == pytest.approx(1 / len(values), abs=1e-12)


@settings(deadline=None)
@given(VALUES, arrays(np.float64, 40, elements=st.floats(-1e100, 1e100)))
def test_ranks_rise_with_the_value_between_0_and_1(sample: np.ndarray, others: np.ndarray) -> None:
    steps = steps_of(sample)
    ends = [end for piece in pieces_of(steps)[:-1] for end in (piece.below, np.nextafter(piece.below, -np.inf))]
    found = ranks_of(np.sort(np.concatenate([sample, others, ends])), steps)
    assert np.diff(found).min() >= -1e-15
    assert found.min() >= 0
    assert found.max() <= 1
    assert len(steps) <= STEPS
