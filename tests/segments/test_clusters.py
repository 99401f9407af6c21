"""Who belongs to which cluster, and the model as a row of its table."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.datasets import load_iris
from tests.segments.definitions import AS_OF, KNOWN_AT, cluster_model, clustering, plain_preparation, snapshot

from strata.contract.operations import cluster_models
from strata.segments.assign import assign_all
from strata.segments.drift import reference_of
from strata.segments.fit import Fit, fit_clusters
from strata.segments.model import Cluster, ClusterModel, Line, Tried, model_id
from strata.segments.preparation import prepare

POINTS = load_iris().data
IRIS = clustering({"a": "log1p", "b": "none", "c": "none", "d": "log1p"}, clusters=3)


def model_of(fit: Fit) -> ClusterModel:
    return cluster_model(fit.preparation, *fit.centres, inertia=fit.inertia, fitted_rows=fit.fitted_rows)


def plain_model(*centres: tuple[float, ...]) -> ClusterModel:
    return cluster_model(plain_preparation("x", "y"), *centres)


@pytest.fixture(scope="module")
def iris(spark: SparkSession) -> DataFrame:
    return snapshot(spark, dict(zip("abcd", POINTS.T, strict=True)))


@pytest.fixture(scope="module")
def model(iris: DataFrame) -> ClusterModel:
    return model_of(fit_clusters(iris, IRIS))


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


def test_a_row_of_the_models_table_gives_the_model_back(spark: SparkSession, model: ClusterModel) -> None:
    from strata.contract.spark import struct_type  # noqa: PLC0415

    points = prepare(POINTS, model.preparation)
    model = replace(
        model,
        clusters=tuple(Cluster(f"c{i}", "Called so", "sepals 5.1 against 4.2", 0.91) for i in (2, 7, 3)),
        selection=(Tried(3, 78.851441, 0.5528, 561.62776, 0.92, 0.95, 100, 38, True, "declared"),),
        lineage=(Line("c2", "kept", "c2", 0.9), Line("c9", "gone", None, 0.2, "c7")),
        reference=reference_of(points, np.array(model.centres), [d.name for d in model.preparation.dimensions]),
    )
    row = model.to_row()
    stored = spark.createDataFrame([tuple(row[c] for c in cluster_models.columns)], struct_type(cluster_models))
    assert ClusterModel.from_row(stored.toArrow().to_pylist()[0]) == model


def test_a_moment_without_zone_is_in_utc() -> None:
    assert model_id("a", AS_OF, KNOWN_AT.replace(tzinfo=None)) == model_id("a", AS_OF, KNOWN_AT)
    assert model_id("a", AS_OF, KNOWN_AT) != model_id("a", date(2017, 12, 30), KNOWN_AT)


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
