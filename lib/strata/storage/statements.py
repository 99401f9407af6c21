"""What is said to Delta in SQL and in properties of tables. Pure: text in, text out."""

from collections.abc import Iterable, Mapping
from datetime import date

from strata.contract.columns import Table, Type
from strata.contract.spark import comment_of

READER_VERSION_1 = {
    "delta.minReaderVersion": "1",
    "delta.minWriterVersion": "2",
    "delta.enableDeletionVectors": "false",
}


def definition(
    name: str, table: type[Table], comment: str, properties: Mapping[str, str], verb: str = "create table if not exists"
) -> str:
    """The statement that creates or replaces a table; Delta's builder takes names of two parts only."""
    columns = ", ".join(
        f"`{c}` {c.type.value}{'' if c.nullable else ' not null'} comment {quoted(comment_of(c))}"
        for c in table.columns
    )
    parts = f" partitioned by (`{table.partition_by}`)" if table.partition_by else ""
    listed = ", ".join(f"{quoted(key)} = {quoted(value)}" for key, value in properties.items())
    about = f"using delta{parts} comment {quoted(comment)} tblproperties ({listed})"
    return f"{verb} {name} ({columns}) {about}"


def retention_properties(days: int) -> dict[str, str]:
    """What makes Delta keep the versions of the last `days`: files that they need, and the log that names them."""
    interval = f"interval {days} days"
    return {"delta.deletedFileRetentionDuration": interval, "delta.logRetentionDuration": interval}


def sought(table: type[Table]) -> list[str]:
    """The columns by whose least and greatest value readers skip files: key, days and moments.

    Those of every column would cost each write an aggregate over it and each read a parse of it.
    """
    wanted = [c for c in table.columns if c in table.grain or c.type in (Type.DATE, Type.INSTANT) or c == "batch_id"]
    return [str(c) for c in wanted if c != table.partition_by]


def statistics(columns: Iterable[str]) -> dict[str, str]:
    """The property that has Delta keep least and greatest values of these columns only."""
    return {"delta.dataSkippingStatsColumns": ",".join(f"`{c}`" for c in columns)}


def days_in(column: str, days: Iterable[date]) -> str:
    """The condition that a column holds one of these days."""
    return f"{column} in ({', '.join(f'date {day.isoformat()!r}' for day in sorted(days))})"


def ticked(name: str) -> str:
    """A name in SQL, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def quoted(text: str) -> str:
    """A text in SQL, whatever it holds."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
