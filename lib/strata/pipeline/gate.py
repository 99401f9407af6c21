"""The gate over staging: every check of every table, on exactly the versions that would be promoted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from strata.contract.columns import Table
from strata.contract.operations import quality_metrics, quality_results
from strata.contract.spark import frame_of, rows_of
from strata.pipeline.context import Run, Target
from strata.pipeline.past import measure_input, read_past
from strata.project.policies import Check
from strata.publish.catalog import live_rows
from strata.quality.against import judge_history
from strata.quality.gate import Gate
from strata.quality.metrics import count_segments, measure, shares
from strata.quality.suites import Subject, suite
from strata.quality.verdicts import Verdict, require_open, result_rows, warnings
from strata.storage.commits import Commit
from strata.storage.concurrent import concurrently
from strata.storage.fingerprints import fingerprints
from strata.storage.held import HELD, hold
from strata.storage.promotion import Staged, staging

MEASURED = ("table_name", "metric", "dimension", "value")
Segments = dict[str, tuple[str, ...]]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Examined:
    """What the gate knows of one table: verdicts of its suite, measures, how many rows it has and their hash."""

    verdicts: tuple[Verdict, ...]
    metrics: list[Row]
    row_count: int
    content_hash: str


def gate(run: Run, target: Target, tables: Sequence[tuple[type[Table], Commit]], segments: Segments) -> list[Staged]:
    """Check what lies in staging; returns the versions that passed, with their counts and hashes.

    Verdicts and metrics are kept whatever they say.

    Args:
        run: where results go.
        target: the release the rows must belong to.
        tables: published contracts as staged, each with its commit in staging.
        segments: segmentation -> its segments.

    Raises:
        GateClosed: a check of severity fail did not hold.
    """
    with run.stage("gate", f"every check of {len(tables)} tables") as outcome:
        judge, subject = Gate(), Subject(target.as_of, target.release_id, segments)
        # Of most tables planning takes longer than reading: tables wait for the driver, one for another.
        examined = concurrently(lambda staged: _examine(run, judge, subject, *staged), tables)
        metrics = [*(m for one in examined for m in one.metrics), *measure_input(run, target)]
        contracts = [table for table, _ in tables]
        verdicts = [v for one in examined for v in one.verdicts]
        verdicts += judge_history(metrics, read_past(run, target), target.as_of, contracts, run.project.history)
        _keep(run, target, verdicts, metrics)
        broken = sum(not v.success for v in verdicts)
        outcome.rows_in = sum(one.row_count for one in examined)
        outcome.text = f"{len(verdicts)} checks on {outcome.rows_in:,} rows, {broken or 'none'} failed"
        outcome.notes = warnings(verdicts)
        require_open(verdicts)
    found = zip(tables, examined, strict=True)
    return [Staged(table, commit.version, one.row_count, one.content_hash) for (table, commit), one in found]


def segments_of(catalog: Sequence[Mapping[str, Any]]) -> Segments:
    """The segments that rows may name, by segmentation; from rows of segment_catalog."""
    live = live_rows([dict(row) for row in catalog])
    names = dict.fromkeys(r["segmentation"] for r in live)
    return {name: tuple(r["segment"] for r in live if r["segmentation"] == name) for name in names}


def _examine(run: Run, judge: Gate, subject: Subject, table: type[Table], commit: Commit) -> Examined:
    """Examine one version of one table, which is held in memory meanwhile: of the driver, when it is small."""
    checks = run.project.checks
    if commit.rows is not None and commit.rows <= HELD:
        return examine(judge, subject, table, hold(run.lakehouse, staging(table), commit.version), checks)
    frame = run.lakehouse.read(staging(table), commit.version).persist()
    try:
        return examine(judge, subject, table, frame, checks)
    finally:
        frame.unpersist()


def examine(judge: Gate, subject: Subject, table: type[Table], frame: DataFrame, checks: Sequence[Check]) -> Examined:
    """Judge, measure and fingerprint a table.

    Args:
        judge: of this run.
        subject: what the rows must be about.
        table: its contract.
        frame: its rows.
        checks: of quality.yml.
    """
    verdicts = judge.validate(table.full_name(), frame, suite(table, checks, subject))
    if set(table.columns) - set(frame.columns):  # nothing can be measured, and the gate is closed
        return Examined(verdicts, [], verdicts[0].row_count, "")
    rows = rows_of(measure(frame, table, fingerprints(frame.columns)))
    metrics = [{name: row[name] for name in MEASURED} for row in rows]
    if {"segmentation", "segment"} <= set(table.columns):
        metrics += shares(table, rows_of(count_segments(frame)), subject.segments)
    return Examined(verdicts, metrics, rows[0]["row_count"], rows[0]["content_hash"])


def _keep(run: Run, target: Target, verdicts: Sequence[Verdict], metrics: Sequence[Row]) -> None:
    """Append results and metrics; one commit each."""
    spark, about = run.lakehouse.spark, (run.run_id, target.release_id, target.as_of)
    results = frame_of(spark, quality_results, result_rows(verdicts, *about))
    run.lakehouse.append(quality_results, results.coalesce(1))
    marks = dict(zip(("run_id", "release_id", "as_of_date"), about, strict=True))
    history = frame_of(spark, quality_metrics, [{**marks, **row} for row in metrics])
    run.lakehouse.append(quality_metrics, history.coalesce(1))
