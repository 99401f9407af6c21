"""Delta tables by contract: every read and write of strata goes through a `Lakehouse`.

Layout: reader version 1 only, so that every Delta client can read; no deletion vectors, no column mapping. Tables
are created from their contract before the first row is written, because a table born from a frame forgets
comments and NOT NULL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField

from strata.contract.columns import Table, extend
from strata.contract.spark import as_table, columns_of, comment_of, spark_type
from strata.errors import ProjectError, StrataError
from strata.project.models import Storage
from strata.storage.commits import Commit, commit_of
from strata.storage.creation import create
from strata.storage.faults import Faults
from strata.storage.statements import (
    READER_VERSION_1,
    days_in,
    quoted,
    retention_properties,
    sought,
    statistics,
    ticked,
)


@dataclass(frozen=True)
class Lakehouse:
    """The tables of one project: at <root>/<schema>/<table>, or `<catalog>.<prefix><schema>.<table>`.

    Every commit carries `run_id` in its userMetadata, so that a run recognises its own work.
    """

    spark: SparkSession
    storage: Storage
    run_id: str
    retention_days: int = 30
    faults: Faults = field(default_factory=Faults.from_environment, compare=False, repr=False)
    """Passed before and after every commit."""
    _ensured: set[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=set)

    @property
    def _by_path(self) -> bool:
        return self.storage.catalog is None

    def address(self, table: type[Table]) -> str:
        """Path or quoted catalog name of `table`."""
        if self._by_path:
            return f"{(self.storage.root or '').rstrip('/')}/{table.schema}/{table.__name__}"
        return f"{self._schema_of(table)}.{ticked(table.__name__)}"

    def _schema_of(self, table: type[Table]) -> str:
        return f"{ticked(str(self.storage.catalog))}.{ticked(f'{self.storage.prefix}{table.schema}')}"

    def exists(self, table: type[Table]) -> bool:
        """True when the table has at least one commit."""
        if self._by_path:
            return bool(DeltaTable.isDeltaTable(self.spark, self.address(table)))
        return self.spark.catalog.tableExists(self.address(table))

    def delta(self, table: type[Table]) -> DeltaTable:
        """The table as Delta's own handle, for updates and history."""
        open_by = DeltaTable.forPath if self._by_path else DeltaTable.forName
        return open_by(self.spark, self.address(table))

    def read(self, table: type[Table], version: int | None = None) -> DataFrame:
        """The rows of `table`, of its newest version or of `version`."""
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.address(table)) if self._by_path else reader.table(self.address(table))

    def columns(self, table: type[Table]) -> dict[str, str]:
        """Name and Spark type of the columns a table has now; empty when it does not exist."""
        return {name: f.dataType.simpleString() for name, f in self._fields(table).items()}

    def _fields(self, table: type[Table]) -> dict[str, StructField]:
        return {f.name: f for f in self.read(table).schema.fields} if self.exists(table) else {}

    def grown(self, table: type[Table], found_at: type[Table] | None = None) -> type[Table]:
        """`table` with the columns it has gained on disk (or that `found_at` has): those of earlier projects too."""
        place = found_at or table
        if not self.exists(place):
            return table
        found = columns_of(self.read(place))
        return extend(table, tuple(c for c in found if c not in table.columns))

    def ensure(self, table: type[Table]) -> None:
        """Create the table from its contract, or add the columns and allow the NULLs that the contract has gained.

        Raises:
            ProjectError: a column exists with another type.
        """
        key = (table.full_name(), tuple((str(c), c.type.value) for c in table.columns))
        if key in self._ensured:
            return
        present = self._fields(table)
        if present:
            self._change_columns(table, present)
        else:
            self._create(table)
        self._ensured.add(key)

    def _create(self, table: type[Table]) -> None:
        properties = READER_VERSION_1 | retention_properties(self.retention_days) | statistics(sought(table))
        if not self._by_path:
            self._make_schema(table)
        with self.faults.around("create", table.full_name()):
            create(self.spark, table, self.address(table), properties, self._by_path)

    def _make_schema(self, table: type[Table]) -> None:
        self.spark.sql(f"create schema if not exists {self._schema_of(table)}")

    def _change_columns(self, table: type[Table], present: Mapping[str, StructField]) -> None:
        types = {name: f.dataType.simpleString() for name, f in present.items()}
        changed = [c for c in table.columns if c in present and types[c] != spark_type(c).simpleString()]
        if changed:
            found = ", ".join(f"{c} is {types[c]} and would become {c.type.value}" for c in changed)
            raise ProjectError(f"{table.full_name()}: {found}; a released column keeps its type: choose a new name")
        gained = [c for c in table.columns if c not in present]
        if gained:
            added = ", ".join(f"`{c}` {c.type.value} comment {quoted(comment_of(c))}" for c in gained)
            self._alter(table, f"add columns ({added})")
        for c in table.columns:
            if c.nullable and c in present and not present[c].nullable:
                self._alter(table, f"alter column `{c}` drop not null")

    def _alter(self, table: type[Table], change: str) -> None:
        with self.faults.around("alter", table.full_name()):
            self.spark.sql(f"alter table {self._named(table)} {change}")

    def _named(self, table: type[Table]) -> str:
        return f"delta.{ticked(self.address(table))}" if self._by_path else self.address(table)

    def properties(self, table: type[Table]) -> dict[str, str]:
        """The properties of a table, Delta's and others'."""
        rows = self.spark.sql(f"show tblproperties {self._named(table)}").collect()
        return {row["key"]: row["value"] for row in rows}

    def set_properties(self, table: type[Table], values: Mapping[str, str]) -> None:
        """Set properties of a table; one commit."""
        listed = ", ".join(f"{quoted(name)} = {quoted(value)}" for name, value in values.items())
        self._alter(table, f"set tblproperties ({listed})")

    def append(self, table: type[Table], frame: DataFrame, rows_per_file: int = 0) -> None:
        """Add the rows of `frame`; one commit.

        Args:
            table: created when it is not there.
            frame: the rows.
            rows_per_file: most rows of one data file, so that a later job can read it with many tasks; 0: no limit.
        """
        self.ensure(table)
        options = {"maxRecordsPerFile": str(rows_per_file)} if rows_per_file else {}
        self._write("append", table, frame, options)

    def withdraw_batches(self, table: type[Table], first: int) -> None:
        """Delete the rows of the batches from `first` on: those of a batch that was never finished; one commit."""
        with self.faults.around("withdraw", table.full_name()):
            self.delta(table).delete(f"batch_id >= {int(first)}")

    def overwrite(self, table: type[Table], frame: DataFrame) -> None:
        """Replace all rows; one commit."""
        self.ensure(table)
        self._write("overwrite", table, frame, {})

    def rebuild(self, table: type[Table], frame: DataFrame, note: str = "") -> None:
        """Replace rows and columns of an internal table; one commit, whose metadata is `run_id` and `note`.

        Such a table is born from its frame and so enforces nothing: what is wrong with its rows is for the gate to
        say, by name and number, and not for the write to fail on.
        """
        # Of the key only: Delta refuses to drop a column that it keeps statistics of, and other columns come and go.
        kept = statistics(c for c in table.grain if c != table.partition_by)
        if not self._by_path:
            self._make_schema(table)
        self._write("rebuild", table, frame, {"overwriteSchema": "true", **READER_VERSION_1, **kept}, note)

    def replace_days(self, table: type[Table], frame: DataFrame, days: Iterable[date], note: str = "") -> None:
        """Replace exactly the rows of these days of a table partitioned by month; one commit.

        Files of other months are not read; of these, the rows of other days are carried over.

        Args:
            table: with the columns event_date and event_month.
            frame: all rows of these days; a row of another day is refused.
            days: at least one.
            note: kept in the commit's metadata behind `run_id`.
        """
        listed = sorted(set(days))
        months = days_in("event_month", {day.replace(day=1) for day in listed})
        where = {"replaceWhere": f"{months} and {days_in('event_date', listed)}"}
        self._write("replace", table, frame, where, note)

    def replace_months(self, table: type[Table], frame: DataFrame, months: Iterable[date], note: str = "") -> None:
        """Replace the rows of these months of a table partitioned by month; a row of another is refused; one commit."""
        self._write("replace", table, frame, {"replaceWhere": days_in("event_month", months)}, note)

    def replace_slice(self, table: type[Table], frame: DataFrame, value: date, gone: Iterable[date] = ()) -> None:
        """Replace exactly the rows whose `slice_by` is `value`; a row outside the slice is refused; one commit.

        The same commit removes the slices `gone`.
        """
        self.ensure(table)
        if table.partition_by and "customer_id" in table.columns:
            # A task may read several staged files, and Spark would sort its rows by day alone, in any order of ours.
            frame = frame.sortWithinPartitions(table.partition_by, "customer_id")
        self._write("replace", table, frame, {"replaceWhere": days_in(str(table.slice_by), {value, *gone})})

    def remove_slices(self, table: type[Table], gone: Iterable[date]) -> None:
        """Remove the slices `gone`, and touch nothing else; one commit, none without any."""
        if listed := set(gone):
            nothing = self.read(table).where(F.lit(False))
            self._write("replace", self.grown(table), nothing, {"replaceWhere": days_in(str(table.slice_by), listed)})

    def _write(
        self, what: str, table: type[Table], frame: DataFrame, options: Mapping[str, str], note: str = ""
    ) -> None:
        mode = "append" if what == "append" else "overwrite"
        writer = as_table(frame, table).write.format("delta").mode(mode)
        writer = writer.options(**options, userMetadata=f"{self.run_id} {note}".strip())
        if "overwriteSchema" in options and table.partition_by:
            writer = writer.partitionBy(table.partition_by)
        with self.faults.around(what, table.full_name()):
            if self._by_path:
                writer.save(self.address(table))
            else:
                writer.saveAsTable(self.address(table))

    def last_commit(self, table: type[Table]) -> tuple[int, str]:
        """Version of the newest commit and its userMetadata: the run that made it, and its note."""
        newest = self.newest(table)
        return newest.version, newest.note

    def newest(self, table: type[Table]) -> Commit:
        """The newest commit."""
        (found,) = self._commits(table, 1)
        return found

    def commits_since(self, table: type[Table], version: int) -> list[str] | None:
        """The userMetadata of the commits behind `version`; None when the log no longer reaches back to it."""
        newest, _ = self.last_commit(table)
        if newest < version:
            return None
        commits = self._commits(table, newest - version + 1)
        since = [commit.note for commit in commits if commit.version > version]
        return since if len(since) == newest - version else None

    def rows_written(self, table: type[Table]) -> int:
        """Rows that the newest commit has put into data files, as the writing tasks counted them.

        Raises:
            StrataError: the log does not tell.
        """
        counted = self.newest(table).rows
        if counted is None:
            raise StrataError(
                f"{table.full_name()}: its log does not tell how many rows were written;"
                " spark.databricks.delta.history.metricsEnabled must be true"
            )
        return counted

    def _commits(self, table: type[Table], most: int) -> list[Commit]:
        """What the log tells of the newest commits, the newest first.

        Of a local folder that is read without Spark, to which every question is two jobs.
        """
        if self.storage.is_local:
            import deltalake  # noqa: PLC0415 - on a cluster nothing of a run needs it

            return [commit_of(told) for told in deltalake.DeltaTable(self.address(table)).history(most)]
        return [commit_of(row.asDict()) for row in self.delta(table).history(most).collect()]
