"""The gate over staging: every check of every table, on exactly the versions that would be promoted."""

from collections.abc import Sequence

from strata.contract.columns import Table
from strata.contract.operations import quality_metrics, quality_results
from strata.contract.spark import frame_of, rows_of
from strata.pipeline.context import Run, Target
from strata.quality.gate import Gate
from strata.quality.metrics import count_segments, measure, shares
from strata.quality.suites import Subject, suite
from strata.quality.verdicts import Verdict, require_open, result_rows, warnings
from strata.storage.fingerprints import fingerprint
from strata.storage.promotion import Staged, staging

MEASURED = ("table_name", "metric", "dimension", "value")
Segments = dict[str, tuple[str, ...]]


def gate(run: Run, target: Target, tables: Sequence[tuple[type[Table], int]], segments: Segments) -> list[Staged]:
    """Check what lies in staging; returns the versions that passed, with their counts and hashes.

    Verdicts and metrics are kept whatever they say.

    Args:
        run: where results go.
        target: the release the rows must belong to.
        tables: published contracts as staged, each with its version in staging.
        segments: segmentation -> its segments.

    Raises:
        GateClosed: a check of severity fail did not hold.
    """
    with run.stage("gate", f"every check of {len(tables)} tables") as outcome:
        judge, subject = Gate(), Subject(target.as_of, target.release_id, segments)
        checked = [_check(run, judge, subject, table, version) for table, version in tables]
        verdicts = [v for found, _, _ in checked for v in found]
        _keep(run, target, verdicts, [metrics for _, metrics, _ in checked])
        broken = sum(not v.success for v in verdicts)
        outcome.rows_in = sum(staged.row_count for _, _, staged in checked)
        outcome.text = f"{len(verdicts)} checks on {outcome.rows_in:,} rows, {broken or 'none'} failed"
        outcome.notes = warnings(verdicts)
        require_open(verdicts)
    return [staged for _, _, staged in checked]


def _check(
    run: Run, judge: Gate, subject: Subject, table: type[Table], version: int
) -> tuple[tuple[Verdict, ...], list[dict[str, object]], Staged]:
    """Judge, measure and fingerprint one version of one table, which is held in memory meanwhile."""
    frame = run.lakehouse.read(staging(table), version).persist()
    try:
        verdicts = judge.validate(table.full_name(), frame, suite(table, run.project.checks, subject))
        rows = rows_of(measure(frame, table).crossJoin(fingerprint(frame)))
        named = {"segmentation", "segment"} <= set(table.columns)
        counted = rows_of(count_segments(frame)) if named else []
    finally:
        frame.unpersist()
    metrics = [{name: row[name] for name in MEASURED} for row in rows]
    metrics += shares(table, counted, subject.segments) if named else []
    return verdicts, metrics, Staged(table, version, rows[0]["row_count"], rows[0]["content_hash"])


def _keep(run: Run, target: Target, verdicts: Sequence[Verdict], metrics: Sequence[list[dict[str, object]]]) -> None:
    """Append results and metrics; one commit each."""
    spark, about = run.lakehouse.spark, (run.run_id, target.release_id, target.as_of)
    results = frame_of(spark, quality_results, result_rows(verdicts, *about))
    run.lakehouse.append(quality_results, results.coalesce(1))
    marks = dict(zip(("run_id", "release_id", "as_of_date"), about, strict=True))
    history = frame_of(spark, quality_metrics, [{**marks, **row} for rows in metrics for row in rows])
    run.lakehouse.append(quality_metrics, history.coalesce(1))
