"""Every published table, as four readers see the current release: the same rows of the same types."""

from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from tests.end_to_end.kit import Shop

from strata.contract.columns import Table
from strata.contract.operations import quality_metrics, quality_results, releases, run_log
from strata.project.load import load_project
from strata.publish.contracts import published_tables

pytestmark = pytest.mark.long


def by_spark(spark: SparkSession, place: Path, version: int) -> pa.Table:
    return spark.read.format("delta").option("versionAsOf", version).load(str(place)).toArrow()


def by_deltalake(_: SparkSession, place: Path, version: int) -> pa.Table:
    return DeltaTable(str(place), version=version).to_pyarrow_table()


def by_polars(_: SparkSession, place: Path, version: int) -> pa.Table:
    return pl.scan_delta(str(place), version=version).collect().to_arrow()


def by_duckdb(_: SparkSession, place: Path, version: int) -> pa.Table:
    """Over the Arrow dataset of deltalake; DuckDB's own extension is a download."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", DeltaTable(str(place), version=version).to_pyarrow_dataset())
        return connection.sql("SELECT * FROM rows").to_arrow_table()


READERS = {"Spark": by_spark, "deltalake": by_deltalake, "Polars": by_polars, "DuckDB": by_duckdb}


BOOKS = (releases, run_log, quality_results, quality_metrics)
EMPTY = {"members.unit_segments", "restricted.audience_refusals"}
"""Grocery has no units, and nobody has objected."""


def alike(found: pa.DataType) -> pa.DataType:
    """The type that a reader means, whatever the width of its offsets."""
    if pa.types.is_dictionary(found):
        return alike(found.value_type)
    if pa.types.is_large_string(found) or pa.types.is_string_view(found):
        return pa.string()
    if pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_list_view(found):
        return pa.list_(pa.field("element", alike(found.value_type)))
    return found


def in_order(rows: pa.Table, grain: tuple[str, ...]) -> pa.Table:
    """Rows by their key and columns by name, so that equal tables are equal."""
    names = sorted(rows.column_names)
    types = pa.schema([pa.field(name, alike(rows.schema.field(name).type)) for name in names])
    return rows.select(names).cast(types).combine_chunks().sort_by([(key, "ascending") for key in grain])


def places(grocery: Shop) -> list[tuple[type[Table], int]]:
    """Published tables with their versions in the current release; and the books, as they are."""
    pinned = {name: version for name, (version, _, _) in grocery.current().items()}
    project = load_project(grocery.folder, {"variables.landing": str(grocery.landing)})
    tables = {t.full_name(): t for t in published_tables(project)}
    assert pinned.keys() == tables.keys()
    books = [(book, DeltaTable(str(place_of(grocery, book))).version()) for book in BOOKS]
    return [*((tables[name], version) for name, version in pinned.items()), *books]


def place_of(grocery: Shop, table: type[Table]) -> Path:
    return grocery.root / table.schema / table.__name__


def test_every_published_table_is_the_same_to_four_readers(grocery: Shop, spark: SparkSession) -> None:
    kinds, empty = set(), set()
    for table, version in places(grocery):
        name, place = table.full_name(), place_of(grocery, table)
        seen = {reader: in_order(read(spark, place, version), table.grain) for reader, read in READERS.items()}
        of_spark = seen.pop("Spark")
        empty |= set() if of_spark.num_rows else {name}
        for reader, rows in seen.items():
            assert rows.schema.equals(of_spark.schema), (name, reader, rows.schema, of_spark.schema)
            assert rows.num_rows == of_spark.num_rows, (name, reader)
            differing = [c for c in rows.column_names if not rows[c].equals(of_spark[c])]
            assert differing == [], (name, reader)
        kinds |= {str(found) for found in of_spark.schema.types}
    assert empty == EMPTY
    assert {"decimal128(18, 2)", "date32[day]", "timestamp[us, tz=UTC]", "double", "int64", "bool", "string"} <= kinds
    assert any(kind.startswith("list<") for kind in kinds), kinds
