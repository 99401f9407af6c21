import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import RobustScaler
from tests.segments.definitions import HERE

from strata.project.clusterings import ClusterFeature
from strata.segments.preparation import Preparation, fit_preparation, prepare

NONE = ClusterFeature("share", "none", HERE)
LOG = ClusterFeature("spend", "log1p", HERE)
UNKNOWN = np.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_quartiles_of_one_to_five_are_two_three_four() -> None:
    preparation = fit_preparation(column(1, 2, 3, 4, 5), [NONE])
    assert (preparation.scalings[0].centre, preparation.scalings[0].scale) == (3.0, 2.0)
    assert prepare(column(1, 3, 5, 13), preparation).ravel().tolist() == [-1.0, 0.0, 1.0, 5.0]


def test_agrees_with_scikit_learn_after_a_logarithm() -> None:
    values = np.random.default_rng(3).lognormal(5, 2, size=(501, 1))
    expected = RobustScaler().fit_transform(np.log1p(values))
    assert prepare(values, fit_preparation(values, [LOG])) == pytest.approx(expected, abs=1e-8)


def test_an_unknown_value_becomes_the_median_and_does_not_move_it() -> None:
    known, with_unknown = column(1, 2, 3, 4, 5), column(1, UNKNOWN, 2, 3, np.inf, 4, 5)
    preparation = fit_preparation(with_unknown, [NONE])
    assert preparation == fit_preparation(known, [NONE])
    assert prepare(column(UNKNOWN, np.inf, -np.inf, 3), preparation).ravel().tolist() == [0, 0, 0, 0]


def test_without_quartile_range_the_standard_deviation_scales() -> None:
    preparation = fit_preparation(column(0, 0, 0, 0, 0, 0, 0, 0, 0, 10), [NONE])
    assert preparation.scalings[0].scale == 3.0
    assert prepare(column(10), preparation)[0, 0] == pytest.approx(10 / 3, abs=1e-9)


@pytest.mark.parametrize("values", [column(7, 7, 7), column(UNKNOWN, UNKNOWN), np.empty((0, 1))])
def test_constant_or_unknown_features_are_zero_for_everybody(values: np.ndarray) -> None:
    prepared = prepare(values, fit_preparation(values, [NONE]))
    assert prepared.shape == values.shape
    assert not prepared.any()


def test_a_negative_sum_mirrors_the_positive_one() -> None:
    preparation = Preparation.from_json('[{"feature": "spend", "transform": "log1p", "centre": 0.0, "scale": 1.0}]')
    negative, positive = prepare(column(-250.0, 250.0), preparation).ravel()
    assert negative == -positive == pytest.approx(-5.525452939)


@settings(deadline=None)
@given(arrays(np.float64, (7, 2), elements=st.floats(-1e9, 1e9)))
def test_json_gives_back_the_very_same_preparation(matrix: np.ndarray) -> None:
    preparation = fit_preparation(matrix, [NONE, LOG])
    assert Preparation.from_json(preparation.to_json()) == preparation
    assert np.isfinite(prepare(matrix, preparation)).all()
