"""Rows of truth.yml, worked out by hand, hold in Spark and in DuckDB."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Expression, Name, compile_expression
from strata.expression.functions import FUNCTIONS
from strata.expression.spark import to_column
from strata.project.words import Text

ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.BIGINT: pa.int64(),
    Type.MONEY: pa.decimal128(18, 2),
    Type.DOUBLE: pa.float64(),
    Type.STRING: pa.string(),
    Type.DATE: pa.date32(),
}


@dataclass(frozen=True)
class Row:
    expression: Expression
    values: dict[str, Any]
    gives: Any
    fault: bool


def typed(value: Any, wanted: Type) -> Any:
    if value is None or wanted not in (Type.MONEY, Type.DOUBLE):
        return value
    return Decimal(value) if wanted == Type.MONEY else float(value)


def bits(value: Any) -> Any:
    """Floats by their bits, so that -0.0 and 0.0 differ and NaN equals NaN."""
    return struct.pack(">d", value) if isinstance(value, float) else (type(value), value)


def load() -> tuple[list[Row], pa.Table]:
    file = Path(__file__).with_name("truth.yml")
    text = yaml.safe_load(file.read_text())
    columns = text["columns"]
    names = {name: Name(Type[column["type"]], column["nullable"]) for name, column in columns.items()}
    usual = {name: column.get("value") for name, column in columns.items()}
    rows = []
    for row in text["rows"]:
        expression = compile_expression(Text(row["expression"], Location(str(file), 1, 1)), names)
        given = usual | row.get("with", {})
        values = {name: typed(value, names[name].type) for name, value in given.items()}
        rows.append(Row(expression, values, typed(row["gives"], expression.type), row.get("fault", False)))
    fields = [pa.field(name, ARROW[found.type]) for name, found in names.items()]
    return rows, pa.Table.from_pylist([row.values for row in rows], pa.schema(fields))


ROWS, TABLE = load()


def differences(results: Sequence[Sequence[Any]]) -> list[str]:
    """Where the n-th expression over the n-th row gave something else than was written."""
    return [
        f"{row.expression.canonical} with {row.values}: gave {results[i][i]!r}, expected {row.gives!r}"
        for i, row in enumerate(ROWS)
        if bits(results[i][i]) != bits(row.gives)
    ]


def test_there_are_enough_rows_and_they_cover_every_function() -> None:
    used = " ".join(row.expression.canonical for row in ROWS)
    assert len(ROWS) >= 60
    assert [function for function in FUNCTIONS if f"{function}(" not in used] == []


def test_rows_hold_in_duckdb() -> None:
    connection = duckdb.connect()
    connection.register("truth", TABLE)
    wanted = ", ".join(row.expression.to_duckdb() for row in ROWS)
    columns = list(zip(*connection.execute(f"select {wanted} from truth").fetchall(), strict=True))
    assert differences(columns) == []


def test_duckdb_gives_the_types_that_were_checked() -> None:
    shown = {Type.STRING: "VARCHAR"}
    connection = duckdb.connect()
    connection.register("truth", TABLE)
    wanted = ", ".join(f"typeof({row.expression.to_duckdb()})" for row in ROWS)
    found = connection.execute(f"select {wanted} from truth limit 1").fetchone()
    assert list(found or ()) == [shown.get(row.expression.type, row.expression.type.value.upper()) for row in ROWS]


def test_rows_hold_in_spark_with_the_types_that_were_checked(spark: SparkSession) -> None:
    frame = spark.createDataFrame(TABLE).coalesce(1)
    found = frame.select(*(to_column(row.expression).alias(f"e{i}") for i, row in enumerate(ROWS)))
    assert [field.dataType.simpleString() for field in found.schema] == [row.expression.type.value for row in ROWS]
    assert differences([column.to_pylist() for column in found.toArrow().columns]) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.expression.canonical)
def test_null_comes_only_where_it_was_announced(row: Row) -> None:
    assert row.gives is not None or row.expression.nullable or row.fault


def test_columns_may_stand_for_names(spark: SparkSession) -> None:
    text = Text("joined > date '2017-01-01' and previous.rfm = 'lost'", Location("x.yml", 1, 1))
    names = {"joined": Name(Type.DATE, False), "previous.rfm": Name(Type.STRING, True)}
    expression = compile_expression(text, names)
    columns = {"joined": F.lit(date(2017, 1, 2)), "previous.rfm": F.col("before")}
    frame = spark.createDataFrame(pa.table({"before": ["lost", "new"]})).select(to_column(expression, columns))
    assert frame.toArrow()[0].to_pylist() == [True, False]
