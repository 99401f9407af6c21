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

from strata.segments.columns import index_of, least, least_but, prepared_columns, score_column, squared_distance
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


def test_distances_equal_numpy_and_of_equal_ones_the_first_is_nearest(spark: SparkSession) -> None:
    centres = [(1.0, 0.0), (-1.0, 0.0), (0.0, 3.0)]
    points = np.array([(0.0, 0.0), (0.4, 0.1), (0.0, 2.5), (-7.0, 1e-9), (0.1, 0.2)])
    frame = snapshot(spark, {"x": points[:, 0], "y": points[:, 1]}).orderBy("customer_id")
    far = frame.select(*(squared_distance([F.col("x"), F.col("y")], c).alias(f"d{i}") for i, c in enumerate(centres)))
    distances = [F.col(f"d{i}") for i in range(3)]
    nearest = far.withColumn("own", least(distances)).withColumn("index", index_of(F.col("own"), distances))
    rows = nearest.withColumn("second", least_but(F.col("index"), distances)).collect()
    expected = squared_distances(points, np.array(centres))
    assert [[row.d0, row.d1, row.d2] for row in rows] == expected.tolist()
    assert [row["index"] for row in rows] == [0, 0, 2, 1, 0]
    assert [[row.own, row.second] for row in rows] == np.sort(expected, axis=1)[:, :2].tolist()


def test_one_distance_is_the_least_and_has_no_second(spark: SparkSession) -> None:
    [row] = snapshot(spark, {"d": [4.0]}).select(
        least([F.col("d")]), index_of(F.col("d"), [F.col("d")]), least_but(F.lit(0), [F.col("d")])
    ).collect()  # fmt: skip
    assert tuple(row) == (4.0, 0, None)
