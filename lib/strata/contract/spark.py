"""Contracts as Spark sees them: schemas with comments, and the border every written frame crosses."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DataType, StructField, StructType, _parse_datatype_string

from strata.contract.columns import Column, Table, Type, column


def spark_type(column: Column) -> DataType:
    """The Spark type of a contract column."""
    return _parse_datatype_string(column.type.value)


def struct_type(table: type[Table]) -> StructType:
    """The schema of `table`: order, types, nullability, and each description with its unit as the comment."""
    return StructType([struct_field(c) for c in table.columns])


def struct_field(column: Column) -> StructField:
    """The field of one contract column, with its comment."""
    return StructField(str(column), spark_type(column), column.nullable, {"comment": comment_of(column)})


def comment_of(column: Column) -> str:
    """What BI shows beside the column: its description and unit."""
    return column.description + (f" [{column.unit}]" if column.unit else "")


def as_table(frame: DataFrame, table: type[Table]) -> DataFrame:
    """`frame` with exactly the columns of `table`, in contract order and type, comments included.

    Missing nullable columns become NULL; a frame lacking any other column, or having one too many, is refused.

    Raises:
        ValueError: names the missing and the unexpected columns.
    """
    missing = [str(c) for c in table.columns if c not in frame.columns and not c.nullable]
    unexpected = [c for c in frame.columns if c not in table.columns]
    if missing or unexpected:
        raise ValueError(
            f"{table.full_name()}: missing {missing or 'nothing'}, unexpected {unexpected or 'nothing'};"
            f" expected {[str(c) for c in table.columns]}"
        )
    return frame.select([_typed(frame, c) for c in table.columns])


def _typed(frame: DataFrame, column: Column) -> SparkColumn:
    value = F.col(f"`{column}`") if column in frame.columns else F.lit(None)
    return value.cast(spark_type(column)).alias(str(column), metadata={"comment": comment_of(column)})


def frame_of(spark: SparkSession, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """A small frame by contract from rows of the driver, through Arrow: no Python on executors."""
    schema = struct_type(table)
    arrow = pa.Table.from_pylist(list(rows), schema=to_arrow_schema(schema, timezone="UTC"))
    return spark.createDataFrame(arrow, schema)


def rows_of(frame: DataFrame) -> list[dict[str, Any]]:
    """A small frame as dicts on the driver; instants carry their zone (UTC)."""
    rows: list[dict[str, Any]] = frame.toArrow().to_pylist()
    return rows


def columns_of(frame: DataFrame, described: Mapping[str, Column] | None = None) -> tuple[Column, ...]:
    """The columns of a frame as contract columns, with what `described` knows of them."""
    known = described or {}
    return tuple(known.get(f.name) or _found(f) for f in frame.schema.fields)


def _found(field: StructField) -> Column:
    text = (field.metadata or {}).get("comment", field.name.replace("_", " "))
    return column(Type(field.dataType.simpleString()), text, nullable=True, name=field.name)
