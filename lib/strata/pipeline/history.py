"""What of the tiles has been merged already: the history before all windows, and whole months of large tables.

Both are made from features.daily and may be dropped at any time. The note of their last commit says from which version
of daily, and daily's own commits since then say from which day on it has changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, lifetime, monthly
from strata.features.lifetime import (
    build_lifetime,
    extend_lifetime,
    last_day,
    lifetime_columns,
    lifetime_measures,
)
from strata.features.months import build_months, last_of, month_columns, month_measures, whole_months
from strata.features.state import TileState, read_state, unchanged_through
from strata.features.tiles import TilePlan
from strata.pipeline.context import Run

WORTH = 5_000_000
"""Tiles from which on months pay: with fewer, another table costs more than merging all days."""
LIFETIME, MONTHS = "lifetime ", "months "


@dataclass(frozen=True, slots=True)
class Extent:
    """How many tiles there are, and the first day of one."""

    rows: int
    first_day: date | None


def extent_of(days: DataFrame) -> Extent:
    """Answered from statistics."""
    found = days.agg(F.count(F.lit(1)).alias("rows"), F.min("event_date").alias("first_day")).first()
    return Extent(found["rows"], found["first_day"]) if found else Extent(0, None)


def take_history(run: Run, plan: TilePlan, as_ofs: Sequence[date], extent: Extent) -> dict[str, DataFrame]:
    """`daily`, `lifetime` and `months` as `build_snapshot` takes them: every day in one of the three."""
    days = run.lakehouse.read(daily)
    if extent.first_day is None:
        return {"daily": days}
    begins, parts = extent.first_day, {"daily": days}
    through = last_day(plan, as_ofs)
    if lifetime_measures(plan) and begins <= through and _bring_lifetime(run, plan, days, through):
        behind = days.where(F.col("event_date") > F.lit(through))
        begins, parts = through + timedelta(days=1), {"daily": behind, "lifetime": run.lakehouse.read(lifetime)}
    months = whole_months(plan, as_ofs, begins) if extent.rows >= WORTH and month_measures(plan) else ()
    if not months:
        return parts
    _bring_months(run, plan, days, months)
    is_whole = F.col("event_month").isin(*months)
    return {**parts, "daily": parts["daily"].where(~is_whole), "months": run.lakehouse.read(monthly).where(is_whole)}


def _bring_lifetime(run: Run, plan: TilePlan, days: DataFrame, through: date) -> bool:
    """Bring `lifetime` up to a day; False: it is further already, and serves the dates to come."""
    noted, states = made_of(run, extend(lifetime, lifetime_columns(plan)), LIFETIME)
    stored = date.fromisoformat(noted[0]) if noted else None
    if stored is not None and not unchanged_through(states, stored):
        stored = None
    if stored is not None and stored > through:
        return False
    if stored is None:
        _put_lifetime(run, plan, build_lifetime(days, plan, through), through)
    elif stored < through:
        later = build_lifetime(days.where(F.col("event_date") > F.lit(stored)), plan, through)
        _put_lifetime(run, plan, extend_lifetime(run.lakehouse.read(lifetime), later, plan), through)
    return True


def _put_lifetime(run: Run, plan: TilePlan, made: DataFrame, through: date) -> None:
    run.lakehouse.rebuild(extend(lifetime, lifetime_columns(plan)), made, _note(run, LIFETIME, [through]))


def _bring_months(run: Run, plan: TilePlan, days: DataFrame, months: Sequence[date]) -> None:
    """Make the months that are missing, or of which a day has changed."""
    table = extend(monthly, month_columns(plan))
    noted, states = made_of(run, table, MONTHS)
    there = {month for month in map(date.fromisoformat, noted) if unchanged_through(states, last_of(month))}
    missing = sorted(set(months) - there)
    if not missing:
        return
    made = build_months(days.where(F.col("event_month").isin(*missing)), plan)
    note = _note(run, MONTHS, sorted(there.union(missing)))
    if there:
        run.lakehouse.replace_months(table, made, missing, note)
    else:
        run.lakehouse.rebuild(table, made, note)


def _note(run: Run, mark: str, days: Iterable[date]) -> str:
    version, _ = run.lakehouse.last_commit(daily)
    return f"{mark}{version} {' '.join(map(str, days))}"


def made_of(run: Run, table: type[Table], mark: str) -> tuple[list[str], list[TileState | None]]:
    """The days that a table's note names, and what daily has become since; no days: there is nothing to build on.

    A column more is as wrong as one less: months made without it would have nothing in it.
    """
    lakehouse = run.lakehouse
    if set(map(str, table.columns)) != lakehouse.columns(table).keys():
        return [], []
    _, is_noted, written = lakehouse.last_commit(table)[1].partition(mark)
    if not is_noted:
        return [], []
    version, *noted = written.split()
    since = lakehouse.commits_since(daily, int(version))
    return ([], []) if since is None else (noted, [read_state(note) for note in since])
