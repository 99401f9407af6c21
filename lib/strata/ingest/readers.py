"""Opens what was delivered: one frame per source, its columns named as delivered, with the number of each row.

Every function gives the columns of the source and `numbering.FILE` (how Spark spells the file), and either
`row_number`, or block and position from which `numbering` makes it. Spark is told the columns, it never guesses them.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.errors import InputError, Problem, ProjectError
from strata.ingest import headers, numbering
from strata.ingest.columns import kind_in_spark, landed_type, name_problem, type_problems
from strata.ingest.files import Delivered, local_path
from strata.project.landed import UNREADABLE
from strata.project.sources import Source

_CSV = {"header": "true", "escape": '"'}
"""Quotes inside quotes are doubled (RFC 4180), unless the source says otherwise."""

_HEAD_CHECKS = {"csv": headers.csv_problem, "json": headers.json_problem}


def refuse(source: Source, problems: Sequence[tuple[str, str]]) -> None:
    """Raise when there is a problem with a file: (path, what is wrong).

    Raises:
        InputError: all of them.
    """
    if problems:
        raise InputError([Problem(None, f"{source.name}: {path}: {what}") for path, what in problems])


def check_heads(source: Source, files: Sequence[Delivered]) -> None:
    """The beginning of every text file against the schema.

    Raises:
        InputError: names every file that cannot be read as declared, found against expected.
    """
    check = _HEAD_CHECKS[source.read.format]
    found = [(f.path, check(f.head, _options(source), list(source.schema))) for f in files]
    refuse(source, [(path, problem) for path, problem in found if problem])


def read_text(spark: SparkSession, source: Source, files: Sequence[Delivered]) -> DataFrame:
    """Rows of csv or json files as strings, `unreadable_row` with the line where it does not fit, located.

    A line is a row, so that a large file is read in parts. A csv whose quoted values go over several lines needs
    `multiLine: true`; without it their rests do not fit the columns.
    """
    fields = ", ".join(f"`{name}` string" for name in (*source.schema, UNREADABLE))
    reader = spark.read.schema(fields).options(mode="PERMISSIVE", columnNameOfCorruptRecord=UNREADABLE)
    reader = reader.options(**_options(source))
    # Spark 4 knows seven encodings unless it is told to ask Java, and windows-1251 is none of them.
    spark.conf.set("spark.sql.legacy.javaCharsets", "true")
    paths = [literal(f.path) for f in files]
    return numbering.located(reader.csv(paths) if source.read.format == "csv" else reader.json(paths))


def literal(path: str) -> str:
    """A path that Spark opens as it is: its characters of patterns are escaped."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)


def _options(source: Source) -> Mapping[str, str]:
    own = {key: value for key, value in source.read.options.items() if key != "decimal"}
    return {**_CSV, **own} if source.read.format == "csv" else own


def read_parquet(spark: SparkSession, files: Sequence[Delivered], spark_types: Mapping[str, str]) -> DataFrame:
    """Rows of parquet files with `row_number`, which parquet knows itself.

    Args:
        spark: reads.
        files: of one format and schema.
        spark_types: the type to read each column in, as `parquet.delivered_types` found them.
    """
    fields = ", ".join(f"`{name}` {kind}" for name, kind in spark_types.items())
    rows = spark.read.schema(fields).parquet(*[literal(f.path) for f in files])
    return rows.select(
        "*",
        F.col("_metadata.file_path").alias(numbering.FILE),
        (F.col("_metadata.row_index") + 1).alias("row_number"),
    )


def remote_parquet_types(
    spark: SparkSession, source: Source, files: Sequence[Delivered]
) -> tuple[dict[str, str], dict[str, Type]]:
    """As `parquet.delivered_types`, for files of another file system: by the schema that Spark finds in all of them."""
    rows = spark.read.option("mergeSchema", "true").parquet(*[literal(f.path) for f in files])
    landed = landed_types(source, str(source.read.path), rows)
    return {f.name: f.dataType.simpleString() for f in rows.schema.fields}, landed


def open_table(spark: SparkSession, source: Source, folder: Path, environ: Mapping[str, str]) -> tuple[str, DataFrame]:
    """A source that is a table or a query: what it is called, and its rows.

    Args:
        spark: reads.
        source: of format table, delta or jdbc.
        folder: folder of the project, where a relative path of a Delta table starts.
        environ: the environment, where the password of a database is found.

    Raises:
        ProjectError: the variable with the password is not set.
        InputError: the table cannot be opened, or its columns do not fit the schema.
    """
    read = source.read
    options = {key: value for key, value in read.options.items() if key not in ("password_env", "table")}
    try:
        if read.format == "table":
            name, rows = read.options["table"], spark.read.table(read.options["table"])
        elif read.format == "delta":
            name = _place(source, folder)
            rows = spark.read.format("delta").options(**options).load(name)
        else:
            name = f"jdbc:{options.get('dbtable') or options.get('query')}"
            rows = spark.read.format("jdbc").options(**options, **_password(source, environ)).load()
    except ProjectError:
        raise
    except Exception as error:  # drivers raise what they like
        raise InputError(f"{source.name}: cannot be opened: {first_line(error)}") from error
    return name, rows


def landed_types(source: Source, place: str, rows: DataFrame) -> dict[str, Type]:
    """The types in which the rows of a table or query land.

    Raises:
        InputError: a column is missing, unexpected, or holds another type than declared.
    """
    kinds = {f.name: kind_in_spark(f.dataType) for f in rows.schema.fields}
    names = name_problem(list(source.schema), list(kinds), by_position=False)
    problems = [p for p in (names, *type_problems(source.schema, kinds)) if p]
    refuse(source, [(place, p) for p in problems])
    return {name: landed_type(declared, kinds[name]) for name, declared in source.schema.items()}


def first_line(error: Exception) -> str:
    """What an exception says first, without the stack of a JVM behind it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _place(source: Source, folder: Path) -> str:
    path = source.read.path or ""
    return path if "://" in path else local_path(source, folder)


def _password(source: Source, environ: Mapping[str, str]) -> dict[str, str]:
    variable = source.read.options.get("password_env")
    if variable is None:
        return {}
    if variable not in environ:
        raise ProjectError(f"{source.name}: the environment variable {variable} with the password is not set")
    return {"password": environ[variable]}
