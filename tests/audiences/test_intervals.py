"""Intervals against published figures, and whether they hold what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.audiences.intervals import area_under_curve, paired_difference, wilson

Z_95 = 1.959964


def test_the_interval_of_a_share_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 95 %.
    assert wilson(81, 263, Z_95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148, Z_95) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20, Z_95) == pytest.approx((0.0, 0.1611), abs=5e-5)


@pytest.mark.parametrize(
    ("table", "published"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), page 2635, method 10, 95 %.
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        # Fagerland, Lydersen, Laake, BMC Medical Research Methodology 14 (2014), airway hyper-responsiveness.
        ((1, 1, 7, 12), (-0.507, -0.026)),
    ],
)
def test_the_interval_of_a_paired_difference_is_the_published_one(
    table: tuple[int, int, int, int], published: tuple[float, float]
) -> None:
    assert paired_difference(*table, Z_95) == pytest.approx(published, abs=5e-4)


cells = st.tuples(*[st.integers(0, 60)] * 4).filter(any)


@given(cells)
def test_who_is_named_first_decides_the_sign_only(table: tuple[int, int, int, int]) -> None:
    both, one, other, neither = table
    low, high = paired_difference(both, one, other, neither)
    assert (-high, -low) == pytest.approx(paired_difference(both, other, one, neither), abs=1e-9)
    assert -1 - 1e-9 <= low <= (one - other) / sum(table) <= high <= 1 + 1e-9


def test_the_interval_of_a_paired_difference_holds_the_truth_nine_times_in_ten() -> None:
    # Found by both .2, by the look-alike only .15, by the rival only .05: the difference is .1.
    draws = np.random.default_rng(5).multinomial(150, [0.2, 0.15, 0.05, 0.6], size=2000)
    held = [low <= 0.1 <= high for low, high in (paired_difference(*map(int, draw)) for draw in draws)]
    assert 0.87 <= np.mean(held) <= 0.94


def test_the_interval_of_an_area_is_that_of_hanley_and_mc_neil() -> None:
    # Their radiology example, by ratings: .893 with 51 abnormal and 58 normal images, standard error .032.
    low, high = area_under_curve(0.893, 51, 58, z=1.0)
    assert (high - low) / 2 == pytest.approx(0.032, abs=1e-3)
    assert area_under_curve(1.0, 5, 5) == (1.0, 1.0)
    assert area_under_curve(0.02, 3, 4)[0] >= 0


def test_the_interval_of_an_area_holds_the_truth_nine_times_in_ten() -> None:
    dice = np.random.default_rng(9)
    held = []
    for _ in range(600):
        mine, others = dice.normal(1.0, 1.0, 80), dice.normal(0.0, 1.0, 400)
        area = float((mine[:, None] > others[None, :]).mean())
        low, high = area_under_curve(area, 80, 400)
        held.append(low <= 0.7602 <= high)  # Φ(1/√2)
    assert 0.86 <= np.mean(held) <= 0.95
