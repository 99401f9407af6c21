from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from strata.project.clusterings import Refit
from strata.segments.drift import Drift, measure_drift, reference_of, stability_index, why_refit
from strata.segments.model import Reference
from strata.segments.preparation import on_grid

LIMITS = Refit(every_days=90, psi=0.25, misfits=0.1)
IQR = 2 * norm.ppf(0.75)
SIX_DEVIATIONS = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])


def customers(count: int, seed: int, centres: np.ndarray = SIX_DEVIATIONS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return on_grid(centres[rng.integers(0, len(centres), count)] + rng.normal(size=(count, centres.shape[1])))


def of_one_dimension(then: np.ndarray, now: np.ndarray) -> Drift:
    centre = np.zeros((1, 1))
    return measure_drift(now[:, None], centre, reference_of(then[:, None], centre, ["spend_84d"]))


def test_the_index_of_three_bins_by_hand() -> None:
    # -.1 ln(.2/.3) + 0 + .1 ln(.3/.2) = .2 ln 1.5
    assert stability_index((0.3, 0.5, 0.2), (0.2, 0.5, 0.3)) == pytest.approx(0.2 * np.log(1.5), abs=1e-6) == 0.081093
    assert stability_index((0.25, 0.75), (0.25, 0.75)) == 0


def test_an_empty_bin_is_taken_as_one_in_ten_thousand() -> None:
    assert stability_index((0.5, 0.5), (0.0, 1.0)) == pytest.approx(0.4999 * np.log(5000) + 0.5 * np.log(2), abs=1e-6)


def test_the_index_of_zeros_and_ones_by_hand() -> None:
    then, now = np.repeat([0.0, 1.0], [80, 20]), np.repeat([0.0, 1.0], [60, 40])
    expected = 0.2 * np.log(0.8 / 0.6) + 0.2 * np.log(0.4 / 0.2)
    assert of_one_dimension(then, now).psi["spend_84d"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("shift", "expected", "passes"), [(0.5, 0.4296, True), (0.25, 0.1092, False)])
def test_half_an_interquartile_range_passes_a_quarter_of_one_does_not(
    shift: float, expected: float, passes: bool
) -> None:
    ends = norm.ppf(np.arange(1, 10) / 10)
    shares = np.diff(norm.cdf(ends, loc=shift * IQR), prepend=0, append=1)
    assert stability_index((0.1,) * 10, shares) == pytest.approx(expected, abs=0.001)
    then, now = (norm.ppf((np.arange(20_000) + 0.5) / 20_000, loc=at) for at in (0, shift * IQR))
    drift = of_one_dimension(then, now)
    assert drift.psi["spend_84d"] == pytest.approx(expected, abs=0.002)
    assert (drift.reason(Refit(misfits=1.0)) is not None) == passes


def test_deciles_and_a_bin_of_its_own_for_a_value_that_many_share() -> None:
    points = np.arange(1, 101, dtype=float)[:, None]
    (bins,) = reference_of(points, np.zeros((1, 1)), ["x"]).bins
    assert bins.breakpoints == (10, 20, 30, 40, 50, 60, 70, 80, 90)
    assert bins.shares == pytest.approx((0.1,) * 10)
    points[39:70] = 40
    (bins,) = reference_of(points, np.zeros((1, 1)), ["x"]).bins
    assert bins.breakpoints == (10, 20, 30, np.nextafter(40, 0), 40, 80, 90)
    assert bins.shares == pytest.approx((0.1, 0.1, 0.1, 0.09, 0.31, 0.1, 0.1, 0.1))


def test_of_few_values_each_has_its_bin_and_a_constant_never_drifts() -> None:
    values = np.repeat([[0.0, 7.0], [1.0, 7.0], [2.0, 7.0]], [96, 2, 2], axis=0)
    reference = reference_of(values, np.zeros((1, 2)), ["few", "constant"])
    few, constant = reference.bins
    assert (few.breakpoints, few.shares) == ((0.0, 1.0), (0.96, 0.02, 0.02))
    assert (constant.breakpoints, constant.shares) == ((), (1.0,))
    drift = measure_drift(values + 1, np.zeros((1, 2)), reference)
    assert (drift.psi["constant"], drift.chance["constant"]) == (0, 0)


@pytest.mark.parametrize("share", [0.5, 0.97])
@pytest.mark.parametrize(("shared", "its_bin"), [(0.0, 0), (3.0, -1)])
def test_a_value_that_most_share_has_a_bin_at_either_end(share: float, shared: float, its_bin: int) -> None:
    others = np.linspace(1, 2, 1000 - int(1000 * share))
    values = np.concatenate([np.full(1000 - len(others), shared), others])
    (bins,) = reference_of(values[:, None], np.zeros((1, 1)), ["x"]).bins
    assert bins.shares[its_bin] == share
    left = np.where((values == shared) & (np.arange(1000) % 2 == 0), 1.5, values)
    assert of_one_dimension(values, left).psi["spend_84d"] > 0.25


def test_equal_samples_do_not_drift_and_one_in_a_hundred_fits_badly() -> None:
    points = customers(3000, seed=1)
    drift = measure_drift(points, SIX_DEVIATIONS, reference_of(points, SIX_DEVIATIONS, ["x", "y"]))
    assert drift.psi == {"x": 0, "y": 0}
    assert 0.008 < drift.misfits <= 0.01
    assert drift.reason(LIMITS) is None


@pytest.mark.parametrize(("then", "now", "times"), [(20_000, 20_000, 10), (20_000, 300, 100), (300, 300, 200)])
def test_fresh_customers_of_the_same_kind_give_no_alarm(then: int, now: int, times: int) -> None:
    found = []
    for seed in range(times):
        reference = reference_of(customers(then, 2 * seed), SIX_DEVIATIONS, ["x", "y"])
        found.append(measure_drift(customers(now, 2 * seed + 1), SIX_DEVIATIONS, reference))
    assert [drift.reason(LIMITS) for drift in found] == [None] * times
    assert np.mean([drift.misfits for drift in found]) < 0.025


@pytest.mark.parametrize("now", [20, 40, 60])
def test_a_few_customers_pass_the_limit_by_chance_and_give_no_alarm(now: int) -> None:
    limits = Refit(psi=0.25, misfits=1.0)
    drifts = []
    for seed in range(0, 200, 2):
        reference = reference_of(customers(5000, seed), SIX_DEVIATIONS, ["x", "y"])
        drifts.append(measure_drift(customers(now, seed + 1), SIX_DEVIATIONS, reference))
    assert sum(max(drift.psi.values()) > limits.psi for drift in drifts) > 20
    assert sum(drift.reason(limits) is not None for drift in drifts) <= 1


def test_forty_customers_who_have_all_changed_do_give_one() -> None:
    reference = reference_of(customers(5000, seed=1), SIX_DEVIATIONS, ["x", "y"])
    moved = measure_drift(
        customers(40, seed=2, centres=SIX_DEVIATIONS + np.array([3.0, 0.0])), SIX_DEVIATIONS, reference
    )
    assert (moved.reason(LIMITS) or "").startswith("psi of x ")


def test_a_group_of_new_behaviour_fits_badly_though_no_dimension_drifts() -> None:
    reference = reference_of(customers(5000, seed=1), SIX_DEVIATIONS, ["x", "y"])
    newcomers = customers(800, seed=2, centres=np.array([[6.0, 6.0]]))
    drift = measure_drift(np.vstack([customers(4200, seed=3), newcomers]), SIX_DEVIATIONS, reference)
    assert drift.reason(LIMITS) == "16.6 % fit badly, above 10 %"


def test_a_cluster_is_measured_by_its_own_width() -> None:
    centres = np.array([[0.0], [100.0], [1000.0]])
    points = np.concatenate([np.linspace(-1, 1, 201), np.linspace(90, 110, 201)])[:, None]
    reference = reference_of(points, centres, ["x"])
    assert reference.far[:2] == pytest.approx((0.99**2, 9.9**2), abs=1e-6)
    assert reference.far == tuple(on_grid(np.array(reference.far))), "the same on every processor"
    assert reference.far[2] == pytest.approx(9.8**2, abs=1), "nobody's own: of all customers"
    assert measure_drift(np.array([[5.0], [105.0]] * 100), centres, reference).misfits == 0.5


def test_members_who_all_lie_at_one_distance_fit() -> None:
    points = np.repeat([[0.1], [0.3]], 100, axis=0)
    centres = np.array([[0.2]])
    assert measure_drift(points, centres, reference_of(points, centres, ["x"])).misfits == 0


def test_a_reason_names_the_worst_dimension_and_both_limits() -> None:
    drift = Drift(
        {"spend_84d": 0.314, "days": 0.26, "own": 0.1}, dict.fromkeys(("spend_84d", "days", "own"), 0.0), 0.124
    )
    assert drift.reason(LIMITS) == "psi of spend_84d 0.31 above 0.25 (and of 1 more); 12.4 % fit badly, above 10 %"
    assert drift.reason(Refit(psi=0.3, misfits=0.2)) == "psi of spend_84d 0.31 above 0.3"
    assert drift.reason(Refit(psi=0.314, misfits=0.124)) is None


@pytest.mark.parametrize(("then", "now", "tells"), [(199, 500, False), (500, 199, False), (200, 200, True)])
def test_few_customers_do_not_tell_who_fits_badly(then: int, now: int, tells: bool) -> None:
    reference = reference_of(customers(then, seed=1), SIX_DEVIATIONS, ["x", "y"])
    drift = measure_drift(customers(now, seed=2), SIX_DEVIATIONS, reference)
    assert (drift.misfits is not None) == tells
    assert ("too few to tell" in drift.in_words) != tells


def test_nobody_does_not_drift() -> None:
    reference = reference_of(customers(100, seed=1), SIX_DEVIATIONS, ["x", "y"])
    nobody = measure_drift(np.empty((0, 2)), SIX_DEVIATIONS, reference)
    assert (dict(nobody.psi), nobody.misfits, nobody.reason(LIMITS)) == ({"x": 0, "y": 0}, None, None)


FITTED, DRIFTED = date(2017, 9, 30), Drift({"x": 0.3}, {"x": 0.0}, 0.0)


def test_why_a_run_fits_again() -> None:
    december = {"as_of_date": date(2017, 12, 29), "fitted_on": FITTED}
    assert why_refit(LIMITS, as_of_date=FITTED, fitted_on=None) == "no released model"
    assert why_refit(LIMITS, **december, requested=True, drift=DRIFTED) == "requested"
    assert why_refit(LIMITS, **december) == "fitted 90 days ago, every 90 days declared"
    assert why_refit(Refit(every_days=91), **december) is None
    assert why_refit(Refit(), **december, drift=DRIFTED) == "psi of x 0.30 above 0.25"
    assert why_refit(Refit(psi=0.3), **december, drift=DRIFTED) is None
    assert why_refit(LIMITS, as_of_date=date(2017, 6, 30), fitted_on=FITTED) is None, (
        "a date before the fit is not late"
    )


matrices = arrays(
    np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 2))
)


@settings(deadline=None)
@given(matrices, matrices)
def test_a_reference_is_small_survives_json_and_drift_is_a_number(then: np.ndarray, now: np.ndarray) -> None:
    reference = reference_of(then, now[:3], ["x", "y"])
    assert Reference.from_json(reference.to_json()) == reference
    for bins in reference.bins:
        assert len(bins.breakpoints) < 10
        assert len(bins.shares) == len(bins.breakpoints) + 1
        assert list(bins.breakpoints) == sorted(set(bins.breakpoints))
        assert sum(bins.shares) == pytest.approx(1)
    drift = measure_drift(now, now[:3], reference)
    assert all(0 <= psi < 100 for psi in drift.psi.values())
    assert drift.misfits is None, "of fewer than 200"
    assert set(measure_drift(then, now[:3], reference).psi.values()) == {0}
