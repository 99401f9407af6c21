"""Units within customers: their features beside the snapshot, their segments in staging."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import silver
from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, snapshot
from strata.contract.feature_tables import units as unit_table
from strata.contract.published import segment_membership, unit_segments
from strata.contract.spark import frame_of
from strata.errors import InputError
from strata.features.units import build_units, plan_units, unit_columns
from strata.pipeline.context import Run, Target, dates_built
from strata.pipeline.history import extent_of
from strata.pipeline.staged import stage
from strata.pipeline.tiles import read_valid
from strata.project.models import Segmentation
from strata.project.names import names_of_features
from strata.segments.units import assign_units, roll_up
from strata.storage.promotion import staging
from strata.storage.session import sized_for


def write_units(run: Run, targets: Sequence[Target]) -> None:
    """Write `features.units` for releases of one known_at, as of every date of their snapshot; nothing without units.

    The dates of backtests are among them: audiences may name a segmentation per unit.
    """
    if not run.project.units:
        return
    lakehouse, known_at, plan = run.lakehouse, targets[0].release.known_at, plan_units(run.project)
    as_ofs = sorted({day for target in targets for day in dates_built(run, target)})
    with run.stage("units", f"features of every {' and '.join(u.name for u in plan.units)}") as outcome:
        tables: dict[str, type[Table]] = {"events": silver.events}
        tables |= {"products": silver.products} if plan.products else {}
        tables |= {"places": silver.places} if plan.places else {}
        known = {name: read_valid(run, table, known_at) for name, table in tables.items()}
        base = lakehouse.read(snapshot)
        columns = unit_columns(plan.features)
        with sized_for(lakehouse.spark, extent_of(lakehouse.read(daily)).rows):
            made = build_units(known, plan, as_ofs, base)
            lakehouse.rebuild(extend(unit_table, columns), made, " ".join(_marks(targets)))
        outcome.rows_out = lakehouse.rows_written(unit_table)
        outcome.text = f"{outcome.rows_out:,} units × {len(columns)} features"


def with_units(run: Run, target: Target, customers: DataFrame) -> DataFrame:
    """The customers with what their units come to in each segmentation per unit (`segments.units.roll_up`).

    Raises:
        InputError: the stage features has not run for this release.
    """
    per_unit = _per_unit(run)
    return roll_up(_assigned(run, target, customers), customers, per_unit) if per_unit else customers


def stage_units(run: Run, target: Target, customers: DataFrame) -> None:
    """Write `unit_segments` to staging, behind `segment_membership`: the units of its members.

    Args:
        run: where to write.
        target: the release.
        customers: as_of_date, customer_id and features.
    """
    per_unit = _per_unit(run)
    if not per_unit:
        stage(run, target, unit_segments, frame_of(run.lakehouse.spark, unit_segments, []).drop("release_id"))
        return
    rows = _assigned(run, target, customers).where(F.col("as_of_date") == F.lit(target.as_of))
    if any(s.base is not None or s.purpose is not None for s in per_unit):
        of_members = ["as_of_date", "customer_id", "segmentation"]
        rows = rows.join(run.lakehouse.read(staging(segment_membership)).select(*of_members), of_members, "left_semi")
    stage(run, target, unit_segments, rows)


def _per_unit(run: Run) -> list[Segmentation]:
    return [s for s in run.project.segmentations if s.per is not None]


def _assigned(run: Run, target: Target, customers: DataFrame) -> DataFrame:
    names = names_of_features((*run.project.features, *run.project.unit_features))
    return assign_units(_read_units(run, target), customers, _per_unit(run), names)


def _read_units(run: Run, target: Target) -> DataFrame:
    found = run.lakehouse.last_commit(unit_table)[1] if run.lakehouse.exists(unit_table) else "nothing"
    if target.release_id not in found.split():
        raise InputError(
            f"features.units: holds {found!r}, expected the units of release {target.release_id[:12]} as of"
            f" {target.as_of}; run `strata features --as-of {target.as_of}` first"
        )
    return run.lakehouse.read(unit_table)


def _marks(targets: Sequence[Target]) -> list[str]:
    return ["units", *(target.release_id for target in targets)]
