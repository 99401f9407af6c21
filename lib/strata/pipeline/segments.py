"""Stage segments: the snapshot to one segment per customer and segmentation, in staging."""

from pyspark.sql import functions as F

from strata.contract.columns import extend
from strata.contract.published import customer_segments, segment_membership
from strata.contract.spark import rows_of
from strata.errors import InputError, Problem
from strata.pipeline.audiences import Audiences
from strata.pipeline.clusterings import stage_clusterings
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import read_customers
from strata.pipeline.models import Assigning, find_models
from strata.pipeline.reliability import build_reliability
from strata.pipeline.staged import stage
from strata.pipeline.units import stage_units
from strata.project.references import audiences_in, declared_segments
from strata.publish.catalog import segment_columns
from strata.segments.assign import to_columns, to_rows
from strata.storage.concurrent import concurrently
from strata.storage.promotion import staging


def build_segments(run: Run, target: Target, audiences: Audiences) -> None:
    """Write `segment_membership`, `customer_segments`, `unit_segments`, what is said of clusterings to staging.

    Models and cuts that are not there are fitted and measured, audiences that conditions name are built.

    Raises:
        InputError: nobody is in the base of a segmentation.
    """
    named = audiences_in(text for s in run.project.segmentations for text in s.conditions)
    customers = audiences.beside(read_customers(run, target), named)
    made = find_models(run, target, customers)
    with run.stage("segments", f"{len(made.segmentations)} segmentations") as outcome:
        assigned = made.assign(run, customers)
        wide = run.lakehouse.grown(extend(customer_segments, segment_columns([s.name for s in made.segmentations])))
        names_ever = [str(c) for c in wide.columns if c not in customer_segments.columns]
        concurrently(
            lambda table: stage(run, target, *table),
            [(segment_membership, to_rows(assigned, made.segmentations)), (wide, to_columns(assigned, names_ever))],
        )
        stage_units(run, target, customers)
        stage_clusterings(run, target, made.clusterings)
        sizes = _sizes(run)
        outcome.rows_out = sum(sizes.values())
        outcome.text = f"{outcome.rows_out:,} memberships in {len(made.segmentations)} segmentations"
    _look_at(run, target, made, sizes)
    build_reliability(run, target, made, _most(sizes))


def _most(sizes: dict[tuple[str, str | None], int]) -> int:
    """Customers of the largest base."""
    by_name: dict[str, int] = {}
    for (name, _), customers in sizes.items():
        by_name[name] = by_name.get(name, 0) + customers
    return max(by_name.values(), default=0)


def _sizes(run: Run) -> dict[tuple[str, str | None], int]:
    """Customers by segmentation and segment, as staged."""
    staged = run.lakehouse.read(staging(segment_membership))
    counted = rows_of(staged.groupBy("segmentation", "segment").agg(F.count("*").alias("customers")))
    return {(row["segmentation"], row["segment"]): row["customers"] for row in counted}


def _look_at(run: Run, target: Target, made: Assigning, sizes: dict[tuple[str, str | None], int]) -> None:
    """Say which segments nobody is in; refuse a segmentation whose base is empty."""
    empty = []
    for segmentation in made.segmentations:
        if not any(name == segmentation.name for name, _ in sizes):
            where = segmentation.base.where if segmentation.base else segmentation.where
            what = f"nobody is in the base of `{segmentation.name}` as of {target.as_of}"
            empty.append(Problem(where, what, "widen the base, or remove the segmentation"))
            continue
        for segment in declared_segments(segmentation):
            if (segmentation.name, segment.segment) not in sizes and segment.when is not None:
                run.progress.note(f"{segment.when.where}: nobody is in {segmentation.name} `{segment.segment}`")
    if empty:
        raise InputError(empty)
