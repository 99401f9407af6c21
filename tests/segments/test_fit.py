"""A whole fit on Spark: everybody or a coreset, the same whatever the layout, and customers that do not suffice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from tests.segments.definitions import clustering, customer, snapshot
from tests.segments.jobs import counted_jobs

from strata.errors import InputError
from strata.project.models import Segmentation
from strata.segments import fit as module
from strata.segments import sampling
from strata.segments.fit import Fit, fit_clusters, fit_mllib
from strata.segments.kmeans import Points, inertia
from strata.segments.preparation import Matrix, prepare

AT = load_iris().data
IRIS_POINTS = Points(AT, np.ones(150))
IRIS = clustering({"a": "log1p", "b": "none", "c": "none", "d": "log1p"}, clusters=3)
IN_NOISE = replace(clustering({"x": "none", "y": "none"}, clusters=None), search=(4, 6))


def same(one: Fit, other: Fit) -> bool:
    """Whether all of two fits is equal, to the last bit."""
    names = [name for name in Fit.__slots__ if name != "sample"]
    return (
        all(getattr(one, name) == getattr(other, name) for name in names)
        and one.sample.ids == other.sample.ids
        and np.array_equal(one.sample.matrix, other.sample.matrix, equal_nan=True)
    )


@pytest.fixture(scope="module")
def iris(spark: SparkSession) -> Fit:
    return fit_clusters(snapshot(spark, dict(zip("abcd", AT.T, strict=True))), IRIS)


def test_everybody_is_fitted_on_where_there_are_few(iris: Fit) -> None:
    prepared = prepare(AT, iris.preparation)
    assert (iris.customers, iris.fitted_rows, len(iris.centres)) == (150, 150, 3)
    assert iris.inertia <= KMeans(3, n_init=20, random_state=0).fit(prepared).inertia_ * 1.0001
    assert iris.inertia == inertia(Points(prepared, np.ones(150)), np.array(iris.centres))
    assert iris.found_by in ("scikit-learn", "both")


def test_the_evidence_is_that_of_the_centres(iris: Fit) -> None:
    assert [e.clusters for e in iris.selection] == [2, 3, 4]
    assert (iris.selection[1].inertia, iris.selection[1].jaccards) == (iris.inertia, iris.jaccards)
    assert iris.reason.startswith("k = 3 is declared")


def test_the_sample_is_in_order_of_the_hash_with_values_as_they_are(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAMPLE_CUSTOMERS", 40)
    values = [None if i % 7 == 0 else float(i % 13) for i in range(100)]
    frame = snapshot(spark, {"x": pa.array(values, pa.float64()), "n": pa.array(range(100), pa.int64())})
    found = fit_clusters(frame, clustering({"x": "none", "n": "log1p"}, clusters=2)).sample
    hashed = [row.customer_id for row in sampling.sample_of(frame, [], module.SALT, 40).collect()]
    assert list(found.ids) == hashed
    numbers = [int(i, 16) for i in found.ids]
    assert found.matrix[:, 1].tolist() == numbers
    expected = [np.nan if values[i] is None else values[i] for i in numbers]
    assert np.array_equal(found.matrix[:, 0], expected, equal_nan=True)


def test_mllib_alone_comes_close(spark: SparkSession) -> None:
    by_mllib = fit_mllib(spark, IRIS_POINTS, 3, seed=17)
    assert by_mllib.shape == (3, 4)
    assert inertia(IRIS_POINTS, by_mllib) == pytest.approx(78.8514, rel=0.01)


def test_mllib_counts_a_weight_as_so_many_customers(spark: SparkSession) -> None:
    points = Points(np.array([[0.0], [1.0], [9.0]]), np.array([3.0, 1.0, 2.0]))
    assert sorted(fit_mllib(spark, points, 2, seed=17)[:, 0]) == pytest.approx([0.25, 9.0])


@pytest.mark.parametrize(("theirs", "found_by"), [(None, "MLlib"), (AT[:3], "scikit-learn"), (AT[:2], "scikit-learn")])
def test_the_better_search_wins_and_is_said(
    spark: SparkSession, iris: Fit, monkeypatch: pytest.MonkeyPatch, theirs: Matrix | None, found_by: str
) -> None:
    """MLlib wins over centres that nobody settled, and never with fewer or with worse ones."""
    from strata.segments import kmeans, search  # noqa: PLC0415

    if theirs is None:
        monkeypatch.setattr(search, "many_starts", lambda points, clusters, **_: points.at[:clusters])
    else:
        monkeypatch.setattr(kmeans, "SETTLING", 0)
        monkeypatch.setattr(module, "fit_mllib", lambda *_: theirs)
    found = fit_clusters(snapshot(spark, dict(zip("abcd", AT.T, strict=True))), IRIS)
    assert found.found_by == found_by
    assert len(found.centres) == 3
    assert iris.inertia <= found.inertia < 1.5 * iris.inertia
    assert found.selection[1].inertia == found.inertia
    assert found.selection[1].jaccards == found.jaccards
    points = Points(prepare(AT, found.preparation), np.ones(150))
    assert inertia(points, np.array(found.centres)) == found.inertia


@pytest.fixture(scope="module")
def noise(spark: SparkSession) -> DataFrame:
    """Points without clusters: what k-means finds there hangs on the order of the rows."""
    return snapshot(spark, dict(zip("xy", np.random.default_rng(1).random((2, 2000)), strict=True)))


@pytest.fixture(scope="module", params=["everybody", "coreset"])
def limits(request: pytest.FixtureRequest) -> dict[str, int]:
    """How many customers stand for all; few, so that a coreset is needed, or more than there are."""
    return {"CORESET": 3000} if request.param == "everybody" else {"CORESET": 400}


@pytest.fixture(scope="module")
def fit_of_noise(noise: DataFrame, limits: dict[str, int]) -> Fit:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(module, name, value)
        found = fit_clusters(noise, IN_NOISE)
    assert found.customers == 2000
    assert (found.fitted_rows == 2000) == (limits["CORESET"] > 2000)
    return found


@pytest.mark.parametrize("partitions", [1, 4, 7, 64])
def test_rows_shuffled_over_other_partitions_give_the_same_fit(
    spark: SparkSession, noise: DataFrame, fit_of_noise: Fit, limits: dict[str, int], partitions: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in limits.items():
        monkeypatch.setattr(module, name, value)
    table = noise.toArrow()
    mixed = spark.createDataFrame(table.take(np.random.default_rng(partitions).permutation(len(table))))
    assert same(fit_clusters(mixed.repartition(partitions), IN_NOISE), fit_of_noise)


@pytest.mark.parametrize(("stand_for_all", "expected"), [(3000, 1), (400, 3)])
def test_everybody_costs_one_job_and_a_coreset_three_beside_those_of_mllib(
    spark: SparkSession, noise: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_for_all: int,
    expected: int,
) -> None:  # fmt: skip
    """A sample; then the pass that sums, and the one that draws. As Spark counts jobs, not those of adaptive stages."""
    noise.repartition(3).write.parquet(str(tmp_path / "noise"))
    stored = spark.read.parquet(str(tmp_path / "noise"))
    monkeypatch.setattr(module, "CORESET", stand_for_all)
    monkeypatch.setattr(module, "fit_mllib", lambda _, points, clusters, __: points.at[:clusters])
    with counted_jobs(spark) as jobs:
        fit_clusters(stored, IN_NOISE)
    assert jobs == [expected]


def test_a_coreset_is_as_good_as_everybody(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    rows = random.normal(size=(8000, 3)) + 6 * np.eye(3)[random.integers(3, size=8000)]
    rows[:16] += 200  # one in 500 far away
    frame, style = snapshot(spark, dict(zip("xyz", rows.T, strict=True))), clustering(dict.fromkeys("xyz", "none"), 4)
    monkeypatch.setattr(module, "CORESET", 1000)
    found = fit_clusters(frame, style)
    assert found.customers == 8000
    assert 500 < found.fitted_rows < 1100, "half of the chances are by distance, and the far ones need few of these"
    everybody = Points(prepare(rows, found.preparation), np.ones(8000))
    best = KMeans(4, n_init=20, random_state=0).fit(everybody.at).inertia_
    assert inertia(everybody, np.array(found.centres)) <= best * 1.02
    assert found.inertia == pytest.approx(best, rel=0.1)
    assert found.selection[1].smallest == 16


@pytest.mark.parametrize(("columns", "clusters", "said"), [
    ({"a": [1.0, 1.0, 2.0, 2.0, 3.0, None]}, 4, "4 clusters, but its 6 customers lie on 3 distinct points"),
    ({"a": [5.0] * 30}, 2, "has features in which all customers are alike: a"),
    ({"a": [None] * 30}, 2, "has features in which all customers are alike: a"),
    ({"a": list(range(30))}, 4, "4 clusters of at least 10 customers: expected 4 x 10 = 40 customers, found 30"),
])  # fmt: skip
def test_customers_that_do_not_suffice_are_refused(
    spark: SparkSession, columns: dict[str, Sequence[Any]], clusters: int, said: str
) -> None:
    frame = snapshot(spark, {name: pa.array(values, pa.float64()) for name, values in columns.items()})
    with pytest.raises(InputError, match=r"^test.yml:1:1: segmentation style") as refused:
        fit_clusters(frame, clustering({"a": "none"}, clusters))
    assert said in str(refused.value)


def test_an_empty_base_is_refused(spark: SparkSession) -> None:
    frame = snapshot(spark, {"a": [1.0]}).where("a > 1")
    with pytest.raises(InputError, match=r"^test.yml:1:1: segmentation style has no customers to fit on") as refused:
        fit_clusters(frame, clustering({"a": "none"}, clusters=2))
    assert "widen its base" in str(refused.value)


def few(clusters: int) -> Segmentation:
    return replace(clustering({"a": "none"}, clusters), smallest=1)


def test_exactly_as_many_points_as_clusters_are_fine(spark: SparkSession) -> None:
    found = fit_clusters(snapshot(spark, {"a": [1.0, 2.0, 2.0, 3.0, None]}), few(3))
    assert found.inertia == 0
    assert found.centres[0] == (0.0,), "the median, where most customers and the unknown one are"


def test_the_sample_is_bounded_and_does_not_follow_the_layout(spark: SparkSession) -> None:
    frame = snapshot(spark, {"x": pa.array(range(400), pa.int64())})
    sampled = [
        [row.customer_id for row in sampling.sample_of(layout, ["x"], "a", 50).collect()]
        for layout in (frame.repartition(1), frame.repartition(4), frame.orderBy("x", ascending=False))
    ]
    assert len(set(sampled[0])) == 50
    assert sampled[0] == sampled[1] == sampled[2]
    assert set(sampled[0]) != {customer(i) for i in range(50)}
