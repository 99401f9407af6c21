"""What an earlier release said, read again.

Most of it lies in the newest version. What a later release has replaced, or `keep` has removed, must be read at the
last version that still had it, and Delta keeps that for `retention_days` only.
"""

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import DataFrame

from strata.contract.columns import Table
from strata.errors import InputError
from strata.pipeline.context import Run, Target
from strata.publish.release import Row, is_in_place, last_version, version_made_at
from strata.storage.held import Only, rows_held, where


def read_released(run: Run, target: Target, table: type[Table], release: Sequence[Row]) -> DataFrame:
    """The rows of a published table as a release of the target's history has them.

    Raises:
        InputError: they are in place no longer, and the last version that had them is older than the project keeps.
    """
    version, only = _pinned(run, target, table, release)
    return where(run.lakehouse.read(table, version), only)


def rows_released(run: Run, target: Target, table: type[Table], release: Sequence[Row]) -> list[Row]:
    """As `read_released`, of a small table: its rows as dicts."""
    return rows_held(run.lakehouse, table, *_pinned(run, target, table, release))


def _pinned(run: Run, target: Target, table: type[Table], release: Sequence[Row]) -> tuple[int | None, Only]:
    """The version to read, None for the newest, and which rows of it."""
    if not is_readable(run, target, table, release):
        raise InputError(
            f"{table.full_name()}: release {release[0]['release_id'][:12]}, as of {release[0]['as_of_date']}, was"
            f" replaced or has expired, and versions are kept for {run.project.retention_days} days: what looked back"
            " at it cannot be built again as it was; with newer data or definitions a date looks back at what is there"
        )
    row = _row_of(table, release)
    version = None if is_in_place(target.history, table, row) else last_version(table, row)
    if row["kind"] == "backfill" and not table.slice_by:
        return version, {}  # those of the release that was current then: a backfill leaves it alone
    sliced = {table.slice_by: [row["as_of_date"]]} if table.slice_by else {}
    return version, {**sliced, "release_id": [row["release_id"]]}


def is_readable(run: Run, target: Target, table: type[Table], release: Sequence[Row]) -> bool:
    """Whether the rows are in place, or their version is young enough to be there for sure."""
    kept_since = run.clock() - timedelta(days=run.project.retention_days)
    row = _row_of(table, release)
    return is_in_place(target.history, table, row) or version_made_at(target.history, table, row) > kept_since


def _row_of(table: type[Table], release: Sequence[Row]) -> Row:
    return next(r for r in release if r["table_name"] == table.full_name())
