from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from tests.segments.definitions import AS_OF, clustering, customer, snapshot

from strata.contract.operations import cluster_models
from strata.errors import InputError
from strata.segments import fit as fit_module
from strata.segments import sampling
from strata.segments.assign import assign_all
from strata.segments.clusters import sample_for_fit
from strata.segments.fit import best_centres, fit_clusters, fit_mllib, inertia
from strata.segments.model import ClusterModel, model_id
from strata.segments.preparation import Preparation, Scaling, prepare

KNOWN_AT = datetime(2018, 1, 1, tzinfo=UTC)
POINTS = load_iris().data
IRIS = clustering({"a": "log1p", "b": "none", "c": "none", "d": "log1p"}, clusters=3)

IN_NOISE = clustering({"x": "none", "y": "none"}, clusters=9)


def fit(frame: DataFrame, segmentation: Any = IRIS) -> ClusterModel:
    sample = sample_for_fit(frame, segmentation)
    return fit_clusters(sample, segmentation, definition_hash="0" * 32, as_of_date=AS_OF, known_at=KNOWN_AT)


def plain_model(*centres: tuple[float, ...]) -> ClusterModel:
    scalings = tuple(Scaling(name, "none", 0.0, 1.0) for name in "xy")
    return ClusterModel("style", 1, "0" * 32, AS_OF, KNOWN_AT, Preparation(scalings), centres, 1.0, 1)


@pytest.fixture(scope="module")
def iris(spark: SparkSession) -> DataFrame:
    return snapshot(spark, dict(zip("abcd", POINTS.T, strict=True)))


@pytest.fixture(scope="module")
def model(iris: DataFrame) -> ClusterModel:
    return fit(iris)


def test_iris_has_the_published_inertia(spark: SparkSession) -> None:
    assert inertia(POINTS, best_centres(spark, POINTS, 3, seed=17)) == pytest.approx(78.851441, abs=1e-5)


def test_mllib_alone_comes_close(spark: SparkSession) -> None:
    by_mllib = fit_mllib(spark, POINTS, 3, seed=17)
    assert by_mllib.shape == (3, 4)
    assert inertia(POINTS, by_mllib) == pytest.approx(78.8514, rel=0.01)


def test_the_better_search_wins_whichever_it_is(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    poor, good = POINTS[:2], POINTS[[0, 100]]
    for mllib, scikit_learn in ((poor, good), (good, poor)):
        monkeypatch.setattr(fit_module, "SETTLING", 0)
        monkeypatch.setattr(fit_module, "fit_mllib", lambda *_, found=mllib: found)
        monkeypatch.setattr(fit_module, "_fit_scikit_learn", lambda *_, found=scikit_learn: found)
        assert (best_centres(spark, POINTS, 2, seed=17) == good).all()


def test_a_whole_fit_is_as_good_as_scikit_learn(model: ClusterModel) -> None:
    prepared = prepare(POINTS, model.preparation)
    assert model.inertia <= KMeans(3, n_init=20, random_state=0).fit(prepared).inertia_ * 1.0001
    assert model.inertia == inertia(prepared, np.array(model.centres))
    assert model.fitted_rows == 150


def test_ids_go_by_size_and_labels_are_those_of_the_nearest_centre(iris: DataFrame, model: ClusterModel) -> None:
    rows = assign_all(iris, [IRIS], {}, {"style": model}).orderBy("customer_id").collect()
    prepared = prepare(POINTS, model.preparation)
    distances = np.linalg.norm(prepared[:, None] - np.array(model.centres)[None], axis=2)
    assert [row.segment for row in rows] == [f"c{i + 1}" for i in distances.argmin(axis=1)]
    own, second, _ = np.sort(distances, axis=1).T
    assert [row.score for row in rows] == pytest.approx((1 - own / second).tolist(), abs=1e-7)
    sizes = [sum(row.segment == c for row in rows) for c in ("c1", "c2", "c3")]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == 150


@pytest.fixture(scope="module")
def noise(spark: SparkSession) -> DataFrame:
    """Points without clusters: what k-means finds there hangs on the order of the rows."""
    return snapshot(spark, dict(zip("xy", np.random.default_rng(1).random((2, 300)), strict=True)))


@pytest.fixture(scope="module")
def model_of_noise(noise: DataFrame) -> ClusterModel:
    return fit(noise, IN_NOISE)


@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_rows_shuffled_over_other_partitions_get_the_same_model_and_labels(
    spark: SparkSession, noise: DataFrame, model_of_noise: ClusterModel, partitions: int
) -> None:
    table = noise.toArrow()
    mixed = spark.createDataFrame(table.take(np.random.default_rng(partitions).permutation(len(table))))
    sample = sample_for_fit(mixed.repartition(partitions), IN_NOISE).repartition(partitions)
    fitted = fit_clusters(sample, IN_NOISE, definition_hash="0" * 32, as_of_date=AS_OF, known_at=KNOWN_AT)
    assert fitted == model_of_noise
    labels = [
        {(r.customer_id, r.segment, r.score) for r in assign_all(frame, [IN_NOISE], {}, {"style": fitted}).collect()}
        for frame in (noise, mixed.repartition(partitions))
    ]
    assert labels[0] == labels[1]


def test_a_row_of_the_models_table_gives_the_model_back(spark: SparkSession, model: ClusterModel) -> None:
    from strata.contract.spark import struct_type  # noqa: PLC0415

    row = model.to_row()
    stored = spark.createDataFrame([tuple(row[c] for c in cluster_models.columns)], struct_type(cluster_models))
    assert ClusterModel.from_row(stored.toArrow().to_pylist()[0]) == model


def test_a_moment_without_zone_is_in_utc() -> None:
    assert model_id("a", AS_OF, KNOWN_AT.replace(tzinfo=None)) == model_id("a", AS_OF, KNOWN_AT)
    assert model_id("a", AS_OF, KNOWN_AT) != model_id("a", date(2017, 12, 30), KNOWN_AT)


def test_more_clusters_than_distinct_points_are_refused_in_words(spark: SparkSession) -> None:
    frame = snapshot(spark, {"a": [1.0, 1.0, 2.0, 2.0, 3.0, None]})
    with pytest.raises(InputError, match=r"test.yml:1:1.*style asks for 4 clusters.* 6 .* 3 distinct") as refused:
        fit(frame, clustering({"a": "none"}, clusters=4))
    assert "declare fewer clusters" in str(refused.value)


def test_exactly_as_many_points_as_clusters_are_fine(spark: SparkSession) -> None:
    frame = snapshot(spark, {"a": [1.0, 2.0, 2.0, 3.0, None]})
    fitted = fit(frame, clustering({"a": "none"}, clusters=3))
    assert fitted.inertia == 0
    assert fitted.centres[0] == (0.0,), "the median, where most customers and the unknown one are"


def test_an_empty_sample_is_refused(spark: SparkSession) -> None:
    frame = snapshot(spark, {"a": [1.0]}).where("a > 1")
    with pytest.raises(InputError, match="0 sampled customers"):
        fit(frame, clustering({"a": "none"}, clusters=2))


def test_between_two_centres_the_lower_id_wins_with_score_zero(spark: SparkSession) -> None:
    frame = snapshot(spark, {"x": [0.0, 1.0, -0.5, None], "y": [0.0, 0.0, 0.0, 0.0]})
    style = clustering({"x": "none", "y": "none"}, clusters=2)
    rows = assign_all(frame, [style], {}, {"style": plain_model((1.0, 0.0), (-1.0, 0.0))}).orderBy("customer_id")
    assert [(r.segment, r.score) for r in rows.collect()] == [
        ("c1", 0.0), ("c1", 1.0), ("c2", pytest.approx(2 / 3)), ("c1", 0.0)
    ]  # fmt: skip


def test_a_single_centre_takes_everybody_without_a_score(spark: SparkSession) -> None:
    frame = snapshot(spark, {"x": [5.0, None], "y": [1.0, 2.0]})
    style = clustering({"x": "none", "y": "none"}, clusters=1)
    rows = assign_all(frame, [style], {}, {"style": plain_model((0.0, 0.0))}).collect()
    assert {(r.segment, r.score) for r in rows} == {("c1", None)}


def test_the_sample_is_bounded_and_does_not_follow_the_layout(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SAMPLE_CUSTOMERS", 50)
    style = clustering({"x": "none"}, clusters=2)
    frame = snapshot(spark, {"x": pa.array(range(400), pa.int64())})
    sampled = [
        {row.customer_id for row in sample_for_fit(layout, style).collect()}
        for layout in (frame.repartition(1), frame.repartition(4), frame.orderBy("x", ascending=False))
    ]
    assert len(sampled[0]) == 50
    assert sampled[0] == sampled[1] == sampled[2]
    assert sampled[0] != {customer(i) for i in range(50)}
