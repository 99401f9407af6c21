"""Rejected records: their reasons go to silver.quarantine, the rows themselves, as they came, to restricted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.bronze import rejected_rows
from strata.contract.silver import quarantine
from strata.contract.spark import rows_of
from strata.ingest.mapping import REASONS
from strata.ingest.records import TRACE, as_list
from strata.pipeline.batch import Step
from strata.project.landed import UNREADABLE
from strata.project.sources import Source


@dataclass(frozen=True, slots=True)
class Rejected:
    """What quarantine got of a source: records per file hash, and per reason; a record may have several."""

    by_file: Mapping[str, int] = field(default_factory=dict)
    by_reason: Mapping[str, int] = field(default_factory=dict)


def reject(step: Step, source: Source, bad: DataFrame, rows: DataFrame) -> Rejected:
    """Write reasons and raw rows; what is counted is what was written.

    Args:
        step: the batch.
        source: where they came from.
        bad: records of `map_records` that have reasons.
        rows: the rows of bronze that the batch took.
    """
    told = bad.select(*TRACE, as_list(F.col(REASONS)).alias(REASONS), "source", "batch_id", "ingested_at")
    with step.shared:
        step.write(quarantine, told)
    mine = step.of_batch(quarantine).filter(F.col("source") == source.name)
    kept = rows.join(mine.select("file_hash", "row_number").distinct(), ["file_hash", "row_number"], "left_semi")
    trace = {"file_path", "file_hash", "row_number", "batch_id", UNREADABLE}
    raw = F.to_json(F.struct(*(f"`{c}`" for c in rows.columns if c not in trace)))
    if UNREADABLE in rows.columns:
        raw = F.coalesce(F.col(UNREADABLE), raw)
    named = kept.select(F.lit(source.name).alias("source"), "file_hash", "row_number", raw.alias("raw_row"), "batch_id")
    with step.shared:
        step.write(rejected_rows, named)
    return _counted(mine)


def _counted(mine: DataFrame) -> Rejected:
    by_file: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for row in rows_of(mine.groupBy("file_hash", REASONS).count()):
        by_file[row["file_hash"]] = by_file.get(row["file_hash"], 0) + row["count"]
        for reason in row[REASONS]:
            by_reason[reason] = by_reason.get(reason, 0) + row["count"]
    return Rejected(by_file, dict(sorted(by_reason.items(), key=lambda pair: (-pair[1], pair[0]))))
