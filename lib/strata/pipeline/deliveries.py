"""From those found for the audiences of one generation to their members: judged in one pass, counted in one job."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.delivery import ASKED_DAYS, Facts, compile_terms, count_judged, count_sent, judge
from strata.audiences.learn import Learned
from strata.audiences.members import members_of, refused_of
from strata.audiences.verdict import (
    Defined,
    Delivered,
    Tally,
    Verdict,
    catalog_row,
    lapsed,
    last_published,
    tallies,
    verdict,
)
from strata.contract import silver
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.spark import frame_of, rows_of
from strata.pipeline.consent import what_was_said
from strata.pipeline.context import Run, Target
from strata.pipeline.found import Customers, Found
from strata.pipeline.lookback import read_released, rows_released
from strata.pipeline.tiles import read_valid
from strata.project.audiences import Audience
from strata.project.parts import definition_parts
from strata.project.references import audiences_behind
from strata.publish.release import Row


@dataclass(frozen=True, slots=True)
class Before:
    """What the release looked back at says: members.audience_membership, and the lines of the catalogue by audience."""

    members: DataFrame
    lines: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The members of the audiences of one generation, and who is not for which reason; held in memory.

    Attributes:
        looked_at: the customers that were looked at, as of the date, with all that conditions name.
        judged: what `delivery.judge` gives.
        members: columns of members.audience_membership without release_id.
        refused: audience, customer_id, reason; of a withheld audience, of its last members.
        held: what else is held in memory for it.
    """

    looked_at: DataFrame
    judged: DataFrame
    members: DataFrame
    refused: DataFrame
    held: tuple[DataFrame, ...]

    def let_go(self) -> None:
        """Hold it in memory no longer."""
        self.judged.unpersist()
        for frame in self.held:
            frame.unpersist()


@dataclass(frozen=True, slots=True)
class Built:
    """An audience of a release.

    Attributes:
        found: who was found for it.
        looked_at: the customers it looked at, as of the date, with all that its conditions name.
        members: its rows of the delivery.
        named: customer_id of those whom `audience.<name>` in conditions means: whoever was found by a rule or from a
            list, so that a list of few, or of people without consent, suppresses; the members of a look-alike.
        line: of the catalogue.
        delivered: what became of it in numbers.
    """

    found: Found
    looked_at: DataFrame
    members: DataFrame
    named: DataFrame
    line: Row
    delivered: Delivered

    @property
    def published(self) -> bool:
        """Whether the members are those found now."""
        return bool(self.line["status"] == "published")

    @property
    def learned(self) -> Learned | None:
        """Of a look-alike, what was learned and tried."""
        return self.found.learned

    @property
    def backtest(self) -> list[Row]:
        """Rows of `publish.audience_backtest`."""
        tried = self.learned.backtest if self.learned else None
        return tried.to_rows(self.line["audience"], self.line["as_of_date"]) if tried else []


def read_before(run: Run, target: Target) -> Before:
    """The audiences of the release looked back at; none without one."""
    if not target.previous:
        return Before(frame_of(run.lakehouse.spark, audience_membership, []), {})
    lines = rows_released(run, target, audience_catalog, target.previous)
    members = read_released(run, target, audience_membership, target.previous)
    return Before(members, {line["audience"]: line for line in lines})


def deliver(
    run: Run, target: Target, found: Sequence[Found], customers: Customers, built: Mapping[str, Built], before: Before
) -> tuple[Delivery, dict[str, Built]]:
    """Members and catalogue lines of audiences none of which needs another.

    An audience that may not be published is withheld: its last members stay, as far as they may, marked stale.

    Args:
        run: project and tables.
        target: the release.
        found: at least one.
        customers: with all that exclusions name.
        built: the audiences that these need.
        before: of the release looked back at.
    """
    looked_at = customers.as_of(target.as_of)
    facts = Facts(
        customers=looked_at,
        said=what_was_said(run, target, {each.audience.purpose for each in found}),
        before=before.members,
        sent=_sent(run, target, [each.audience for each in found]),
        rivals=_together(built[name].members for name in sorted({n for each in found for n in each.audience.ahead})),
    )
    terms = [compile_terms(each.audience, run.project.privacy.purposes, customers.names) for each in found]
    judged = judge(_picks(found), terms, facts, target.as_of).persist()
    counted = tallies(rows_of(count_judged(judged)), asked_is_known=facts.sent is not None)
    lines = {each.audience.name: _judge_one(run, target, each, counted, built, before) for each in found}
    withheld = [name for name, (_, outcome) in lines.items() if not outcome.published]
    held = tuple({id(each.held): each.held for each in found if each.held is not None}.values())
    delivery = Delivery(
        looked_at, judged, members_of(judged, withheld, target.as_of), refused_of(judged, withheld), held
    )
    return delivery, {
        each.audience.name: _built(run, target, each, delivery, *lines[each.audience.name]) for each in found
    }


def _judge_one(
    run: Run,
    target: Target,
    each: Found,
    counted: Mapping[tuple[str, bool], Tally],
    built: Mapping[str, Built],
    before: Before,
) -> tuple[Delivered, Verdict]:
    audience, none = each.audience, Tally(asked=None if _is_silent(run) else 0)
    last = last_published(before.lines.get(audience.name))
    now = counted.get((audience.name, False), none) if each.picks is not None else None
    withheld = (*each.withheld, *lapsed(_excluded(run, audience, built)))
    outcome = verdict(audience, withheld, each.notes, now, run.project.privacy.audience_floor, last)
    outcome = replace(outcome, failures=each.learned.failures if each.learned else None)
    members = now if outcome.published and now else counted.get((audience.name, True), none)
    return Delivered(now, members, last), outcome


def _built(run: Run, target: Target, each: Found, delivery: Delivery, delivered: Delivered, outcome: Verdict) -> Built:
    audience = each.audience
    digest = run.project.definition_hashes[f"audience.{audience.name}"]
    defined = Defined(digest, definition_parts(run.project, audience))
    line = catalog_row(audience, defined, target.as_of, each.counts, outcome, delivered)
    members = delivery.members.where(F.col("audience") == F.lit(audience.name))
    named = members
    if audience.kind != "lookalike":
        named = delivery.judged.where((F.col("audience") == F.lit(audience.name)) & ~F.col("stale"))
    return Built(each, delivery.looked_at, members, named.select("customer_id"), line, delivered)


def _excluded(run: Run, audience: Audience, built: Mapping[str, Built]) -> dict[str, int]:
    """How many members the look-alikes have that exclusions name: of these none is meant to be empty."""
    behind = audiences_behind(audience.exclude, run.project.segmentations)
    named = {name: built[name] for name in behind if built[name].found.audience.kind == "lookalike"}
    return {name: other.line["customers"] for name, other in named.items()}


def _picks(found: Sequence[Found]) -> DataFrame | None:
    """All picks, each frame once however many audiences it is about."""
    frames = {id(each.picks): each.picks for each in found if each.picks is not None}
    return _together(frames.values())


def _together(frames: Iterable[DataFrame]) -> DataFrame | None:
    each = list(frames)
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), each) if each else None


def _is_silent(run: Run) -> bool:
    """Whether no source tells of communications."""
    return all(source.feeds != "communications" for source in run.project.sources)


def _sent(run: Run, target: Target, audiences: Sequence[Audience]) -> DataFrame | None:
    if _is_silent(run):
        return None
    days = {a.pressure.days for a in audiences if a.pressure} | {ASKED_DAYS}
    return count_sent(read_valid(run, silver.communications, target.release.known_at), days, target.as_of)
