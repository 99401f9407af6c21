"""A look-alike audience of a release: learned, tried, picked and judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.counting import candidate_scores
from strata.audiences.definition import Lookalike, compile_lookalike
from strata.audiences.learn import Learned, learn
from strata.audiences.members import carry_forward, permitted, pick
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Counts, counts_by_date
from strata.audiences.verdict import catalog_row, lapsed, verdict
from strata.contract.lists import audience_membership
from strata.contract.spark import frame_of
from strata.expression import Name
from strata.pipeline.consent import addressable
from strata.pipeline.context import Run, Target
from strata.pipeline.lookback import read_released
from strata.project.audiences import Audience
from strata.publish.release import Row


@dataclass(frozen=True, slots=True)
class Customers:
    """Who an audience looks at.

    Attributes:
        both_dates: as of its dates, with all that its conditions name.
        names: what conditions may use.
        excluded: how many members the audiences have that its exclusions name.
    """

    both_dates: DataFrame
    names: Mapping[str, Name]
    excluded: Mapping[str, int]

    def as_of(self, day: date) -> DataFrame:
        """Those of one date."""
        return self.both_dates.where(F.col("as_of_date") == F.lit(day))


@dataclass(frozen=True, slots=True)
class Built:
    """An audience of a release.

    Attributes:
        members: held in memory.
        line: of the catalogue.
        learned: the model, unless there was none to learn, and its backtest.
        scored: audience and score of every candidate, not computed yet; None without a model.
    """

    members: DataFrame
    line: Row
    learned: Learned
    scored: DataFrame | None

    @property
    def published(self) -> bool:
        """Whether the members are those found now."""
        return bool(self.line["status"] == "published")

    @property
    def backtest(self) -> list[Row]:
        """Rows of `publish.audience_backtest`."""
        tried = self.learned.backtest
        return tried.to_rows(self.line["audience"], self.line["as_of_date"]) if tried else []

    def let_go(self) -> None:
        """Hold the members in memory no longer."""
        self.members.unpersist()


def build_lookalike(run: Run, target: Target, audience: Audience, found: Customers) -> Built:
    """One look-alike; one that has not earned its place is withheld: its last published members stay, marked stale."""
    lookalike, learned = _learn(run, target, audience, found)
    customers, before = found.as_of(target.as_of), _members_before(run, target)
    allowed = permitted(customers, lookalike, addressable(run, target, audience.purpose, customers))
    members, picked = None, None
    withheld = (*learned.withheld, *lapsed(found.excluded))
    if learned.model is not None and not withheld:
        members = pick(
            customers,
            lookalike,
            learned.model,
            target.as_of,
            candidates=learned.counts.candidates,
            permitted=allowed,
            previous=before,
        ).persist()
        picked = members.count()
    outcome = verdict(audience, withheld, learned.notes, picked, run.project.privacy.audience_floor)
    if members is None or not outcome.published:
        members = carry_forward(before, audience.name, target.as_of, allowed).persist()
        picked = members.count()
    definition = run.project.definition_hashes[f"audience.{audience.name}"]
    line = catalog_row(audience, definition, target.as_of, learned.counts, picked or 0, outcome)
    scored = candidate_scores(customers, lookalike, learned.model) if learned.model else None
    return Built(members, line, learned, scored)


def _learn(run: Run, target: Target, audience: Audience, customers: Customers) -> tuple[Lookalike, Learned]:
    names = customers.names
    lookalike = compile_lookalike(audience, names, numeric_columns(customers.both_dates))
    counts = counts_by_date(count_customers(customers.both_dates, lookalike, target.as_of).toArrow())
    sample = training_sample(customers.both_dates, lookalike, target.as_of, counts).toArrow()
    now = counts.get(target.as_of, Counts())
    return lookalike, learn(lookalike, sample, target.as_of, now, run.project.privacy.seed_floor)


def _members_before(run: Run, target: Target) -> DataFrame:
    """The members of the release looked back at; none without one."""
    if not target.previous:
        return frame_of(run.lakehouse.spark, audience_membership, [])
    return read_released(run, target, audience_membership, target.previous)
