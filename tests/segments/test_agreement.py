"""Spark and DuckDB put every customer into the same segment by any definition: many definitions in one frame."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.expression.test_agreement import NAMES
from tests.segments.random_definitions import AUDIENCES, random_customers, random_definitions

from strata.project.models import Segmentation
from strata.project.references import generations, names_of_segmentations
from strata.segments.assign import assign_all
from strata.segments.duckdb import base_column, score_column, segment_sql, select_segments
from strata.segments.model import ClusterModel

AT_ONCE, CUSTOMERS = 100, 30
GRID_STEP = 1e-9
Membership = dict[tuple[str, str], tuple[str | None, float | None]]


def by_spark(
    spark: SparkSession, table: pa.Table, made: list[Segmentation], models: dict[str, ClusterModel]
) -> Membership:
    frame = spark.createDataFrame(table).coalesce(1)
    rows = assign_all(frame, made, {**NAMES, **AUDIENCES}, models).toArrow().to_pylist()
    return {(row["customer_id"], row["segmentation"]): (row["segment"], row["score"]) for row in rows}


def by_duckdb(table: pa.Table, made: list[Segmentation], models: dict[str, ClusterModel]) -> Membership:
    with duckdb.connect() as connection:
        connection.register("t", table)
        names = {**names_of_segmentations(made), **NAMES, **AUDIENCES}
        groups = [{s.name: segment_sql(s, names, models) for s in group} for group in generations(made)]
        query = select_segments("t", groups)
        found = connection.sql(query).to_arrow_table().to_pylist()
    return {
        (row["customer_id"], s.name): (row[s.name], row[score_column(s.name)])
        for row in found
        for s in made
        if row[base_column(s.name)]
    }


def require_agreement(spark: SparkSession, count: int) -> None:
    made, models = random_definitions(count)
    table = random_customers(CUSTOMERS)
    segments = set()
    for some in batches(made):
        one, two = by_spark(spark, table, some, models), by_duckdb(table, some, models)
        assert one.keys() == two.keys()
        different = {key: (one[key], two[key]) for key in one if not is_same(one[key], two[key])}
        assert different == {}, [s for s in some if s.name in {name for _, name in different}]
        segments |= {segment for segment, _ in one.values()}
    assert {None, "rest", "s0", "s1", "s2", "s3", "c1", "c2", "other", "unknown"} <= segments
    assert any(str(found).startswith("v") for found in segments)


def batches(made: list[Segmentation]) -> Iterator[list[Segmentation]]:
    """Some at a time; a definition that is about another stays beside it."""
    start = 0
    while start < len(made):
        end = start + AT_ONCE
        while end < len(made) and made[end].base is not None:
            end += 1
        yield made[start:end]
        start = end


def is_same(one: tuple[str | None, float | None], two: tuple[str | None, float | None]) -> bool:
    """Scores are on a grid; a logarithm that differs in its last bit may fall on the next point of it."""
    if one[1] is None or two[1] is None:
        return one == two
    return one[0] == two[0] and (repr(one[1]) == repr(two[1]) or abs(one[1] - two[1]) <= 2 * GRID_STEP)


@pytest.fixture
def interpreted(spark: SparkSession) -> Iterator[SparkSession]:
    """Spark without generated code: for a few rows, compiling that takes most of the time."""
    changed = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    before = {key: spark.conf.get(key, None) for key in changed}
    for key, value in changed.items():
        spark.conf.set(key, value)
    yield spark
    for key, old in before.items():
        spark.conf.unset(key) if old is None else spark.conf.set(key, old)


def test_spark_and_duckdb_agree_on_random_definitions(interpreted: SparkSession) -> None:
    require_agreement(interpreted, 80)


@pytest.mark.long
@pytest.mark.soak
def test_spark_and_duckdb_agree_on_thousands_of_definitions(interpreted: SparkSession) -> None:
    require_agreement(interpreted, 2_500)


@pytest.mark.long
@pytest.mark.soak
def test_generated_code_agrees_too(spark: SparkSession) -> None:
    require_agreement(spark, 210)
