"""Stage features: events to tiles, tiles to the snapshot of every feature of every customer of the base."""

import hashlib
import json
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import silver
from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, pairs, snapshot
from strata.features.cells import build_cells, build_daily
from strata.features.profiles import build_base
from strata.features.snapshot import build_snapshot
from strata.features.spreading import keep_values
from strata.features.tiles import TilePlan, cell_columns, plan_tiles, tile_columns
from strata.features.wide import snapshot_columns
from strata.ingest.revisions import FEW_KEYS, corrections, valid_rows
from strata.pipeline.context import Run, Target


def build_features(run: Run, target: Target) -> None:
    """Write `features.daily`, `features.pairs` where a feature has `by`, and `features.snapshot`.

    Tiles are kept from the run before when neither definitions nor known data have changed: then no event is read.
    """
    plan = plan_tiles(run.project)
    _build_tiles(run, target, plan)
    _build_snapshot(run, target, plan)


def read_valid(run: Run, target: Target, table: type[Table]) -> DataFrame:
    """The rows of a silver table as known at the target's moment; no rows when nothing feeds it."""
    run.lakehouse.ensure(run.lakehouse.grown(table))
    rows = run.lakehouse.read(table)
    may_be_many = table in (silver.events, silver.customers)
    many = may_be_many and corrections(rows).count() > FEW_KEYS
    return valid_rows(rows, table, target.release.known_at, many_corrected=many)


def _build_tiles(run: Run, target: Target, plan: TilePlan) -> None:
    lakehouse = run.lakehouse
    note = _tiles_note(plan, target)
    needed = (daily, pairs) if plan.by else (daily,)
    if all(lakehouse.exists(t) and lakehouse.last_commit(t)[1].endswith(note) for t in needed):
        return
    with run.stage("tiles", "events to partial results per customer and day") as outcome:
        events, products, places = (read_valid(run, target, t) for t in (silver.events, silver.products, silver.places))
        cells = build_cells(events, products, places, plan)
        if plan.by:
            lakehouse.rebuild(extend(pairs, cell_columns(plan)), cells, note)
            cells = lakehouse.read(pairs)
        lakehouse.rebuild(extend(daily, tile_columns(plan)), build_daily(cells, plan), note)
        counted = lakehouse.read(daily).agg(F.count(F.lit(1)).alias("days"), F.sum("event_count").alias("events"))
        found = counted.first()
        if found is not None:
            outcome.rows_in, outcome.rows_out = found["events"], found["days"]
        outcome.text = f"{outcome.rows_in or 0:,} events to {outcome.rows_out or 0:,} customer-days"


def _tiles_note(plan: TilePlan, target: Target) -> str:
    """What tiles are a function of: their columns (a name holds the hash of its condition), joins, and known_at."""
    columns = [str(c) for c in (*cell_columns(plan), *tile_columns(plan))]
    content = json.dumps([columns, dict(plan.products), dict(plan.places), target.release.known_at.isoformat()])
    return f"tiles {hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _build_snapshot(run: Run, target: Target, plan: TilePlan) -> None:
    lakehouse = run.lakehouse
    back = sorted({a.backtest_days for a in run.project.audiences})
    as_ofs = [target.as_of, *(target.as_of - timedelta(days=n) for n in back)]
    with run.stage("features", f"every feature as of {target.as_of}") as outcome:
        tiles = lakehouse.read(daily)
        cells = lakehouse.read(pairs) if plan.by else None
        decided = keep_values(cells, plan, as_ofs) if cells is not None else plan
        customers = read_valid(run, target, silver.customers)
        base = build_base(tiles, customers, as_ofs)
        frame = build_snapshot(tiles, cells, customers, base, decided, as_ofs)
        columns = snapshot_columns(decided)
        lakehouse.rebuild(extend(snapshot, columns), frame, f"snapshot {target.release_id}")
        outcome.rows_out = lakehouse.read(snapshot).where(F.col("as_of_date") == F.lit(target.as_of)).count()
        outcome.text = f"{outcome.rows_out:,} customers × {len(columns)} features"
