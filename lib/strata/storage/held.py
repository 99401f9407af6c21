"""Small tables in the driver's memory.

To Spark every new version of a table is two jobs before its first row, which of a small one cost more than its rows: of
a local folder deltalake reads them, in a hundredth of the time. What strata writes has reader version 1, so that what
the log lists are all rows; what somebody has made newer is read by Spark.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from strata.contract.columns import Table
from strata.errors import InputError
from strata.storage.tables import Lakehouse

if TYPE_CHECKING:
    from deltalake import DeltaTable

Row = dict[str, Any]
Only = Mapping[str, Sequence[Any]]
"""Column -> the values of it that are asked for."""
ALL: Only = {}
HELD = 10_000
"""Rows up to which a table is small."""


def hold(lakehouse: Lakehouse, table: type[Table], version: int | None, slice_of: date | None = None) -> DataFrame:
    """The rows of a version of a small table, or of one of its slices, as a frame in one part that asks no file again.

    Args:
        lakehouse: where the table is.
        table: what to read.
        version: of the table; None: the newest.
        slice_of: only the rows whose `slice_by` is this day.
    """
    rows, schema = _read(lakehouse, table, version, _of_slice(table, slice_of))
    return lakehouse.spark.createDataFrame(rows, schema).coalesce(1)


def read_pinned(
    lakehouse: Lakehouse, table: type[Table], version: int | None, count: int | None, slice_of: date | None = None
) -> DataFrame:
    """The rows of a version of a table, or of one of its slices; of so few as `count` says the driver holds them.

    Args:
        lakehouse: where the table is.
        table: what to read.
        version: of the table; None: the newest.
        count: how many rows there should be; None: nobody knows.
        slice_of: only the rows whose `slice_by` is this day.
    """
    if count is not None and count <= HELD:
        return hold(lakehouse, table, version, slice_of)
    return where(lakehouse.read(table, version), _of_slice(table, slice_of))


def rows_held(lakehouse: Lakehouse, table: type[Table], version: int | None = None, only: Only = ALL) -> list[Row]:
    """Rows of a table as dicts, instants with their zone (UTC); none when there is no such table."""
    if not lakehouse.exists(table):
        return []
    found: list[Row] = _read(lakehouse, table, version, only)[0].to_pylist()
    return found


def where(frame: DataFrame, only: Only) -> DataFrame:
    """The rows whose columns have one of the values asked for."""
    for name, values in only.items():
        frame = frame.where(F.col(name).isin(list(values)))
    return frame


def _of_slice(table: type[Table], day: date | None) -> Only:
    return {str(table.slice_by): [day]} if day else ALL


def _opened(lakehouse: Lakehouse, table: type[Table], version: int | None) -> "DeltaTable | None":
    """None: it is for Spark to read, elsewhere or of a reader version in which what the log lists are not all rows.

    Raises:
        InputError: there is no such table or version.
    """
    if not lakehouse.storage.is_local:
        return None
    import deltalake  # noqa: PLC0415 - on a cluster nothing of a run needs it

    try:
        opened = deltalake.DeltaTable(lakehouse.address(table), version=version)
    except deltalake.exceptions.DeltaError as error:
        which = "the newest version" if version is None else f"version {version}"
        raise InputError(f"{table.full_name()}: {which} cannot be read: {str(error).splitlines()[0]}") from error
    return opened if opened.protocol().min_reader_version == 1 else None


def _read(lakehouse: Lakehouse, table: type[Table], version: int | None, only: Only) -> tuple[pa.Table, StructType]:
    opened = _opened(lakehouse, table, version)
    if opened:
        # A file system of Python's own may be asked while the process ends, which then dies of it (delta-rs #2184).
        place = SubTreeFileSystem(lakehouse.address(table), LocalFileSystem())
        files = opened.to_pyarrow_dataset(filesystem=place)
        asked = [pc.field(n).isin(pa.array(values, files.schema.field(n).type)) for n, values in only.items()]
        rows = files.to_table(filter=reduce(and_, asked) if asked else None)
        # Of no chunks at all pyspark makes no frame when a column is a list.
        rows = rows if rows.num_rows else rows.schema.empty_table()
        return rows, StructType.fromJson(json.loads(opened.schema().to_json()))
    frame = where(lakehouse.read(table, version), only)
    return frame.toArrow(), frame.schema
