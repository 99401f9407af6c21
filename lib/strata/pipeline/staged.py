"""Staging: where a release is built, table by table, before the gate looks at it."""

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Table
from strata.contract.spark import frame_of
from strata.errors import InputError
from strata.pipeline.context import Run, Target
from strata.storage.commits import Commit
from strata.storage.concurrent import concurrently
from strata.storage.promotion import staging


def stage(run: Run, target: Target, table: type[Table], frame: DataFrame) -> None:
    """Write a table of the release to staging; one commit, which names the release.

    Args:
        run: where to write.
        target: the release; its id becomes the column release_id.
        table: the published contract, with the columns the project adds.
        frame: the rows without release_id. Those of a table per customer are ranged and sorted by customer, so that
            readers can skip files; the others lie in one file.
    """
    marked = frame.withColumn("release_id", F.lit(target.release_id))
    _write(run, table, marked, target.note)


def stage_again(run: Run, table: type[Table], frame: DataFrame, release_id: str) -> Commit:
    """Write to staging what a release had of a table, with its column release_id; returns the commit."""
    _write(run, table, frame, release_id)
    return run.lakehouse.newest(staging(table))


def _write(run: Run, table: type[Table], marked: DataFrame, note: str) -> None:
    if table.partition_by:
        ordered = marked.repartitionByRange("customer_id").sortWithinPartitions("customer_id")
    else:
        ordered = marked.coalesce(1).sortWithinPartitions(*table.grain)
    run.lakehouse.rebuild(staging(table), ordered, note)


def stage_rows(run: Run, target: Target, table: type[Table], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a small table from rows of the driver."""
    marked = [{**row, "release_id": target.release_id} for row in rows]
    stage(run, target, table, frame_of(run.lakehouse.spark, table, marked))


def staged_commits(run: Run, target: Target, tables: Sequence[type[Table]]) -> list[tuple[type[Table], Commit]]:
    """Every table as it stands in staging, with the commit to look at.

    Raises:
        InputError: a table in staging is of another release, or looks back at others: a stage has not run.
    """
    there = [t for t in tables if run.lakehouse.exists(staging(t))]
    found = dict(zip(there, concurrently(lambda t: run.lakehouse.newest(staging(t)), there), strict=True))
    foreign = [t.full_name() for t in tables if t not in found or not found[t].note.endswith(target.note)]
    if foreign:
        raise InputError(
            f"staging: {', '.join(foreign)} do not hold release {target.release_id[:12]}, as of {target.as_of};"
            f" run `strata segments` and `strata audiences` with --as-of {target.as_of} first"
        )
    grown = concurrently(lambda t: run.lakehouse.grown(t, staging(t)), there)
    return [(table, found[t]) for t, table in zip(there, grown, strict=True)]
