import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import RobustScaler
from tests.segments.definitions import HERE

from strata.project.clusterings import ClusterFeature
from strata.segments.preparation import Preparation, Transform, prepare
from strata.segments.preparing import count_not_finite, fit_preparation

NONE = ClusterFeature("share", "none", HERE)
LOG = ClusterFeature("spend", "log1p", HERE)
RANK = ClusterFeature("visits", "rank", HERE)
APART = ClusterFeature("wine", "none", HERE, zeros="apart")
EVERY = [
    ClusterFeature(f"{transform}_{zeros}_{unknown}", transform, HERE, zeros=zeros, unknown=unknown)
    for transform, zeros, unknown in itertools.product(
        ("none", "log1p", "rank"), ("plain", "apart"), ("median", "zero", "apart")
    )
]
UNKNOWN = np.nan
ANY = st.floats(-1e9, 1e9) | st.integers(-2, 3).map(float) | st.sampled_from([UNKNOWN, np.inf, -np.inf, -0.0, 1e100])


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def fitted(feature: ClusterFeature, *values: float) -> tuple[Preparation, list[list[float]]]:
    """The preparation and the coordinates of each customer."""
    preparation = fit_preparation(column(*values), [feature])
    return preparation, prepare(column(*values), preparation).tolist()


def squared(points: np.ndarray) -> np.ndarray:
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


def test_quartiles_of_one_to_five_are_two_three_four() -> None:
    preparation = fit_preparation(column(1, 2, 3, 4, 5), [NONE])
    assert (preparation.dimensions[0].centre, preparation.dimensions[0].scale) == (3.0, 2.0)
    assert prepare(column(1, 3, 5, 13), preparation).ravel().tolist() == [-1.0, 0.0, 1.0, 5.0]


def test_agrees_with_scikit_learn_after_a_logarithm() -> None:
    values = np.random.default_rng(3).lognormal(5, 2, size=(501, 1))
    expected = RobustScaler().fit_transform(np.log1p(values))
    assert prepare(values, fit_preparation(values, [LOG])) == pytest.approx(expected, abs=1e-8)


def test_without_quartile_range_the_standard_deviation_scales() -> None:
    preparation = fit_preparation(column(0, 0, 0, 0, 0, 0, 0, 0, 0, 10), [NONE])
    assert preparation.dimensions[0].scale == 3.0
    assert prepare(column(10), preparation)[0, 0] == pytest.approx(10 / 3, abs=1e-9)


def test_an_unknown_value_becomes_the_median_and_does_not_move_it() -> None:
    known, with_unknown = column(1, 2, 3, 4, 5), column(1, UNKNOWN, 2, 3, np.inf, 4, 5)
    preparation = fit_preparation(with_unknown, [NONE])
    assert preparation == fit_preparation(known, [NONE])
    assert prepare(column(UNKNOWN, np.inf, -np.inf, 1e101, 3), preparation).ravel().tolist() == [0, 0, 0, 0, 0]


def test_an_unknown_value_may_be_zero() -> None:
    asked = replace(NONE, unknown="zero")
    assert fitted(asked, 1, UNKNOWN, 2, 3, UNKNOWN)[1] == fitted(NONE, 1, 0, 2, 3, 0)[1]


def test_an_unknown_value_may_be_apart_with_the_value_itself_neutral() -> None:
    preparation, points = fitted(replace(NONE, unknown="apart", weight=2), 1, 2, 3, 4, 5, UNKNOWN)
    assert [d.part for d in preparation.dimensions] == ["value", "known"]
    assert points == [[-1, 0], [-0.5, 0], [0, 0], [0.5, 0], [1, 0], [0, -1]]


def test_zeros_apart_are_has_and_how_much() -> None:
    preparation, points = fitted(replace(APART, weight=2), 0, -0.0, 0, 1, 2, 3, 4, 5, UNKNOWN)
    assert [d.part for d in preparation.dimensions] == ["has", "amount"]
    assert points == [*3 * [[-1, 0]], [0, -1], [0, -0.5], [0, 0], [0, 0.5], [0, 1], [0, 0]]


def test_unknown_as_zero_has_nothing() -> None:
    asked = replace(APART, unknown="zero", weight=2)
    assert fitted(asked, UNKNOWN, 0, 5, 7, 9)[1] == fitted(replace(APART, weight=2), 0, 0, 5, 7, 9)[1]


def test_zeros_and_unknown_apart_are_three_dimensions_of_a_third_each() -> None:
    preparation, points = fitted(replace(APART, unknown="apart", weight=3), 0, 1, 2, 3, 4, 5, UNKNOWN)
    assert [d.part for d in preparation.dimensions] == ["has", "amount", "known"]
    assert points == [[-1, 0, 0], [0, -1, 0], [0, -0.5, 0], [0, 0, 0], [0, 0.5, 0], [0, 1, 0], [0, 0, -1]]


def test_ranks_are_scaled_like_other_values() -> None:
    assert fitted(RANK, 1, 10, 100, 1000, 10_000)[1] == [[-1], [-0.5], [0], [0.5], [1]]


def test_values_all_but_equal_are_one_step_of_a_rank() -> None:
    assert fitted(RANK, 0, 5e-324, 1, 1)[1] == [[-0.5], [-0.5], [0.5], [0.5]]


@pytest.mark.parametrize("transform", ["none", "log1p", "rank"])
def test_yes_and_no_are_1_apart_whatever_tames_the_amount(transform: Transform) -> None:
    preparation, points = fitted(replace(APART, transform=transform, unknown="apart", weight=2), 0, 5, 5, UNKNOWN)
    assert [d.part for d in preparation.dimensions] == ["has", "known"]
    assert points == [[-1, 0], [0, 0], [0, 0], [0, -1]]


@pytest.mark.parametrize("feature", EVERY, ids=lambda f: f.feature)
@pytest.mark.parametrize("values", [(7, 7, 7), (0, 0), (1e10, 1e10), (UNKNOWN, np.inf), ()])
def test_constant_and_unknown_features_are_dropped_by_name(feature: ClusterFeature, values: tuple[float, ...]) -> None:
    preparation, points = fitted(feature, *values)
    assert preparation.dropped == (feature.feature,)
    assert preparation.is_empty
    assert points == [[]] * len(values)


def test_what_varies_is_kept_of_a_feature_and_of_many() -> None:
    matrix = np.column_stack([column(7, 7, 7), column(1, 2, 3), column(0, 5, 0), column(7, 7, UNKNOWN)])
    features = [NONE, LOG, APART, replace(RANK, unknown="apart")]
    preparation = fit_preparation(matrix, features)
    kept = [(d.feature, d.part, d.scale) for d in preparation.dimensions if d.feature != "spend"]
    assert kept == [("wine", "has", 1.0), ("visits", "known", 1.0)], "alone in their features, they count in full"
    assert preparation.features == ("share", "spend", "wine", "visits")
    assert preparation.dropped == ("share",)
    assert not preparation.is_empty
    alone = prepare(column(1, 2, 3), fit_preparation(column(1, 2, 3), [LOG]))
    assert prepare(matrix, preparation)[:, :1].tolist() == alone.tolist()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(EVERY),
    arrays(np.float64, (12, 1), elements=st.integers(-5, 30).map(float) | st.just(UNKNOWN)),
    st.floats(0.01, 100),
)
def test_a_weight_says_how_often_the_squared_distance_counts(
    feature: ClusterFeature, values: np.ndarray, weight: float
) -> None:
    once = prepare(values, fit_preparation(values, [feature]))
    weighted = prepare(values, fit_preparation(values, [replace(feature, weight=weight)]))
    assert squared(weighted) == pytest.approx(weight * squared(once), rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, (12, 1), elements=st.integers(0, 9).map(float) | st.just(UNKNOWN)))
def test_dimensions_of_a_split_feature_share_its_weight(values: np.ndarray) -> None:
    preparation = fit_preparation(values, [replace(APART, unknown="apart")])
    count = len(preparation.dimensions)
    full = fit_preparation(values, [replace(APART, unknown="apart", weight=count or 1)])
    for one, whole in zip(preparation.dimensions, full.dimensions, strict=True):
        assert one.scale == pytest.approx(whole.scale * count**0.5)
        assert whole.part == "amount" or whole.scale == 1.0, "yes and no are 1 apart"


@settings(deadline=None)
@given(arrays(np.float64, (9, len(EVERY)), elements=ANY))
def test_points_are_numbers_and_json_gives_back_the_very_same_preparation(matrix: np.ndarray) -> None:
    preparation = fit_preparation(matrix, EVERY)
    points = prepare(matrix, preparation)
    assert np.isfinite(points).all()
    assert (points.max(axis=0) > points.min(axis=0)).all(), "a dimension in which all are alike"
    assert Preparation.from_json(preparation.to_json()) == preparation


def test_nan_and_infinity_are_counted_and_null_is_not() -> None:
    sample = pa.table(
        {
            "spend": pa.array([1.0, UNKNOWN, None, np.inf, -np.inf, 1e101]),
            "visits": pa.array([1, 2, None, 4, 5, 6]),
            "share": pa.array([None] * 6, pa.float64()),
        }
    )
    assert count_not_finite(sample, ["spend", "visits", "share"]) == {"spend": 4}
    assert count_not_finite(sample.slice(0, 0), ["spend"]) == {}
