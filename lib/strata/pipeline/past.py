"""What the gate compares with: measures of released dates, and those of the input of this release."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from pyspark.sql import functions as F

from strata.contract.bronze import files
from strata.contract.operations import quality_metrics
from strata.contract.silver import events
from strata.contract.spark import rows_of
from strata.pipeline.context import Run, Target
from strata.pipeline.ingest import read_books
from strata.publish.release import WITHDRAWN
from strata.quality.against import Key
from strata.quality.arrivals import WEEK, event_metrics, measure_events
from strata.quality.history import MOST
from strata.storage.held import rows_held

Row = dict[str, Any]


def read_past(run: Run, target: Target) -> dict[Key, list[tuple[date, float]]]:
    """Measures of the latest release of each earlier date; what has none in it was not measured.

    A replay is held against what had been released before it was.
    """
    newest = released_before(target)
    if not newest:
        return {}
    made = {(r["run_id"], r["as_of_date"]) for r in newest}
    kept = rows_held(run.lakehouse, quality_metrics, only={"run_id": sorted({run_id for run_id, _ in made})})
    past: dict[Key, list[tuple[date, float]]] = {}
    for r in sorted(kept, key=lambda row: row["as_of_date"]):
        if r["value"] is not None and (r["run_id"], r["as_of_date"]) in made:
            past.setdefault((r["table_name"], r["metric"], r["dimension"]), []).append((r["as_of_date"], r["value"]))
    return past


def released_before(target: Target) -> list[Row]:
    """A row of the newest release of each of the latest dates before the target's; not of what was taken back."""
    until = min((r["sequence"] for r in target.released), default=None) if target.is_replay else None
    newest: dict[date, Row] = {}
    for r in target.history:
        is_earlier = r["as_of_date"] < target.as_of and (until is None or r["sequence"] < until)
        if is_earlier and r["status"] != WITHDRAWN:
            found = newest.get(r["as_of_date"])
            newest[r["as_of_date"]] = r if found is None or r["sequence"] > found["sequence"] else found
    return [newest[day] for day in sorted(newest)][-MOST:]


def measure_input(run: Run, target: Target) -> list[Row]:
    """Measures of the events since the release before, at most of a week, and of what has been rejected since."""
    return [*_of_events(run, target), *_of_files(run, target)]


def _of_events(run: Run, target: Target) -> list[Row]:
    since = (target.as_of - target.previous[0]["as_of_date"]).days if target.previous else 1
    days = min(since, WEEK)
    day = F.col("event_date")
    if not run.lakehouse.exists(events):
        return []
    asked = run.lakehouse.read(events).where(
        (day > F.lit(target.as_of - timedelta(days=days)))
        & (day <= F.lit(target.as_of))
        & (F.col("ingested_at") <= F.lit(target.release.known_at))
    )
    return event_metrics(rows_of(measure_events(asked, target.as_of)), days)


def _of_files(run: Run, target: Target) -> list[Row]:
    known_at = target.release.known_at
    before = target.previous[0]["known_at"] if target.previous else None
    new = [b for b in read_books(run.lakehouse) if b["ingested_at"] <= known_at]
    new = [b for b in new if before is None or b["ingested_at"] > before]
    return [m for source in sorted({b["source"] for b in new}) for m in _of_source(source, new)]


def _of_source(source: str, books: Sequence[Row]) -> list[Row]:
    mine = [b for b in books if b["source"] == source]
    records, rejected = (sum(b[name] for b in mine) for name in ("record_count", "rejected_count"))
    share = rejected / records if records else None
    common = {"table_name": files.full_name(), "dimension": source}
    return [
        {**common, "metric": "records", "value": float(records)},
        {**common, "metric": "rejected_share", "value": share},
    ]
