"""Stage reliability: every segmentation once from one half of the weeks and once from the other, held together."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import silver
from strata.contract.feature_tables import daily, pairs
from strata.contract.published import segment_reliability
from strata.contract.spark import rows_of
from strata.features.halves import HALVES, halve, of_halves
from strata.features.profiles import HOME, profile_columns
from strata.features.snapshot import build_snapshot
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import with_say_and_past
from strata.pipeline.features import decided_plan
from strata.pipeline.models import Assigning
from strata.pipeline.staged import stage_rows
from strata.pipeline.tiles import read_valid
from strata.project.references import audiences_in, closure
from strata.segments.assign import to_rows
from strata.segments.reliability import Repetition, repetition

SAMPLE_CUSTOMERS = 20_000


def build_reliability(run: Run, target: Target, made: Assigning, customers: int) -> None:
    """Write `segment_reliability` to staging; say which segmentations hardly repeat.

    Segmentations per unit, or by an audience, are left out, and those that need one: a unit lies in one half of the
    weeks, and an audience is picked by all of them.

    Args:
        run: where to write.
        target: the release.
        made: what assigns; models and cuts stay as they are.
        customers: about how many there are, to know which share of them makes a sample.
    """
    made = made.only(_of_halves(made))
    if not made.segmentations:
        stage_rows(run, target, segment_reliability, [])
        return
    with run.stage("reliability", "segments by odd against even weeks") as outcome:
        share = min(1.0, SAMPLE_CUSTOMERS / max(customers, 1))
        found = _repetitions(made.assign(run, _halves(run, target, share)), made)
        stage_rows(run, target, segment_reliability, [_row(target, name, r) for name, r in found.items()])
        doubtful = sorted(name for name, r in found.items() if r.is_doubtful)
        asked = max((r.customers for r in found.values()), default=0)
        outcome.text = f"{len(found)} segmentations on {asked:,} customers, {len(doubtful) or 'none'} hardly repeat"
    for name in doubtful:
        what = f"{name}: odd and even weeks agree in {found[name].agreement:.0%}, kappa {found[name].kappa:.3f}"
        run.progress.note(f"{what}: its segments hardly repeat")


def _of_halves(made: Assigning) -> frozenset[str]:
    """The segmentations that one half of the weeks can decide."""
    whole = {s.name for s in made.segmentations if s.per is not None or audiences_in(s.conditions)}
    return frozenset(
        s.name for s in made.segmentations if whole.isdisjoint(n.name for n in closure([s.name], made.segmentations))
    )


def _halves(run: Run, target: Target, share: float) -> DataFrame:
    """A snapshot of the sample with a row per customer and half."""
    plan, known_at = decided_plan(run, target), target.release.known_at
    tiles = {"daily": run.lakehouse.read(daily), "customers": read_valid(run, silver.customers, known_at)}
    if HOME in profile_columns(plan.features, tiles["customers"].columns):
        tiles["places"] = read_valid(run, silver.places, known_at)
    if plan.by:
        tiles["pairs"] = run.lakehouse.read(pairs)
    snapshot = build_snapshot(halve(tiles, target.as_of, share), plan, [target.as_of], halved=True)
    return with_say_and_past(run, target, of_halves(snapshot))


def _repetitions(assigned: DataFrame, made: Assigning) -> Mapping[str, Repetition]:
    """By segmentation; customers that only one of the halves knows are left out."""
    one, other = (F.max(F.when(F.col("half") == half, F.col("segment"))).alias(f"of_{half}") for half in HALVES)
    rows = to_rows(assigned, made.segmentations, ("customer_id", "half"))
    sides = rows.groupBy("segmentation", "customer_id").agg(one, other).where("of_0 is not null and of_1 is not null")
    crossed = rows_of(sides.groupBy("segmentation", "of_0", "of_1").agg(F.count("*").alias("customers")))
    return {
        s.name: repetition({(r["of_0"], r["of_1"]): r["customers"] for r in crossed if r["segmentation"] == s.name})
        for s in made.segmentations
    }


def _row(target: Target, name: str, found: Repetition) -> dict[str, object]:
    return {
        "as_of_date": target.as_of,
        "segmentation": name,
        "customers": found.customers,
        "agreement": found.agreement,
        "kappa": found.kappa,
    }
