"""Spark and the pure twins agree to the last bit."""

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.segments.definitions import score, snapshot
from tests.segments.random_definitions import drawn, preparations
from tests.segments.test_duckdb_columns import FEATURES, ROWS, matrix_of, table_of
from tests.segments.test_preparing import EVERY

from strata.segments.columns import prepared_columns, ranked_centres, score_column
from strata.segments.kmeans import squared_distances
from strata.segments.preparation import prepare
from strata.segments.preparing import fit_preparation
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


def in_numbers(table: pa.Table) -> np.ndarray:
    """The prepared columns, which hold no NULL."""
    assert all(column.null_count == 0 for column in table.columns)
    return np.column_stack([column.to_numpy() for column in table.columns])


def test_prepared_values_equal_numpy_whatever_was_learnt(spark: SparkSession) -> None:
    random = np.random.default_rng(5)
    skewed = np.where(random.random(300) < 0.4, 0.0, random.lognormal(4, 2, 300))
    values = np.concatenate([skewed, [0, -0.0, -30, np.nan, np.inf, -np.inf, 1e100, 1.1e100, 5e-324]])
    matrix = np.column_stack([np.where(random.random(len(values)) < 0.1, np.nan, values) for _ in EVERY])
    preparation = fit_preparation(matrix, EVERY)
    assert len(preparation.dimensions) == 33
    names = [f.feature for f in EVERY]
    nulls = random.random(matrix.shape) < 0.5
    columns = {n: pa.array(c, mask=np.isnan(c) & m) for n, c, m in zip(names, matrix.T, nulls.T, strict=True)}
    frame = snapshot(spark, columns).orderBy("customer_id")
    found = frame.select(*[c.alias(str(i)) for i, c in enumerate(prepared_columns(preparation))]).toArrow()
    assert in_numbers(found).tobytes() == prepare(matrix, preparation).tobytes()


def test_prepared_values_equal_numpy_bit_for_bit_in_random_dimensions(spark: SparkSession) -> None:
    made = drawn(preparations(FEATURES), 25)
    table = table_of([row for rows in drawn(ROWS, 3) for row in rows])
    frame = spark.createDataFrame(table).coalesce(1)
    columns = [c for preparation in made for c in prepared_columns(preparation)]
    found = frame.select(*[c.alias(str(i)) for i, c in enumerate(columns)]).toArrow()
    expected = np.column_stack([prepare(matrix_of(table), preparation) for preparation in made])
    assert in_numbers(found).tobytes() == expected.tobytes()


def test_centres_are_ranked_by_distance_and_equal_ones_by_index(spark: SparkSession) -> None:
    centres = [(1.0, 0.0), (-1.0, 0.0), (0.0, 3.0)]
    points = np.array([(0.0, 0.0), (0.4, 0.1), (0.0, 2.5), (-7.0, 1e-9)])
    frame = snapshot(spark, {"x": points[:, 0], "y": points[:, 1]})
    ranked = frame.select("customer_id", ranked_centres([F.col("x"), F.col("y")], centres).alias("centres"))
    rows = ranked.orderBy("customer_id").collect()
    assert [[c["index"] for c in row.centres] for row in rows] == [[0, 1, 2], [0, 1, 2], [2, 0, 1], [1, 2, 0]]
    distances = np.sort(squared_distances(points, np.array(centres)), axis=1)
    assert [[c["distance"] for c in row.centres] for row in rows] == distances.tolist()
