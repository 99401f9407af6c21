"""What a person reads at the end of a run: segments, movements, the look-alike's proof, the release."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.console import Console
from strata.contract import lists, published
from strata.contract.audience_changes import audience_changes
from strata.contract.columns import Table
from strata.contract.spark import rows_of
from strata.pipeline.context import Run
from strata.publish.listing import release_lines
from strata.publish.release import current_release
from strata.storage.promotion import read_releases

MOVES_SHOWN = 8
REACH = 0.1
BACKTEST = ("model", "found_customers", "recall", "lift", "lift_ci_low", "lift_ci_high", "auc")
Row = dict[str, Any]


def print_summary(run: Run, console: Console) -> None:
    """The current release in tables: what a newcomer wants to see first."""
    current = current_release(read_releases(run.lakehouse))
    if not current:
        return
    as_of = current[0]["as_of_date"]
    console.say(f"\nSegments as of {as_of}")
    overview = _slice(run, current, published.segment_overview)
    order = {s.name: i for i, s in enumerate(run.project.segmentations)}
    overview.sort(key=lambda r: (order.get(r["segmentation"], len(order)), -(r["customers"] or 0)))
    console.table(
        ["segmentation", "segment", "label", "customers", "share %", "revenue 84 days"],
        [_overview_line(r) for r in overview if r["customers"] != 0],
    )
    _print_moves(run, current, console)
    _print_audiences(run, current, console)
    print_release(run, current, console)


def print_release(run: Run, current: Sequence[Row], console: Console) -> None:
    """One line about the release, and where its tables are."""
    for line in release_lines(current, run.lakehouse.storage):
        console.say(line)


def _print_moves(run: Run, current: Sequence[Row], console: Console) -> None:
    moves = [r for r in _slice(run, current, published.segment_migration) if r["comparison"] == "previous"]
    if not moves:
        return
    for segmentation in (s.name for s in run.project.segmentations):
        found = [r for r in moves if r["segmentation"] == segmentation]
        if not found:
            continue
        console.say(f"\n{segmentation} since {found[0]['compared_as_of_date']}: {_moved_in_words(found)}")
        moved = [r for r in found if r["from_segment"] != r["to_segment"] and not r["is_suppressed"]]
        largest = sorted(moved, key=lambda r: (-r["customers"], r["from_segment"], r["to_segment"]))[:MOVES_SHOWN]
        if largest:
            lines = [[r["from_segment"], r["to_segment"], r["customers"]] for r in largest]
            console.table(["from", "to", "customers"], lines)


def _moved_in_words(moves: Sequence[Row]) -> str:
    told = [r for r in moves if not r["is_suppressed"]]
    withheld = len(moves) - len(told)
    if not told:
        return f"nothing to tell, all {withheld} movements would give a group away that is too small"
    stayed = sum(r["customers"] for r in told if r["from_segment"] == r["to_segment"])
    moved = sum(r["customers"] for r in told) - stayed
    few = f", {withheld} movements withheld" if withheld else ""
    return f"{stayed:,} stayed, {moved:,} moved{few}{'; the largest movements:' if moved else ''}"


def _print_audiences(run: Run, current: Sequence[Row], console: Console) -> None:
    backtest, changed = _slice(run, current, lists.audience_backtest), _changed(run, current)
    floor = run.project.privacy.cell_floor
    for audience in sorted(_slice(run, current, lists.audience_catalog), key=lambda r: r["audience"]):
        name, reason = audience["audience"], f": {audience['status_reason']}" if audience["status_reason"] else ""
        console.say(f"\nAudience {name}: {audience['customers']:,} members, {audience['status']}{reason}")
        console.say(_counts_of(audience))
        for change in ("added", "removed"):
            if told := changes_in_words([r for r in changed if (r["audience"], r["change"]) == (name, change)], floor):
                console.say(f"{change.capitalize()} since the release before: {told}")
        lines = [r for r in backtest if r["audience"] == name and r["reach"] == REACH and not r["is_suppressed"]]
        if not lines:
            continue
        console.say(f"Backtest at 10 % reach: {_tried_in_words(lines[0])}")
        lines.sort(key=lambda r: -(r["lift"] or 0))
        console.table(
            ["model", "found", "recall", "lift", "90 % from", "to", "AUC"],
            [[r[c] for c in BACKTEST] for r in lines],
        )


def changes_in_words(rows: Sequence[Row], floor: int) -> str:
    """How many joined or left, and the reasons that at least `floor` of them share; nothing where nobody did.

    Args:
        rows: reason, customers: of one audience and one kind of change.
        floor: fewest customers that a reason is told of.
    """
    total = sum(r["customers"] for r in rows)
    told = sorted((r for r in rows if r["customers"] >= floor), key=lambda r: (-r["customers"], r["reason"]))
    reasons = "; ".join(f"{r['customers']:,} {r['reason']}" for r in told)
    return f"{total:,}{f' ({reasons})' if reasons else ''}" if total else ""


def _counts_of(audience: Row) -> str:
    """What became of those found for an audience; what is not known is left out."""
    words = {
        "candidate_customers": "could be in it",
        "refused_customers": "refused",
        "holdout_customers": "held out",
        "asked_customers_84d": "written to in 84 days",
    }
    return ", ".join(f"{audience[name]:,} {what}" for name, what in words.items() if audience[name] is not None)


def _tried_in_words(row: Row) -> str:
    seed, truth, candidates = (row[f"{who}_customers"] for who in ("seed", "truth", "candidate"))
    if row["method"] == "folds":
        return f"fifths of a seed of {seed:,} hidden among {candidates:,} candidates and looked for"
    return f"trained as of {row['train_as_of_date']}, {truth:,} of {candidates:,} candidates joined since"


def _overview_line(row: Row) -> list[object]:
    share = None if row["share"] is None else 100 * row["share"]
    revenue = None if row["revenue_84d"] is None else float(row["revenue_84d"])
    return [row["segmentation"], row["segment"], row["label"], row["customers"], share, revenue]


def _changed(run: Run, release: Sequence[Row]) -> list[Row]:
    """Who joined and who left audiences, counted by reason; nothing in a release made before there were changes."""
    if audience_changes.full_name() not in {r["table_name"] for r in release}:
        return []
    changes = _released(run, release, audience_changes).groupBy("audience", "change", "reason")
    return rows_of(changes.agg(F.count("*").alias("customers")))


def _slice(run: Run, release: Sequence[Row], table: type[Table]) -> list[Row]:
    """The rows of a small table in a release, as its readers would get them."""
    return rows_of(_released(run, release, table))


def _released(run: Run, release: Sequence[Row], table: type[Table]) -> DataFrame:
    version = next(r["delta_version"] for r in release if r["table_name"] == table.full_name())
    return run.lakehouse.read(table, version).where(F.col("as_of_date") == F.lit(release[0]["as_of_date"]))
