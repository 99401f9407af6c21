"""Evidence for a number of clusters, against scikit-learn's figures and the published ones of Iris."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import calinski_harabasz_score, silhouette_score

from strata.segments import evidence as module
from strata.segments.evidence import calinski_harabasz, measure, silhouettes, stability
from strata.segments.kmeans import Points, inertia, many_starts, nearest

AT = load_iris().data
IRIS = Points(AT, np.ones(150))
FOUND = {clusters: many_starts(IRIS, clusters, 17, 10) for clusters in (2, 3, 4, 5)}
LABELS = {clusters: nearest(AT, centres) for clusters, centres in FOUND.items()}


def test_iris_has_the_published_figures() -> None:
    two, three, four, five = measure(IRIS, AT, FOUND, 100, 17)
    assert [e.inertia for e in (two, three, four)] == pytest.approx([152.348, 78.8514, 57.2285], abs=1e-4)
    assert (three.calinski_harabasz, three.smallest) == (pytest.approx(561.6, abs=0.05), 38)
    assert max((two, three, four, five), key=lambda e: e.calinski_harabasz or 0) is three
    assert three.jaccards == pytest.approx((0.93, 1.0, 0.92), abs=0.05), "those of fpc::clusterboot"
    assert min(three.jaccards) >= 0.85
    assert min(five.jaccards) < 0.85
    assert {e.draws for e in (two, three, four, five)} == {100}


def test_silhouettes_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = np.where(np.arange(150) == 7, 4, LABELS[3])  # one point in a cluster, and one cluster without a point
    labels = {**LABELS, 6: alone}
    known = {clusters: pytest.approx(silhouette_score(AT, of), abs=1e-6) for clusters, of in labels.items()}
    assert silhouettes(AT, labels) == known
    monkeypatch.setattr(module, "MEMORY_MIB", 0.01)
    assert silhouettes(AT, labels) == known, "also row by row"


def test_a_silhouette_needs_two_clusters_and_survives_points_that_coincide() -> None:
    assert silhouettes(AT, {2: np.zeros(150, dtype=np.intp)}) == {2: None}
    assert silhouettes(np.zeros((4, 2)), {2: np.array([0, 0, 1, 1])}) == {2: 0.0}


def test_calinski_harabasz_is_that_of_scikit_learn_and_a_weight_is_so_many_customers() -> None:
    for clusters, centres in FOUND.items():
        known = pytest.approx(calinski_harabasz_score(AT, LABELS[clusters]), abs=1e-4)
        assert calinski_harabasz(IRIS, clusters, inertia(IRIS, centres)) == known
    weights = np.arange(150) % 3 + 1.0
    weighted = Points(AT, weights)
    centres, rows = many_starts(weighted, 3, 17, 10), np.repeat(AT, weights.astype(int), axis=0)
    known = pytest.approx(calinski_harabasz_score(rows, nearest(rows, centres)), abs=1e-4)
    assert calinski_harabasz(weighted, 3, inertia(weighted, centres)) == known


def test_calinski_harabasz_says_nothing_where_it_is_not_defined() -> None:
    assert calinski_harabasz(IRIS, 1, 1.0) is None
    assert calinski_harabasz(IRIS, 3, 0.0) is None
    assert calinski_harabasz(Points(AT[:3], np.ones(3)), 3, 1.0) is None


def blobs(*sizes: int) -> tuple[np.ndarray, np.ndarray]:
    """Far round heaps of these sizes, and the heap of each point."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(3).normal(size=(len(of), 2)) + 50.0 * of[:, None], of


def test_heaps_that_are_apart_come_back_whole_and_halves_of_a_heap_do_not() -> None:
    at, heap = blobs(200, 100)
    halves = np.where(heap == 0, 2 * (at[:, 0] * at[:, 1] > 0), 1)  # a checkerboard, which no k-means finds
    found = stability(at, {2: heap, 3: halves.astype(np.intp)}, 20, 17)
    assert found[2] == (1.0, 1.0)
    assert max(found[3][0], found[3][2]) < 0.75
    assert found[3][1] > 0.9


def test_jaccard_is_common_points_by_points_of_either_among_those_drawn() -> None:
    at, heap = blobs(30, 30)
    wrong = heap.copy()
    wrong[:10] = 1  # ten of the first heap are said to be of the second
    drawn = np.unique(np.random.default_rng((17, 0)).integers(60, size=60))
    moved, first, second = ((drawn < 10).sum(), (drawn < 30).sum(), (drawn >= 30).sum())
    expected = (round((first - moved) / first, 6), round(second / (second + moved), 6))
    assert stability(at, {2: wrong}, 1, 17)[2] == expected


def test_more_draws_begin_with_the_fewer_and_another_seed_gives_others() -> None:
    one, two = (np.array(stability(AT, {3: LABELS[3]}, draws, 17)[3]) for draws in (1, 2))
    other = np.array(stability(AT, {3: LABELS[3]}, 1, 18)[3])
    assert not (one == two).all()
    assert not (one == other).all()
    assert ((two * 2 - one >= 0) & (two * 2 - one <= 1.000002)).all()


def test_a_cluster_of_which_nobody_is_in_the_sample_does_not_come_back() -> None:
    at, heap = blobs(30, 30)
    assert stability(at, {3: heap}, 5, 17)[3][2] == 0.0


@pytest.mark.parametrize("distinct", [2, 3])
def test_as_many_clusters_as_distinct_points_need_no_k_means(distinct: int) -> None:
    at = np.arange(60).reshape(-1, 1) % distinct * 1.0
    assert stability(at, {3: at[:, 0].astype(np.intp)}, 5, 17)[3][:distinct] == (1.0,) * distinct
