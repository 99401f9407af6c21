"""Spark and the pure twins agree to the last bit."""

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.segments.definitions import HERE, score, snapshot

from strata.project.clusterings import ClusterFeature
from strata.segments.columns import prepared_columns, ranked_centres, score_column
from strata.segments.fit import squared_distances
from strata.segments.preparation import fit_preparation, prepare
from strata.segments.scores import score_of


@pytest.mark.parametrize("better", ["low", "high"])
def test_scores_of_money_cut_exactly_where_the_rule_says(spark: SparkSession, better: str) -> None:
    cut = score("m", "spend", [0.1, 50, 199.99], better)
    cents = [None, -5, 0, 9, 10, 11, 4999, 5000, 5001, 19998, 19999, 20000, 10**15]
    money = pa.array(cents, pa.decimal128(20, 0)).cast(pa.decimal128(22, 2))
    frame = snapshot(spark, {"cents": money}).select((F.col("cents") * F.lit(0.01).cast("decimal(3,2)")).alias("spend"))
    rows = frame.select("spend", score_column(cut).alias("score")).collect()
    assert [row.score for row in rows] == [score_of(row.spend and float(row.spend), cut) for row in rows]
    assert {row.score for row in rows} == {None, 1, 2, 3, 4}


def test_prepared_values_equal_numpy_and_hold_neither_null_nor_nan(spark: SparkSession) -> None:
    random = np.random.default_rng(5)
    features = [ClusterFeature("spend", "log1p", HERE), ClusterFeature("share", "none", HERE)]
    spend = np.concatenate([random.lognormal(4, 2, 300), [0, -30, np.nan, np.inf, -np.inf]])
    share = np.concatenate([random.random(300), [np.nan] * 5])
    matrix = np.column_stack([spend, share])
    preparation = fit_preparation(matrix, features)
    unknown_share = pa.array(share, mask=np.isnan(share))
    frame = snapshot(spark, {"spend": spend, "share": unknown_share}).select(
        "customer_id", *[c.alias(str(i)) for i, c in enumerate(prepared_columns(preparation))]
    )
    found = frame.orderBy("customer_id").toArrow()
    assert (np.column_stack([found["0"], found["1"]]) == prepare(matrix, preparation)).all()


def test_centres_are_ranked_by_distance_and_equal_ones_by_index(spark: SparkSession) -> None:
    centres = [(1.0, 0.0), (-1.0, 0.0), (0.0, 3.0)]
    points = np.array([(0.0, 0.0), (0.4, 0.1), (0.0, 2.5), (-7.0, 1e-9)])
    frame = snapshot(spark, {"x": points[:, 0], "y": points[:, 1]})
    ranked = frame.select("customer_id", ranked_centres([F.col("x"), F.col("y")], centres).alias("centres"))
    rows = ranked.orderBy("customer_id").collect()
    assert [[c["index"] for c in row.centres] for row in rows] == [[0, 1, 2], [0, 1, 2], [2, 0, 1], [1, 2, 0]]
    distances = np.sort(squared_distances(points, np.array(centres)), axis=1)
    assert [[c["distance"] for c in row.centres] for row in rows] == distances.tolist()
