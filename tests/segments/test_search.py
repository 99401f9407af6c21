"""The search on the driver: known and planted numbers of clusters, declared ones, and customers that do not fit."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from tests.segments.definitions import clustering

from strata.errors import InputError
from strata.project.models import Segmentation
from strata.segments import search as module
from strata.segments.kmeans import Points
from strata.segments.search import Search, search

AT = load_iris().data


def asking(first: int, last: int, smallest: int = 10) -> Segmentation:
    return replace(clustering({"x": "none"}, clusters=None), search=(first, last), smallest=smallest)


def declaring(clusters: int, smallest: int = 10) -> Segmentation:
    return replace(clustering({"x": "none"}, clusters=clusters), smallest=smallest)


def found_in(at: np.ndarray, segmentation: Segmentation) -> Search:
    return search(Points(at, np.ones(len(at))), at, len(at), segmentation)


def planted(clusters: int, dimensions: int, noise: float, customers: int = 1500) -> np.ndarray:
    """Round heaps at the corners of a simplex, 8 standard deviations from each other, and evenly strewn others."""
    random = np.random.default_rng(clusters)
    corners = np.eye(max(clusters, dimensions))[:clusters, :dimensions] * 8 / np.sqrt(2)
    at = corners[random.integers(clusters, size=customers)] + random.normal(size=(customers, dimensions))
    strewn = random.random(customers) < noise
    at[strewn] = random.uniform(-4, 10, size=(strewn.sum(), dimensions))
    return at


@pytest.fixture(scope="module")
def iris() -> Search:
    return found_in(AT, asking(2, 8))


def test_iris_has_three(iris: Search) -> None:
    assert (iris.taken.clusters, len(iris.centres)) == (3, 3)
    assert [e.clusters for e in iris.evidence] == [2, 3, 4, 5, 6, 7, 8]
    assert iris.taken in iris.evidence
    assert sorted(e.draws for e in iris.evidence) == [20, 20, 20, 20, 100, 100, 100]
    assert iris.reason.startswith("k = 3 is the largest of 2 to 8")


@pytest.mark.parametrize(("clusters", "dimensions", "noise"), [(8, 16, 0.0), (4, 4, 0.05)])
def test_planted_heaps_are_found(clusters: int, dimensions: int, noise: float) -> None:
    assert found_in(planted(clusters, dimensions, noise), asking(2, 12)).taken.clusters == clusters


def test_a_declared_number_is_taken_and_measured_with_its_neighbours() -> None:
    found = found_in(AT, declaring(5))
    assert (found.taken.clusters, len(found.centres), found.taken.draws) == (5, 5, 100)
    assert [(e.clusters, e.draws) for e in found.evidence] == [(4, 20), (5, 100), (6, 20)]
    assert found.reason.startswith("k = 5 is declared")


def test_a_declared_number_is_taken_although_a_cluster_is_too_small() -> None:
    far = np.vstack([AT, [[99.0, 99, 99, 99]]])
    found = found_in(far, declaring(2))
    assert found.taken.smallest == 1
    assert "asks for 10 customers in the smallest cluster" in found.reason


def test_one_cluster_is_everybody() -> None:
    found = found_in(AT, declaring(1))
    assert found.centres[0] == pytest.approx(AT.mean(axis=0), abs=1e-9)
    assert (found.taken.jaccards, found.taken.silhouette, found.taken.calinski_harabasz) == ((1.0,), None, None)


def test_numbers_that_customers_do_not_suffice_for_are_not_looked_at() -> None:
    assert [e.clusters for e in found_in(AT, asking(2, 15, smallest=30)).evidence] == [2, 3, 4, 5]
    at = np.repeat(np.arange(3.0), 50)[:, None]
    found = found_in(at, asking(2, 15))
    assert [e.clusters for e in found.evidence] == [2, 3]
    assert (found.taken.clusters, found.taken.inertia) == (3, 0.0)


def test_other_centres_bring_their_own_evidence(iris: Search) -> None:
    others = iris.replaced(AT[[0, 1, 2]])
    assert others.taken.inertia > iris.taken.inertia
    assert others.taken in others.evidence
    assert len(others.evidence) == len(iris.evidence)
    assert iris.taken not in others.evidence


@pytest.mark.parametrize(("segmentation", "at", "said", "next_step"), [
    (declaring(4, 1), np.array([[1.0], [1], [2], [3]]), "style asks for 4 clusters, but its 4 customers lie on 3 "
     "distinct points", "declare fewer clusters"),
    (asking(3, 9, 1), np.array([[1.0], [1], [2]]), "style asks for 3 to 9 clusters, but its 3 customers lie on 2 ",
     "tell more customers apart"),
    (declaring(2), np.ones((99, 3)), "on 1 distinct point: every feature is constant", "tell more customers apart"),
    (declaring(2), np.ones((99, 0)), "on 1 distinct point: every feature is constant", "tell more customers apart"),
    (declaring(4, 50), AT, "style asks for 4 clusters of at least 50 customers: expected 4 x 50 = 200 customers, "
     "found 150", "widen the base"),
])  # fmt: skip
def test_customers_that_do_not_suffice_are_refused(
    segmentation: Segmentation, at: np.ndarray, said: str, next_step: str
) -> None:
    with pytest.raises(InputError, match=r"^test.yml:1:1: segmentation style") as refused:
        found_in(at, segmentation)
    assert said in str(refused.value)
    assert next_step in str(refused.value)


def test_where_every_number_has_too_small_a_cluster_the_figures_are_said() -> None:
    at = np.vstack([np.zeros((30, 2)), [[99, 0], [0, 99], [-99, 5]]]) + np.arange(66).reshape(33, 2) / 1000
    with pytest.raises(InputError, match="style asks for clusters of at least 10 customers, but found") as refused:
        found_in(at, asking(2, 3))
    assert "k = 2: silhouette" in str(refused.value)
    assert "k = 3: silhouette" in str(refused.value)
    assert str(refused.value).count("smallest cluster 1 customers") == 2
    assert "declare a lower `smallest`" in str(refused.value)


def test_centres_that_k_means_does_not_tell_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "many_starts", lambda *_, **__: AT[:2])
    with pytest.raises(InputError, match="style asks for 3 clusters, but k-means tells only 2 apart"):
        found_in(AT, declaring(3))


def test_only_so_many_customers_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 120)
    assert len(found_in(AT, declaring(2)).sample) == 120
