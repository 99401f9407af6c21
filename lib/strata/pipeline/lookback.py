"""What an earlier release said, read again.

Most of it lies in the newest version. What a later release has replaced, or `keep` has removed, must be read at the
last version that still had it, and Delta keeps that for `retention_days` only.
"""

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Table
from strata.errors import InputError
from strata.pipeline.context import Run, Target
from strata.publish.release import Row, is_in_place, last_version, version_made_at


def read_released(run: Run, target: Target, table: type[Table], release: Sequence[Row]) -> DataFrame:
    """The rows of a published table as a release of the target's history has them.

    Raises:
        InputError: they are in place no longer, and the last version that had them is older than the project keeps.
    """
    if not is_readable(run, target, table, release):
        raise InputError(
            f"{table.full_name()}: release {release[0]['release_id'][:12]}, as of {release[0]['as_of_date']}, was"
            f" replaced or has expired, and versions are kept for {run.project.retention_days} days: what looked back"
            " at it cannot be built again as it was; with newer data or definitions a date looks back at what is there"
        )
    row = _row_of(table, release)
    version = None if is_in_place(target.history, table, row) else last_version(table, row)
    rows = run.lakehouse.read(table, version)
    if table.slice_by:
        rows = rows.where(F.col(table.slice_by) == F.lit(row["as_of_date"]))
    elif row["kind"] == "backfill":
        return rows  # those of the release that was current then: a backfill leaves a table without slices alone
    return rows.where(F.col("release_id") == row["release_id"])


def is_readable(run: Run, target: Target, table: type[Table], release: Sequence[Row]) -> bool:
    """Whether the rows are in place, or their version is young enough to be there for sure."""
    kept_since = run.clock() - timedelta(days=run.project.retention_days)
    row = _row_of(table, release)
    return is_in_place(target.history, table, row) or version_made_at(target.history, table, row) > kept_since


def _row_of(table: type[Table], release: Sequence[Row]) -> Row:
    return next(r for r in release if r["table_name"] == table.full_name())
