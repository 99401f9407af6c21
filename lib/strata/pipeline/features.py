"""Stage features: tiles brought up to date, then every feature of every customer of the base, as of one or more dates.

Dates that are built together share one scan of the tiles; each has the rows and columns it would have alone.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import silver
from strata.contract.columns import extend
from strata.contract.feature_tables import daily, kept_values, pairs, snapshot
from strata.contract.spark import frame_of
from strata.errors import InputError
from strata.features.profiles import HOME, profile_columns
from strata.features.snapshot import build_snapshot
from strata.features.spreading import Kept, keep_values, keeping
from strata.features.tiles import TilePlan, plan_tiles
from strata.features.wide import snapshot_columns, value_columns
from strata.pipeline.context import Run, Target, dates_built, dates_of
from strata.pipeline.history import extent_of, take_history
from strata.pipeline.tiles import read_valid, refresh_tiles
from strata.pipeline.units import write_units
from strata.storage.held import rows_held
from strata.storage.session import sized_for
from strata.storage.tables import Lakehouse


def build_features(run: Run, targets: Sequence[Target]) -> None:
    """Write daily, pairs, lifetime, monthly, kept_values, snapshot and units of `features`, for one known_at.

    Tiles are kept from the run before; only days that have changed since are made again.
    """
    plan = plan_tiles(run.project)
    refresh_tiles(run, plan, targets[0].release.known_at)
    _build_snapshot(run, targets, plan)
    write_units(run, targets)


def read_snapshot(run: Run, target: Target, *, back: bool = False, before: bool = False) -> DataFrame:
    """The features of a release: as of its date, with `back` as of the earlier dates of its backtests too.

    With `before` as of the date of the release looked back at instead; nobody where they were not built for it.

    Raises:
        InputError: the stage features has not run for this release.
    """
    require_features(run, target)
    plan, kept = plan_tiles(run.project), _read_kept(run)
    own, together = decided_plan(run, target), keeping(plan, kept.values())
    named = {
        name: value_columns(feature, together)[value]
        for feature in plan.spread() for value, name in value_columns(feature, own).items()
    }  # fmt: skip
    columns = [F.col(named.get(str(c), str(c))).alias(str(c)) for c in snapshot_columns(own)]
    dates = dates_of(run, target) if back else [target.as_of]
    dates = [target.previous[0]["as_of_date"]] if before else dates
    rows = run.lakehouse.read(snapshot).where(F.col("as_of_date").isin(*dates))
    return rows.select("as_of_date", "customer_id", *columns)


def decided_plan(run: Run, target: Target) -> TilePlan:
    """The plan with the values of `by ... keep` that the snapshot of a release has."""
    return keeping(plan_tiles(run.project), [_read_kept(run).get(target.as_of, {})])


def require_features(run: Run, target: Target) -> None:
    """Refuse to go on from a snapshot that was built for another release."""
    found = run.lakehouse.last_commit(snapshot)[1] if run.lakehouse.exists(snapshot) else "nothing"
    if target.release_id not in found.split():
        raise InputError(
            f"features.snapshot: holds {found!r}, expected the features of release {target.release_id[:12]} as of"
            f" {target.as_of}; run `strata features --as-of {target.as_of}` first"
        )


def _build_snapshot(run: Run, targets: Sequence[Target], plan: TilePlan) -> None:
    lakehouse, known_at = run.lakehouse, targets[0].release.known_at
    released = ", ".join(str(target.as_of) for target in targets)
    with run.stage("features", f"every feature as of {released}") as outcome:
        as_ofs = sorted({day for target in targets for day in dates_built(run, target)})
        tiles = {"customers": read_valid(run, silver.customers, known_at)}
        if HOME in profile_columns(plan.features, tiles["customers"].columns):
            tiles["places"] = read_valid(run, silver.places, known_at)
        decided, extent = plan, extent_of(lakehouse.read(daily))
        with sized_for(lakehouse.spark, extent.rows):
            if plan.by:
                tiles["pairs"] = lakehouse.read(pairs)
                decided = _decide(run, targets, plan, tiles["pairs"])
            tiles |= take_history(run, plan, as_ofs, extent)
            columns = snapshot_columns(decided)
            note = "snapshot " + " ".join(target.release_id for target in targets)
            lakehouse.rebuild(extend(snapshot, columns), build_snapshot(tiles, decided, as_ofs), note)
        outcome.rows_out = _rows_of(lakehouse, as_ofs, [target.as_of for target in targets])
        outcome.text = f"{outcome.rows_out:,} customers × {len(columns)} features"


def _rows_of(lakehouse: Lakehouse, written: Sequence[date], released: Sequence[date]) -> int:
    """Rows of the released dates: those the commit has counted, unless dates of backtests are among them."""
    if set(written) == set(released):
        return lakehouse.rows_written(snapshot)
    return lakehouse.read(snapshot).where(F.col("as_of_date").isin(*released)).count()


def _decide(run: Run, targets: Sequence[Target], plan: TilePlan, cells: DataFrame) -> TilePlan:
    """The plan with the values of `by ... keep`, which are also written down for the stages to come."""
    kept = keep_values(cells, plan, [target.as_of for target in targets])
    rows = [
        {"as_of_date": as_of, "feature": feature, "value": value, "place": place}
        for as_of, of_date in kept.items()
        for feature, values in of_date.items()
        for place, value in enumerate(values, 1)
    ]
    if any(kept.values()):
        run.lakehouse.rebuild(kept_values, frame_of(run.lakehouse.spark, kept_values, rows).coalesce(1))
    return keeping(plan, kept.values())


def _read_kept(run: Run) -> dict[date, Kept]:
    kept: dict[date, Kept] = {}
    rows = rows_held(run.lakehouse, kept_values)
    for row in sorted(rows, key=lambda row: row["place"]):
        of_date = dict(kept.get(row["as_of_date"], {}))
        kept[row["as_of_date"]] = {**of_date, row["feature"]: (*of_date.get(row["feature"], ()), row["value"])}
    return kept
