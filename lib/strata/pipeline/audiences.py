"""Stage audiences: look-alikes learned, tried, picked and judged, in staging."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame

from strata.audiences.definition import Lookalike, compile_lookalike
from strata.audiences.learn import Learned, learn
from strata.audiences.members import carry_forward, permitted, pick
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Counts, counts_by_date
from strata.audiences.verdict import catalog_row, verdict
from strata.contract.published import audience_backtest, audience_catalog, audience_membership
from strata.contract.spark import frame_of
from strata.pipeline.consent import addressable
from strata.pipeline.context import Run, Target
from strata.pipeline.features import read_snapshot, require_features
from strata.pipeline.lookback import read_released
from strata.pipeline.staged import stage, stage_rows
from strata.project.models import Audience
from strata.project.names import names_of_features
from strata.publish.release import Row


def build_audiences(run: Run, target: Target) -> None:
    """Write `audience_membership`, `audience_catalog` and `audience_backtest` to staging.

    An audience that has not earned its place is withheld: its last published members stay, marked stale.
    """
    require_features(run, target)
    members, catalog, backtests = [], [], []
    for audience in run.project.audiences:
        with run.stage("audiences", f"look-alike {audience.name}") as outcome:
            made, line, tried = _build(run, target, audience)
            outcome.rows_out = line["customers"]
            outcome.text = f"{audience.name}: {line['customers']:,} members, {line['status']}"
        members.append(made)
        catalog.append(line)
        backtests += tried
    _write(run, target, members, catalog, backtests)
    for made in members:
        made.unpersist()


def _build(run: Run, target: Target, audience: Audience) -> tuple[DataFrame, Row, list[Row]]:
    """Members, the line of the catalogue, and the backtest of one audience."""
    lookalike, learned = _learn(run, target, audience)
    customers, before = read_snapshot(run, target), _members_before(run, target)
    allowed = permitted(customers, lookalike, addressable(run, target, audience.purpose, customers))
    found, picked = None, None
    if learned.model is not None and not learned.withheld:
        found = pick(
            customers,
            lookalike,
            learned.model,
            target.as_of,
            candidates=learned.counts.candidates,
            permitted=allowed,
            previous=before,
        ).persist()
        picked = found.count()
    outcome = verdict(audience, learned.withheld, learned.notes, picked, run.project.privacy.audience_floor)
    if found is None or not outcome.published:
        found = carry_forward(before, audience.name, target.as_of, allowed)
        picked = found.count()
    definition = run.project.definition_hashes[f"audience.{audience.name}"]
    line = catalog_row(audience, definition, target.as_of, learned.counts, picked or 0, outcome)
    tried = learned.backtest.to_rows(audience.name, target.as_of) if learned.backtest else []
    return found, line, tried


def _learn(run: Run, target: Target, audience: Audience) -> tuple[Lookalike, Learned]:
    both_dates = read_snapshot(run, target, back=True)
    names = names_of_features(run.project.features)
    lookalike = compile_lookalike(audience, names, numeric_columns(both_dates))
    counts = counts_by_date(count_customers(both_dates, lookalike, target.as_of).toArrow())
    sample = training_sample(both_dates, lookalike, target.as_of, counts).toArrow()
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
