"""Stage audiences, second part: lists of items per customer, by the model that proved best, in staging.

Interactions come from the tiles: `features.pairs` holds a row per customer, day and value of every column that a
recommendation is of (`plan_tiles` sees to it), so that no event is read again and late data is in already.
"""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.feature_tables import pairs
from strata.contract.lists import customer_recommendations, recommendation_backtest
from strata.contract.spark import frame_of, rows_of
from strata.features.tiles import items_partial, plan_tiles
from strata.forecasts.choice import ALS, Trial, in_words, judge, models_used, to_rows
from strata.forecasts.factors import fit_factors
from strata.forecasts.holdout import count_found
from strata.forecasts.interactions import count_days, known_at, sample_customers, train_date
from strata.forecasts.ranking import best_items, order_items, rank_items
from strata.pipeline.consent import addressable, profiled
from strata.pipeline.context import Run, Target
from strata.pipeline.features import read_snapshot
from strata.pipeline.staged import stage, stage_rows
from strata.pipeline.tiles import refresh_tiles
from strata.project.recommendations import Recommendation
from strata.publish.release import Row

LISTED = ("customer_id", "target", "recommendation_rank", "item", "score", "model")


def build_recommendations(run: Run, target: Target) -> None:
    """Write `customer_recommendations` and `recommendation_backtest` to staging; empty without a definition."""
    nobody = frame_of(run.lakehouse.spark, customer_recommendations, []).drop("release_id")
    lists: list[DataFrame] = []
    tried: list[Row] = []
    if run.project.recommendations:
        # The tiles may have gone on to another state of knowledge than the snapshot's.
        refresh_tiles(run, plan_tiles(run.project), target.release.known_at)
    for recommendation in run.project.recommendations:
        with run.stage("recommend", f"recommendation {recommendation.name}") as outcome:
            trials, made = _build(run, target, recommendation)
            outcome.rows_out = made.count()
            used = ", ".join(f"{t.target} by {t.used or 'nobody'}" for t in trials)
            outcome.text = f"{recommendation.name}: {outcome.rows_out:,} items, {used}"
        for trial in trials:
            run.progress.note(in_words(trial, recommendation.top, run.project.privacy.audience_floor))
        lists.append(made)
        tried += to_rows(trials, recommendation, target.as_of, train_date(recommendation, target.as_of))
    stage(run, target, customer_recommendations, reduce(DataFrame.unionByName, lists, nobody))
    stage_rows(run, target, recommendation_backtest, tried)
    for made in lists:
        made.unpersist()


def _build(run: Run, target: Target, recommendation: Recommendation) -> tuple[Sequence[Trial], DataFrame]:
    """What the models found, and the lists, held in memory until they are written."""
    base = read_snapshot(run, target).select("customer_id")
    interactions = _interactions(run, target, recommendation, profiled(run, target, base)).persist()
    try:
        trials = _try(run, interactions, recommendation)
        allowed = addressable(run, target, recommendation.purpose, base)
        lists = _lists(interactions, recommendation, models_used(trials), allowed).select(
            F.lit(target.as_of).alias("as_of_date"),
            F.lit(recommendation.name).alias("recommendation"),
            F.lit(recommendation.of).alias("item_kind"),
            "*",
        )
        made = lists.persist()
        made.count()  # while the interactions are held
    finally:
        interactions.unpersist()
    return trials, made


def _interactions(run: Run, target: Target, recommendation: Recommendation, customers: DataFrame) -> DataFrame:
    events = items_partial(recommendation, run.project.sources).name
    split = len(plan_tiles(run.project).by) > 1
    days = count_days(run.lakehouse.read(pairs), recommendation, events, target.as_of, split=split)
    return days.join(customers, "customer_id", "left_semi")


def _try(run: Run, interactions: DataFrame, recommendation: Recommendation) -> tuple[Trial, ...]:
    then = known_at(interactions, "then")
    items = rank_items(then)
    ordered = order_items(sample_customers(then), items, fit_factors(then, items, recommendation))
    found = rows_of(count_found(ordered, recommendation.top))
    return judge(found, recommendation, run.project.privacy.audience_floor)


def _lists(
    interactions: DataFrame, recommendation: Recommendation, used: dict[str, str], allowed: DataFrame
) -> DataFrame:
    """Learnt from all, made for those who may be addressed; ALS is fitted only where it is used."""
    if not used:
        return frame_of(interactions.sparkSession, customer_recommendations, []).select(*LISTED)
    now = known_at(interactions, "now")
    items = rank_items(now)
    factors = fit_factors(now, items, recommendation) if ALS in used.values() else None
    addressed = now.join(allowed, "customer_id", "left_semi")
    return best_items(order_items(addressed, items, factors), items, used, recommendation.top)
