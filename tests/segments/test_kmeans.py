"""K-means of weighted points: known answers, weights as repetitions, one order of centres."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris

from strata.segments.kmeans import Points, inertia, many_starts, nearest, settle, sizes

IRIS = Points(load_iris().data, np.ones(150))


@pytest.mark.parametrize(("clusters", "known"), [(2, 152.347952), (3, 78.851441), (4, 57.228473)])
def test_iris_has_the_published_inertia(clusters: int, known: float) -> None:
    assert inertia(IRIS, many_starts(IRIS, clusters, 17, 10)) == pytest.approx(known, abs=1e-6)


def test_centres_are_the_means_of_their_members_largest_first() -> None:
    centres = many_starts(IRIS, 3, 17, 10)
    labels = nearest(IRIS.at, centres)
    for cluster, centre in enumerate(centres):
        assert centre == pytest.approx(IRIS.at[labels == cluster].mean(axis=0), abs=1e-9)
    assert sizes(IRIS, centres).tolist() == [62, 50, 38]


def test_of_equally_large_clusters_that_with_lower_coordinates_is_first() -> None:
    points = Points(np.array([[5.0, 1.0], [5.0, 0.0], [-5.0, 0.0]]), np.ones(3))
    assert settle(points, points.at).tolist() == [[-5, 0], [5, 0], [5, 1]]


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 4)), min_size=4, max_size=30),
    st.integers(1, 4),
)
@settings(deadline=None)
def test_a_weight_is_as_many_customers_at_one_point(rows: list[tuple[int, int, int]], clusters: int) -> None:
    at, weights = np.array(rows, dtype=float)[:, :2], np.array(rows, dtype=float)[:, 2]
    repeated = Points(np.repeat(at, weights.astype(int), axis=0), np.ones(int(weights.sum())))
    weighted, start = Points(at, weights), at[:clusters]
    centres = settle(weighted, start)
    assert centres == pytest.approx(settle(repeated, start), abs=1e-9)
    assert inertia(weighted, centres) == pytest.approx(inertia(repeated, centres), abs=1e-5)
    assert sizes(weighted, centres).sum() == weights.sum()
    assert (np.diff(sizes(weighted, centres)) <= 0).all()


def test_settling_reaches_what_scikit_learn_reaches_and_stays_there() -> None:
    rough = IRIS.at[[0, 60, 120]]
    centres = settle(IRIS, rough)
    theirs = KMeans(3, init=rough, n_init=1, tol=0).fit(IRIS.at).cluster_centers_
    assert np.sort(centres, axis=0) == pytest.approx(np.sort(theirs, axis=0), abs=1e-9)
    assert (settle(IRIS, centres) == centres).all()


def test_centres_that_coincide_are_one() -> None:
    points = Points(np.array([[0.0], [0.0], [1.0]]), np.ones(3))
    assert settle(points, np.array([[0.0], [0.0], [1.0]])).tolist() == [[0.0], [1.0]]


def test_a_centre_of_nobody_stays_where_it_is() -> None:
    points = Points(np.array([[0.0], [1.0]]), np.ones(2))
    assert settle(points, np.array([[0.5], [99.0]])).tolist() == [[0.5], [99.0]]
