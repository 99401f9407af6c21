"""Defects: one change of a table, or of a delivered file, by a word and its arguments.

Whole shares of rows are meant, chosen by hash: the same in every run.
"""

import io
import math
import shutil
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Words = dict[str, Any]
TEXT = "windows-1251"
KNOWN_FLOATS = {"nan": math.nan, "inf": math.inf}


def spoil_table(frame: DataFrame, do: Words, where: str | None = None) -> DataFrame:
    """A published table with a defect; `where`, in SQL, says in which of its rows."""
    ((word, told),) = do.items()
    chosen = F.expr(where) if where else F.lit(True)
    return _OF_TABLES[word](frame, told, chosen)


def _drawn(share: float, frame: DataFrame) -> Column:
    return F.pmod(F.xxhash64(*frame.columns), F.lit(10_000)) < int(share * 10_000)


def _keep(frame: DataFrame, share: float, chosen: Column) -> DataFrame:
    return frame.where(~chosen | _drawn(share, frame))


def _repeat(frame: DataFrame, share: float, chosen: Column) -> DataFrame:
    return frame.unionByName(frame.where(chosen & _drawn(share, frame)))


def _copies(frame: DataFrame, times: int, chosen: Column) -> DataFrame:
    copies = frame.where(chosen).crossJoin(frame.sparkSession.range(times).withColumnRenamed("id", "_copy"))
    other = F.md5(F.concat("customer_id", F.col("_copy").cast("string")))
    return frame.unionByName(copies.withColumn("customer_id", other).drop("_copy"))


def _shift_days(frame: DataFrame, told: Sequence[Any], chosen: Column) -> DataFrame:
    column, days = told
    return _changed(frame, column, F.date_add(column, days), chosen)


def _multiply(frame: DataFrame, told: Sequence[Any], chosen: Column) -> DataFrame:
    column, by = told
    product = (F.col(column).cast("double") * by).cast(frame.schema[column].dataType)
    return _changed(frame, column, product, chosen)


def _set(frame: DataFrame, told: Sequence[Any], chosen: Column) -> DataFrame:
    column, value, share = told
    new = F.lit(KNOWN_FLOATS.get(str(value), value)).cast(frame.schema[column].dataType)
    return _changed(frame, column, new, chosen & _drawn(share, frame))


def _changed(frame: DataFrame, column: str, new: Column, chosen: Column) -> DataFrame:
    return frame.withColumn(column, F.when(chosen, new).otherwise(F.col(column)))


def _swap(frame: DataFrame, told: Sequence[str], chosen: Column) -> DataFrame:
    one, other = told
    kinds = {c: frame.schema[c].dataType for c in told}
    pair = {one: F.col(other).cast(kinds[one]), other: F.col(one).cast(kinds[other])}
    return frame.withColumns({c: F.when(chosen, new).otherwise(F.col(c)) for c, new in pair.items()})


def _rename(frame: DataFrame, told: Sequence[str], _: Column) -> DataFrame:
    old, new, *added = told
    return frame.withColumnRenamed(old, new).withColumns({name: F.lit("x") for name in added})


_OF_TABLES: dict[str, Callable[[DataFrame, Any, Column], DataFrame]] = {
    "keep": _keep, "repeat": _repeat, "copies": _copies, "shift_days": _shift_days, "multiply": _multiply,
    "set": _set, "swap": _swap, "rename": _rename,
    "drop": lambda frame, column, _: frame.drop(column),
    "cast": lambda frame, told, _: frame.withColumn(told[0], F.col(told[0]).cast(told[1])),
}  # fmt: skip


def spoil_file(file: Path, do: Words, where: Sequence[str] | None, before: Path) -> None:
    """Change a delivered file in its place.

    Args:
        file: Parquet, or a list of text with headings and semicolons.
        do: the change.
        where: column and value of the rows that it is about; None: all.
        before: the file of the day before.
    """
    ((word, told),) = do.items()
    if word in _OF_FILES:
        _OF_FILES[word](file, told, before)
        return
    rows = _read(file)
    chosen = pl.lit(True) if where is None else pl.col(where[0]) == where[1]
    _write(file, _OF_ROWS[word](rows.with_row_index("_row"), told, chosen).drop("_row"))


def _read(file: Path) -> pl.DataFrame:
    if file.suffix == ".parquet":
        # Spark writes instants as INT96, which has no zone, and reads none of nanoseconds.
        moments = pl.selectors.datetime()
        return pl.read_parquet(file).with_columns(moments.dt.cast_time_unit("us").dt.replace_time_zone("UTC"))
    return pl.read_csv(io.StringIO(file.read_text(TEXT)), separator=";", infer_schema=False)


def _write(file: Path, rows: pl.DataFrame) -> None:
    if file.suffix == ".parquet":
        rows.write_parquet(file)
    else:
        file.write_bytes(rows.write_csv(separator=";").encode(TEXT))


def _some(share: float) -> pl.Expr:
    return (pl.col("_row").cast(pl.Int64) * 7_919 % 10_000) < int(share * 10_000)


def _set_rows(rows: pl.DataFrame, told: Sequence[Any], chosen: pl.Expr) -> pl.DataFrame:
    column, value, share = told
    kind = rows.schema[column]
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - cast to what the file has
    new = (
        pl.lit(value).cast(kind)
        if not isinstance(kind, pl.Datetime)
        else pl.lit(value).dt.replace_time_zone("UTC").cast(kind)
    )
    return rows.with_columns(pl.when(chosen & _some(share)).then(new).otherwise(column).alias(column))


def _copy_rows(rows: pl.DataFrame, told: Sequence[Any], chosen: pl.Expr) -> pl.DataFrame:
    key, times = told
    copies = [rows.filter(chosen).with_columns(pl.col(key) + 10**12 * (n + 1)) for n in range(times)]
    return pl.concat([rows, *copies])


def _multiply_rows(rows: pl.DataFrame, told: Sequence[Any], chosen: pl.Expr) -> pl.DataFrame:
    column, by = told
    product = (pl.col(column).cast(pl.Float64) * by).cast(rows.schema[column], strict=False)
    return rows.with_columns(pl.when(chosen).then(product).otherwise(column).alias(column))


def _exchange(rows: pl.DataFrame, told: Sequence[Any], _: pl.Expr) -> pl.DataFrame:
    column, one, other = told
    return rows.with_columns(pl.col(column).replace({one: other, other: one}))


def _swap_rows(rows: pl.DataFrame, told: Sequence[str], _: pl.Expr) -> pl.DataFrame:
    one, other = told
    kinds = rows.schema
    return rows.with_columns(pl.col(other).cast(kinds[one]).alias(one), pl.col(one).cast(kinds[other]).alias(other))


_OF_ROWS: dict[str, Callable[[pl.DataFrame, Any, pl.Expr], pl.DataFrame]] = {
    "keep": lambda rows, share, chosen: rows.filter(~chosen | _some(share)),
    "copies": _copy_rows,
    "set": _set_rows,
    "multiply": _multiply_rows,
    "exchange": _exchange,
    "swap": _swap_rows,
    "drop": lambda rows, column, _: rows.drop(column),
    "rename": lambda rows, told, _: rows.rename({told[0]: told[1]}),
    "replace": lambda rows, told, _: rows.with_columns(pl.col(told[0]).str.replace(told[1], told[2], literal=True)),
    "shift_hours": lambda rows, told, _: rows.with_columns(pl.col(told[0]) + timedelta(hours=told[1])),
    "month_first": lambda rows, column, _: rows.with_columns(
        pl.col(column).str.replace(r"^(\d\d)\.(\d\d)", "${2}.${1}")
    ),
}


def _truncate(file: Path, share: float, _: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])


def _swap_heads(file: Path, told: Sequence[str], _: Path) -> None:
    head, _, body = file.read_text(TEXT).partition("\n")
    one, other = told
    names = [{one: other, other: one}.get(name, name) for name in head.strip().split(";")]
    file.write_bytes(f"{';'.join(names)}\n{body}".encode(TEXT))


_OF_FILES: dict[str, Callable[[Path, Any, Path], Any]] = {
    "remove": lambda file, _, __: file.unlink(),
    "truncate": _truncate,
    "swap_heads": _swap_heads,
    "encode": lambda file, encoding, _: file.write_bytes(file.read_text(TEXT).encode(encoding)),
    "stale": lambda file, _, before: shutil.copy(before, file),
}
