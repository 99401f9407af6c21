"""What releases have published, and what customers say now, read without a JVM."""

from collections.abc import Sequence
from datetime import date, timedelta

from strata.contract.columns import Table
from strata.contract.operations import releases
from strata.contract.silver import consents
from strata.project.models import Project
from strata.publish.release import is_in_place, last_version
from strata.segments.literals import text
from strata.storage.local import LocalTables, Row


def read_history(tables: LocalTables) -> list[Row]:
    """All rows of `releases`, as far as reading a release needs them."""
    if not tables.exists(releases):
        return []
    known, switched = (f"make_timestamp(epoch_us({name})) AS {name}" for name in ("known_at", "released_at"))  # in UTC
    last = "last_version" if "last_version" in tables.columns(releases) else "NULL AS last_version"
    versions = f"delta_version, {last}, {switched}, is_current"
    about = "row_count, content_hash, config_hash, code_version, run_id, previous_release_id"
    columns = f"release_id, table_name, sequence, kind, status, as_of_date, {known}, {versions}, {about}"
    return tables.rows(f"SELECT {columns} FROM {tables.relation(releases)}")


def has_table(release: Sequence[Row], table: type[Table]) -> bool:
    """Whether a release has the table; one made before the table was there has not."""
    return any(row["table_name"] == table.full_name() for row in release)


def released_rows(
    tables: LocalTables, table: type[Table], release: Sequence[Row], history: Sequence[Row], kept_since: date
) -> str:
    """The rows of a published table as a release has them: a query in parentheses.

    Args:
        tables: where they lie.
        table: one that the release has.
        release: its rows of `releases`.
        history: all rows of `releases`.
        kept_since: what was released after this day can be read at its version (`kept_since`).
    """
    row = next(r for r in release if r["table_name"] == table.full_name())
    if not table.slice_by:
        return tables.relation(table, row["delta_version"])
    # The version it made is safe from a run that replaces the slice just now, but is kept for a while only.
    in_newest = row["released_at"].date() <= kept_since and is_in_place(history, table, row)
    rows = tables.relation(table, None if in_newest else last_version(table, row), row["as_of_date"])
    return f"(SELECT * FROM {rows} WHERE release_id = {text(row['release_id'])})"


def kept_since(project: Project, judged_on: date) -> date:
    """What was released after this day can be read at its version for sure."""
    return judged_on - timedelta(days=project.retention_days)


def delivered_consents(tables: LocalTables) -> str | None:
    """silver.consents with all revisions, in parentheses; None: nobody has ever said anything.

    What was said counts also when no source delivers any more.
    """
    return tables.relation(consents) if tables.exists(consents) else None
