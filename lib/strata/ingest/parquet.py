"""What local parquet files hold, from their footers: a truncated or differing file is named before Spark reads it."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from strata.contract.columns import Type
from strata.ingest.columns import kind_in_arrow, landed_type, name_problem, type_problems
from strata.ingest.files import Delivered
from strata.ingest.readers import refuse
from strata.project.sources import Source

_SPARK_TYPES = {"integer": "bigint", "float": "double"}


def delivered_types(source: Source, files: Sequence[Delivered]) -> tuple[dict[str, str], dict[str, Type]]:
    """How to read the columns of local parquet files, and how they land.

    Returns:
        Column -> the Spark type to read it in; column -> the type it has in bronze.

    Raises:
        InputError: names every file that is truncated, lacks a column, has one too many, holds another type, or
            differs from the first.
    """
    problems: list[tuple[str, str]] = []
    first: tuple[str, dict[str, str]] | None = None
    for file in files:
        try:
            kinds = _kinds(file.path)
        except (pa.ArrowException, OSError) as error:
            problems.append((file.path, f"is no whole parquet file ({str(error).splitlines()[0]}): deliver it again"))
            continue
        first = first or (file.path, kinds)
        problems += [(file.path, problem) for problem in _problems(source, kinds, *first)]
    refuse(source, problems)
    kinds = first[1] if first else {}
    read = {name: _SPARK_TYPES.get(kinds[name], kinds[name]) for name in source.schema}
    landed = {name: landed_type(declared, _plain(kinds[name])) for name, declared in source.schema.items()}
    return read, landed


def row_count(file: Delivered) -> int:
    """Rows of a local parquet file, by its footer."""
    return int(pq.read_metadata(file.path).num_rows)


def _problems(source: Source, kinds: dict[str, str], first: str, first_kinds: dict[str, str]) -> list[str]:
    names = name_problem(list(source.schema), list(kinds), by_position=False)
    found = [names] if names else []
    found += type_problems(source.schema, {name: _plain(kind) for name, kind in kinds.items()})
    found += [
        f"column {name} holds {kind}, in {first} {first_kinds[name]}: deliver all files alike"
        for name, kind in kinds.items()
        if first_kinds.get(name, kind) != kind
    ]
    return found


def _kinds(path: str) -> dict[str, str]:
    """Column -> kind; decimals with precision and scale, as Spark must be told."""
    file = pq.ParquetFile(path)
    kinds = {f.name: _exact(f.type) for f in file.schema_arrow}
    for i in range(len(file.schema)):
        found = file.schema.column(i)
        if found.physical_type == "INT64" and "nanoseconds" in str(found.logical_type):
            kinds[found.name] = "timestamp in nanoseconds, which Spark cannot read"
    return kinds


def _exact(found: pa.DataType) -> str:
    return f"decimal({found.precision},{found.scale})" if pa.types.is_decimal(found) else kind_in_arrow(found)


def _plain(kind: str) -> str:
    if not kind.startswith("decimal("):
        return kind
    precision, scale = map(int, kind[8:-1].split(","))
    return kind_in_arrow(pa.decimal128(precision, scale))
