"""Stored Delta tables without a JVM: deltalake reads the log, DuckDB the files that it names.

Only local folders, and only tables of reader version 1, as strata writes them: what the log lists are all rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from strata.contract.columns import Table, Type
from strata.errors import InputError, Problem, ProjectError
from strata.project.models import Storage
from strata.segments import literals
from strata.storage.folders import check_folder

if TYPE_CHECKING:  # looks read rows only, and pyarrow takes its time to load
    import pyarrow as pa

Row = dict[str, Any]
GONE = "a version older than retention_days is gone: release that date again first; else bring the file back"
NO_COLUMNS: Mapping[str, str] = {}
_TYPES = {"long": "BIGINT", "string": "VARCHAR", "integer": "INTEGER"}


@dataclass(frozen=True)
class LocalTables:
    """The tables of a project under a local folder, and a DuckDB in memory to ask them."""

    root: Path
    connection: duckdb.DuckDBPyConnection

    def exists(self, table: type[Table]) -> bool:
        """True when the table has at least one commit."""
        return DeltaTable.is_deltatable(self._address(table))

    def columns(self, table: type[Table]) -> frozenset[str]:
        """The columns the table has now."""
        return frozenset(field.name for field in self._open(table).schema().fields)

    def relation(self, table: type[Table], version: int | None = None, slice_of: date | None = None) -> str:
        """The rows of a table as a DuckDB query in parentheses.

        Args:
            table: what to read.
            version: a version that a release has pinned; None: the newest.
            slice_of: only the rows whose `slice_by` is this day; of a partitioned table no other file is opened.

        Raises:
            InputError: there is no such table or version, or it is none that strata writes.
        """
        opened = self._open(table, version)
        is_cut = slice_of is not None and table.slice_by == table.partition_by
        files = opened.file_uris(file_pruning_predicate=f"{table.slice_by} = '{slice_of}'" if is_cut else None)
        if not files:
            nothing = ", ".join(
                f"NULL::{_sql_type(f.type.to_json())} AS {literals.quoted(f.name)}" for f in opened.schema().fields
            )
            return f"(SELECT {nothing} WHERE false)"
        listed = ", ".join(literals.file(_path(file)) for file in files)
        days = f", hive_types = {{'{table.partition_by}': DATE}}" if table.partition_by else ""
        is_hive = "true" if table.partition_by else "false"
        rows = f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = {is_hive}{days})"
        return f"({rows} WHERE {table.slice_by} = DATE '{slice_of}')" if slice_of else f"({rows})"

    def rows(self, query: str) -> list[Row]:
        """The answer to a query.

        Raises:
            InputError: a file that the log names is gone or damaged.
        """
        with self._readable():
            found = self.connection.execute(query)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def batches(self, query: str) -> "pa.RecordBatchReader":
        """The answer to a query, piece by piece as Arrow.

        Raises:
            InputError: as of `rows`.
        """
        with self._readable():
            return self.connection.sql(query).to_arrow_reader()

    def keep_texts(self, name: str, values: Sequence[str]) -> None:
        """Texts as a temporary table with the column `value`; none of them stands in a query."""
        table = literals.quoted(name)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} (value VARCHAR)")
        self.connection.execute(f"INSERT INTO {table} SELECT unnest(CAST(? AS VARCHAR[]))", [list(values)])

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            what = f"{self.root}: a file of a table cannot be read: {str(error).splitlines()[0]}"
            raise InputError([Problem(None, what, GONE)]) from error

    def _open(self, table: type[Table], version: int | None = None) -> DeltaTable:
        try:
            opened = DeltaTable(self._address(table), version=version)
        except TableNotFoundError:
            raise InputError(
                f"{table.full_name()}: there is no such table under {self.root}; `strata run` makes it"
            ) from None
        except DeltaError as error:
            which = "its newest version" if version is None else f"version {version}"
            what = f"{table.full_name()}: {which} cannot be read: {str(error).splitlines()[0]}"
            raise InputError([Problem(None, what, GONE)]) from error
        found = opened.protocol().min_reader_version
        if found != 1:
            raise InputError(f"{table.full_name()}: found Delta reader version {found}, expected 1, as strata writes")
        return opened

    def _address(self, table: type[Table]) -> str:
        return str(self.root / table.schema / table.__name__)


def open_local(storage: Storage) -> LocalTables:
    """The tables of a project that keeps them in a local folder.

    Raises:
        ProjectError: they lie elsewhere, where only Spark reads them, or the folder is none or cannot be read.
    """
    if storage.root is None or not storage.is_local:
        place = storage.root or f"the catalog {storage.catalog}"
        raise ProjectError(
            f"storage: the tables lie in {place}, and this command reads only a local folder without Spark;"
            " set storage.root to a local copy: --set storage.root=DIR"
        )
    root = Path(storage.root).resolve()
    check_folder(root)
    return LocalTables(root, duckdb.connect(":memory:"))


def _path(uri: str) -> str:
    # deltalake names local files without a scheme, but percent-encoded all the same
    return unquote(uri.removeprefix("file://"))


def _sql_type(delta: str) -> str:
    name = delta.strip('"')
    return _TYPES.get(name, name) if name in {*_TYPES, *map(str, Type)} else "VARCHAR"
