"""Stage audiences: look-alikes learned, tried, picked and judged, in staging."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.definition import Lookalike, compile_lookalike
from strata.audiences.learn import Learned, learn
from strata.audiences.members import carry_forward, permitted, pick
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Counts, counts_by_date
from strata.audiences.verdict import catalog_row, verdict
from strata.contract.lists import audience_backtest, audience_catalog, audience_membership
from strata.contract.spark import frame_of
from strata.expression import Name
from strata.pipeline.consent import addressable
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import read_customers
from strata.pipeline.features import require_features
from strata.pipeline.lookback import read_released
from strata.pipeline.models import find_models
from strata.pipeline.staged import stage, stage_rows
from strata.project.models import Audience
from strata.project.names import names_of_features
from strata.project.references import mentioned_in, names_of_segmentations
from strata.publish.release import Row
from strata.segments.assign import SEGMENT
from strata.segments.assignment import helper


def build_audiences(run: Run, target: Target) -> None:
    """Write `audience_membership`, `audience_catalog` and `audience_backtest` to staging.

    An audience that has not earned its place is withheld: its last published members stay, marked stale.
    """
    require_features(run, target)
    members, catalog, backtests = [], [], []
    for audience in run.project.audiences:
        with run.stage("audiences", f"look-alike {audience.name}") as outcome:
            made, line, tried = _build(run, target, audience, _customers(run, target, audience))
            outcome.rows_out = line["customers"]
            outcome.text = f"{audience.name}: {line['customers']:,} members, {line['status']}"
        members.append(made)
        catalog.append(line)
        backtests += tried
    _write(run, target, members, catalog, backtests)
    for made in members:
        made.unpersist()


@dataclass(frozen=True, slots=True)
class Customers:
    """Who an audience looks at: as of its dates, with the segments its conditions name; and these names."""

    both_dates: DataFrame
    names: Mapping[str, Name]

    def as_of(self, day: date) -> DataFrame:
        """Those of one date."""
        return self.both_dates.where(F.col("as_of_date") == F.lit(day))


def _customers(run: Run, target: Target, audience: Audience) -> Customers:
    """Segments are those of each date by today's definitions and models."""
    project = run.project
    known = names_of_segmentations(project.segmentations)
    needed = mentioned_in(audience.conditions, known)
    customers = read_customers(run, target, back=True)
    if needed:
        made = find_models(run, target).only(needed)
        segments = [helper(name, SEGMENT).alias(name) for name in sorted(needed)]
        customers = made.assign(run, customers).select(*[F.col(f"`{c}`") for c in customers.columns], *segments)
    return Customers(customers, {**known, **names_of_features(project.features)})


def _build(run: Run, target: Target, audience: Audience, found: Customers) -> tuple[DataFrame, Row, list[Row]]:
    """Members, the line of the catalogue, and the backtest of one audience."""
    lookalike, learned = _learn(run, target, audience, found)
    customers, before = found.as_of(target.as_of), _members_before(run, target)
    allowed = permitted(customers, lookalike, addressable(run, target, audience.purpose, customers))
    members, picked = None, None
    if learned.model is not None and not learned.withheld:
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
    outcome = verdict(audience, learned.withheld, learned.notes, picked, run.project.privacy.audience_floor)
    if members is None or not outcome.published:
        members = carry_forward(before, audience.name, target.as_of, allowed)
        picked = members.count()
    definition = run.project.definition_hashes[f"audience.{audience.name}"]
    line = catalog_row(audience, definition, target.as_of, learned.counts, picked or 0, outcome)
    tried = learned.backtest.to_rows(audience.name, target.as_of) if learned.backtest else []
    return members, line, tried


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


def _write(
    run: Run, target: Target, members: Sequence[DataFrame], catalog: Sequence[Row], backtests: Sequence[Row]
) -> None:
    nobody = frame_of(run.lakehouse.spark, audience_membership, []).drop("release_id")
    stage(run, target, audience_membership, reduce(DataFrame.unionByName, members, nobody))
    stage_rows(run, target, audience_catalog, catalog)
    stage_rows(run, target, audience_backtest, backtests)
