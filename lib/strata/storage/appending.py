"""Rows added to a table of a local folder without a JVM; the table is the one that Spark would make."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, DeltaProtocolError, SchemaMismatchError

from strata.contract.columns import Column, Table, Type
from strata.errors import InputError, WriteConflict
from strata.storage.faults import Faults
from strata.storage.local import LocalTables

ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.BIGINT: pa.int64(),
    Type.MONEY: pa.decimal128(18, 2),
    Type.DOUBLE: pa.float64(),
    Type.STRING: pa.string(),
    Type.DATE: pa.date32(),
    Type.INSTANT: pa.timestamp("us", "UTC"),
}
"""The types that can be appended; Delta reader version 1 has them all."""


def append_rows(
    tables: LocalTables, table: type[Table], rows: Sequence[Mapping[str, Any]], retention_days: int
) -> None:
    """Add rows in one commit; the table is created from its contract where it is not there.

    Args:
        tables: where they lie.
        table: its columns have types of `ARROW`.
        rows: each with all columns that may not be NULL.
        retention_days: of a table that is created, how long its versions are kept.

    Raises:
        InputError: the table needs a newer reader than version 1, as no table of strata does.
        WriteConflict: another writer has come between.
        OSError: the folder cannot be written, or the disk is full.
    """
    address, schema = str(tables.root / table.schema / table.__name__), pa.schema(map(_field, table.columns))
    faults = Faults.from_environment()
    try:
        with faults.around("create", table.full_name()):
            DeltaTable.create(
                address,
                schema,
                mode="ignore",
                description=" ".join((table.__doc__ or "").split()),
                configuration=_properties(retention_days),
            )
        found = DeltaTable(address).protocol().min_reader_version
        if found != 1:
            raise InputError(f"{table.full_name()}: found Delta reader version {found}, expected 1, as strata writes")
        with faults.around("append", table.full_name()):
            write_deltalake(address, pa.Table.from_pylist(list(rows), schema), mode="append")
    except CommitFailedError as error:
        raise WriteConflict(f"{_not_added(table, error)}; try again") from error
    except (SchemaMismatchError, DeltaProtocolError) as error:
        raise InputError(_not_added(table, error)) from error
    except DeltaError as error:
        raise OSError(_not_added(table, error)) from error


def _not_added(table: type[Table], error: DeltaError) -> str:
    return f"{table.full_name()}: a row could not be added: {str(error).splitlines()[0]}"


def _field(column: Column) -> pa.Field:
    comment = column.description + (f" [{column.unit}]" if column.unit else "")
    return pa.field(str(column), ARROW[column.type], column.nullable, {"comment": comment})


def _properties(retention_days: int) -> dict[str, str | None]:
    days = f"interval {retention_days} days"
    return {
        "delta.enableDeletionVectors": "false",
        "delta.deletedFileRetentionDuration": days,
        "delta.logRetentionDuration": days,
    }
