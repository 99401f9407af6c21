"""What has changed in the audiences of a release since the one before, told in staging."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.changes import ADDED, Known, all_added, find_changes
from strata.audiences.consent import is_permitted, permissions, what_refuses
from strata.audiences.reasons import IN_BASE, NOT_ELIGIBLE, Explained, allowed_name, explain
from strata.contract.audience_changes import audience_changes, audience_refusals
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.spark import rows_of
from strata.dates import day_of
from strata.pipeline.consent import judged_at, read_consents
from strata.pipeline.context import Outcome, Run, Target
from strata.pipeline.customers import with_say_and_past
from strata.pipeline.features import read_snapshot
from strata.pipeline.lookback import read_released, rows_released
from strata.pipeline.models import find_models
from strata.pipeline.staged import stage
from strata.pipeline.units import with_units
from strata.project.models import Project
from strata.project.references import (
    AUDIENCE,
    PREVIOUS,
    audiences_behind,
    audiences_in,
    closure,
    looks_back_at,
    mentioned_in,
    usable_names,
)
from strata.project.words import Text
from strata.publish.release import Row
from strata.segments.assign import SEGMENT
from strata.segments.assignment import helper
from strata.storage.promotion import staging

WithAudiences = Callable[[DataFrame, Iterable[str]], DataFrame]
"""Adds to customers whether they are in the named audiences, as conditions mean it."""


def stage_changes(
    run: Run, target: Target, lines: Sequence[Row], beside: WithAudiences, refused: DataFrame | None = None
) -> None:
    """Write `audience_changes` and `audience_refusals` to staging, behind `audience_membership`.

    Args:
        run: where to write.
        target: the release.
        lines: of the catalogue, one for every audience of the release.
        beside: adds whether customers are in audiences (`Audiences.beside`).
        refused: audience, customer_id, reason of those who were found and are refused, at most once each. Consent and
            exclusions need not be among them, as they are asked again of everybody who was a member: one who was not
            found this time may be refused too. None: nobody is refused for another reason.
    """
    with run.stage("changes", "who joined and who left each audience, and why") as outcome:
        members = run.lakehouse.read(staging(audience_membership)).select("audience", "customer_id")
        changes = _changes(run, target, members, lines, beside, refused) if target.previous else None
        stage(run, target, audience_changes, all_added(members, target.as_of) if changes is None else changes)
        stage(run, target, audience_refusals, _refusals(run, target))
        _count(run, outcome)


def _changes(
    run: Run, target: Target, members: DataFrame, lines: Sequence[Row], beside: WithAudiences,
    refused: DataFrame | None,
) -> DataFrame:  # fmt: skip
    before = read_released(run, target, audience_membership, target.previous).select("audience", "customer_id")
    audiences = _explained(run, target, lines)
    nobody = before.where(F.lit(False))
    if refused is None:
        refused = nobody.withColumn("reason", F.lit(""))
    known = Known(nobody.select("customer_id", F.lit(True).alias(IN_BASE)))
    if audiences:
        known = _known(run, target, audiences, beside)
    return find_changes(members, before, refused, known, audiences, target.as_of)


def _explained(run: Run, target: Target, lines: Sequence[Row]) -> list[Explained]:
    there = {row["audience"] for row in rows_released(run, target, audience_catalog, target.previous)}
    withheld = {line["audience"] for line in lines if line["status"] == "withheld"}
    names = usable_names(run.project)
    return [explain(a, names, is_new=a.name not in there, withheld=a.name in withheld) for a in run.project.audiences]


def _known(run: Run, target: Target, audiences: Sequence[Explained], beside: WithAudiences) -> Known:
    """What is known of customers now and, where the snapshot has that date, as of the release before.

    Of consent then counts what was known when that release was made.
    """
    now = _as_told(run, target, read_snapshot(run, target), audiences, beside, judged_at(run, target))
    snapshot = read_snapshot(run, target, before=True)
    if snapshot.isEmpty():
        return Known(now)
    moment = max(target.previous[0]["released_at"], target.previous[0]["known_at"])
    then = _as_told(run, target, snapshot, audiences, beside, moment)
    return Known(now, then, _unknown_before(run.project))


def _as_told(
    run: Run, target: Target, snapshot: DataFrame, audiences: Sequence[Explained], beside: WithAudiences,
    moment: datetime,
) -> DataFrame:  # fmt: skip
    """Everybody of a snapshot with what `audiences.changes.Known` says; NULL of who objects to profiling."""
    named = {each.audience.purpose for each in audiences}
    purposes = [p for p in run.project.privacy.purposes if p.name in named]
    columns = sorted(frozenset[str]().union(*(each.columns for each in audiences)))
    texts = [text for each in audiences for text in each.audience.conditions]
    customers = with_units(run, target, with_say_and_past(run, target, snapshot))
    conditions = _with_names(run, target, customers, texts, beside).select(
        "customer_id", *[F.col(f"`{c}`") for c in columns]
    )
    said = permissions(read_consents(run, target, moment), purposes, day_of(moment, run.project.time_zone))
    base = snapshot.select("customer_id", F.lit(True).alias(IN_BASE)).join(said, "customer_id", "left")
    allowed = [is_permitted(p).alias(allowed_name(p.name)) for p in purposes]
    return base.select("customer_id", F.col(f"`{IN_BASE}`"), *allowed).join(conditions, "customer_id", "left")


def _with_names(
    run: Run, target: Target, customers: DataFrame, texts: Sequence[Text], beside: WithAudiences
) -> DataFrame:
    """Customers with the segments and audiences that conditions name, by today's definitions and models."""
    everything = run.project.segmentations
    customers = beside(customers, audiences_behind(texts, everything))
    needed = mentioned_in(texts, [s.name for s in everything])
    if not needed:
        return customers
    # Whatever is needed was fitted when the audiences were built.
    assigned = find_models(run, target, names=needed).assign(run, customers)
    return assigned.select("*", *[helper(name, SEGMENT).alias(name) for name in sorted(needed)])


def _unknown_before(project: Project) -> frozenset[str]:
    """What is not known of a date before: audiences then, the release before that, and segments that ask for them."""
    unknown = {AUDIENCE + a.name for a in project.audiences} | {PREVIOUS + s.name for s in project.segmentations}
    for segmentation in project.segmentations:
        texts = [text for s in closure([segmentation.name], project.segmentations) for text in s.conditions]
        if audiences_in(texts) or looks_back_at(texts):
            unknown.add(segmentation.name)
    return frozenset(unknown)


def _refusals(run: Run, target: Target) -> DataFrame:
    """What lies behind every "not eligible" of the staged changes."""
    changes = run.lakehouse.read(staging(audience_changes)).where(F.col("reason") == NOT_ELIGIBLE)
    purposes = [F.when(F.col("audience") == a.name, a.purpose) for a in run.project.audiences]
    people = changes.select(*audience_refusals.grain, F.coalesce(*purposes, F.lit("")).alias("purpose"))
    moment = judged_at(run, target)
    found = what_refuses(people, read_consents(run, target, moment), day_of(moment, run.project.time_zone))
    return found.drop("purpose")


def _count(run: Run, outcome: Outcome) -> None:
    staged = run.lakehouse.read(staging(audience_changes))
    counted = {row["change"]: row["count"] for row in rows_of(staged.groupBy("change").count())}
    outcome.rows_out = sum(counted.values())
    added = counted.get(ADDED, 0)
    outcome.text = f"{added:,} added to audiences, {outcome.rows_out - added:,} removed"
