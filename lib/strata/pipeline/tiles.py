"""Stage tiles: events to partial results per customer and day; afterwards only what has changed is made again.

Tiles are a function of definitions and known_at. What they were made of stands in the note of their last commit; from
there to any other known_at, later or earlier, only the days differ on which a row lies that is known in one of the two
states and not in the other. A replay is a refresh backwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import silver
from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, pairs
from strata.features import changes
from strata.features.cells import DAY, build_cells, build_daily
from strata.features.state import TileState, grain_of, read_state
from strata.features.tiles import TilePlan, cell_columns, tile_columns
from strata.ingest.revisions import corrections, valid_rows
from strata.pipeline.context import Outcome, Run
from strata.project.names import DATED_TABLES
from strata.storage.session import sized_for

DIMENSIONS = (("product_id", silver.products), ("place_id", silver.places))
LARGE = (silver.events, silver.customers)
"""Tables that may hold more corrections than can be sent to every executor, and whose keys are many bytes to read."""


def read_valid(run: Run, table: type[Table], known_at: datetime) -> DataFrame:
    """The rows of a silver table as known at a moment; no rows when nothing feeds it."""
    rows = _read(run, table)
    corrected = corrections(rows).count() if table in LARGE else None
    return valid_rows(rows, table, known_at, corrected)


def refresh_tiles(run: Run, plan: TilePlan, known_at: datetime) -> None:
    """Bring `features.daily`, and `features.pairs` where a feature looks at values, to the state of `known_at`."""
    state = _stored_state(run, plan)
    if state is None:
        with run.stage("tiles", "events to partial results per customer and day") as outcome:
            _build_all(run, plan, known_at, outcome)
        return
    days = _changed_days(run, plan, state.known_at, known_at)
    added = [p for p in plan.partials if p.name not in state.columns]
    if not days and not added:
        return
    with run.stage("tiles", "what has changed since the tiles were made") as outcome:
        calendar = _calendar(run)
        corrected = [day for day in days if calendar and day <= calendar[1]]
        if calendar is None or 2 * len(corrected) > (calendar[1] - calendar[0]).days + 1:
            _build_all(run, plan, known_at, outcome)
            return
        kept = replace(plan, partials=tuple(p for p in plan.partials if p.name in state.columns))
        said = []
        if days:
            _replace_days(run, kept, days, known_at)
            said.append(f"{len(days) - len(corrected)} new days, {len(corrected)} corrected by late data")
        if added:
            with sized_for(run.lakehouse.spark, _read(run, silver.events).count()):
                said.append(_add_columns(run, plan, kept, known_at if days else state.known_at))
        outcome.text = "; ".join(said)


def _stored_state(run: Run, plan: TilePlan) -> TileState | None:
    """The state of the stored tiles; None: there are none, or none of this shape, or a crash left two states."""
    needed = (daily, pairs) if plan.by else (daily,)
    states = {tile_state(run, table) for table in needed}
    if len(states) != 1:
        return None
    (state,) = states
    return state if state is not None and state.grain == grain_of(plan) else None


def tile_state(run: Run, table: type[Table]) -> TileState | None:
    """What the note of the table's newest commit says."""
    return read_state(run.lakehouse.last_commit(table)[1]) if run.lakehouse.exists(table) else None


def _build_all(run: Run, plan: TilePlan, known_at: datetime, outcome: Outcome) -> None:
    rows = _read(run, silver.events).count()
    state = TileState(grain_of(plan), frozenset(p.name for p in plan.partials), known_at)
    with sized_for(run.lakehouse.spark, rows):
        cells = build_cells(_silver(run, plan, known_at), plan)
        _write(run, plan, cells, state, None)
    outcome.rows_in, outcome.rows_out = rows, run.lakehouse.rows_written(daily)
    outcome.text = f"{outcome.rows_in:,} rows of events to {outcome.rows_out:,} customer-days"


def _write(run: Run, plan: TilePlan, cells: DataFrame, state: TileState, days: Sequence[date] | None) -> None:
    """Write pairs and daily: all of them, or these days; daily is rolled up from pairs where there are any."""
    if plan.by:
        _put(run, extend(pairs, cell_columns(plan)), cells, state, days)
        cells = changes.of_days(run.lakehouse.read(pairs), days)
    _put(run, extend(daily, tile_columns(plan)), build_daily(cells, plan), state, days)


def _put(run: Run, table: type[Table], tiles: DataFrame, state: TileState, days: Sequence[date] | None) -> None:
    rows = tiles.withColumn("event_month", F.trunc("event_date", "month"))
    if days is None:
        run.lakehouse.rebuild(table, rows, state.note())
    else:
        run.lakehouse.replace_days(table, rows, days, state.note())


def _replace_days(run: Run, plan: TilePlan, days: Sequence[date], known_at: datetime) -> None:
    """Make the tiles of these days again."""
    state = TileState(grain_of(plan), frozenset(p.name for p in plan.partials), known_at, days[0])
    known = _silver(run, plan, known_at)
    dated = {table: changes.of_days(rows, days, str(DATED_TABLES[table][1])) for table, rows in known.items()
             if table in DATED_TABLES}  # fmt: skip
    _write(run, plan, build_cells({**known, **dated}, plan), state, days)


def _add_columns(run: Run, plan: TilePlan, kept: TilePlan, known_at: datetime) -> str:
    """Give the tiles the columns that new definitions need; the others stay as they are."""
    lakehouse = run.lakehouse
    there = {p.name for p in kept.partials}
    added = replace(plan, partials=tuple(p for p in plan.partials if p.name not in there))
    state = TileState(grain_of(plan), frozenset(p.name for p in plan.partials), known_at)
    cells = build_cells(_silver(run, plan, known_at), added)
    if plan.by:
        keys, table = (*DAY, *plan.by), extend(pairs, cell_columns(plan))
        lakehouse.rebuild(table, _beside(lakehouse.read(pairs), cells, keys, table), state.note())
        cells = lakehouse.read(pairs)
    days, table = build_daily(cells, added), extend(daily, tile_columns(plan))
    lakehouse.rebuild(table, _beside(lakehouse.read(daily), days, DAY, table), state.note())
    return f"{len(added.partials)} columns for new definitions, {len(there)} as they were"


def _beside(stored: DataFrame, made: DataFrame, keys: Sequence[str], table: type[Table]) -> DataFrame:
    """The stored rows with the columns that were made for them; both have the same keys, NULLs among them.

    Columns that no definition needs any more are left behind.
    """
    new = [c for c in made.columns if c not in (*keys, "event_count", "event_month")]
    named = made.select(*(F.col(k).alias(f"_{k}") for k in keys), *new)
    same = [F.col(k).eqNullSafe(F.col(f"_{k}")) for k in keys]
    kept = [c for c in stored.columns if c in table.columns and c not in new]
    return stored.select(*kept).join(named, same).drop(*(f"_{k}" for k in keys))


def _calendar(run: Run) -> tuple[date, date] | None:
    """The first and the last day with a tile; answered from statistics."""
    ends = run.lakehouse.read(daily).agg(F.min("event_date").alias("first"), F.max("event_date").alias("last")).first()
    return None if ends is None or ends["first"] is None else (ends["first"], ends["last"])


def _changed_days(run: Run, plan: TilePlan, before: datetime, after: datetime) -> list[date]:
    """The days whose tiles differ between two moments, ascending."""
    if before == after:
        return []
    parts = []
    for table in plan.tables:
        rows = _read(run, DATED_TABLES[table][0])
        arrived = changes.arrived_between(rows, before, after)
        parts.append(
            changes.days_of_events(arrived) if table == "events" else changes.days_of_rows(table, rows, arrived)
        )
    for (key, dimension), columns in zip(DIMENSIONS, (plan.products, plan.places), strict=True):
        changed = _changed_names(run, dimension, key, columns, before, after) if columns else None
        if changed is not None and not changed.isEmpty():
            known = _read(run, silver.events).where(F.col("ingested_at") <= F.lit(max(before, after)))
            parts.append(changes.days_with(known, changed, key))
    return sorted(row["event_date"] for row in changes.distinct_days(parts).collect())


def _changed_names(
    run: Run, table: type[Table], key: str, columns: Mapping[str, str], before: datetime, after: datetime
) -> DataFrame:
    rows = _read(run, table)
    arrived = changes.arrived_between(rows, before, after)
    then, now = (valid_rows(rows, table, moment) for moment in (before, after))
    return changes.changed_names(arrived, then, now, key, columns)


def _silver(run: Run, plan: TilePlan, known_at: datetime) -> dict[str, DataFrame]:
    """Valid rows of all that cells are made of."""
    tables = {table: DATED_TABLES[table][0] for table in plan.tables}
    dimensions = {t.__name__: t for (_, t), used in zip(DIMENSIONS, (plan.products, plan.places), strict=True) if used}
    return {name: read_valid(run, table, known_at) for name, table in {**tables, **dimensions}.items()}


def _read(run: Run, table: type[Table]) -> DataFrame:
    run.lakehouse.ensure(run.lakehouse.grown(table))
    return run.lakehouse.read(table)
