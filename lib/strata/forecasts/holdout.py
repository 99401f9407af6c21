"""Would it have worked? Lists of a past date, held against what customers had since."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.forecasts.choice import ALS, BASELINES, MILLION, MODELS, squares
from strata.forecasts.ranking import of_target


def count_found(ordered: DataFrame, top: int) -> DataFrame:
    """How much of what customers had later was in their lists, for every model.

    A customer counts for a target with at least one item of it in the holdout. The customer's recall is the share of
    these items that the list holds, of at most as many as the list is long: found / min(items, top).

    Args:
        ordered: from `ranking.order_items`, of a history with days_later.
        top: how long a list is.

    Returns:
        target, customers, per model the sum of its customers' recalls in millionths, and per baseline the sum of
        squared differences to the factor model's (`choice.squares`): a row per target.
    """
    trials = ordered.withColumn("target", F.explode(F.array(*map(F.lit, BASELINES))))
    cut = {"had": of_target(F.col("later")), **{m: F.slice(of_target(F.col(m)), 1, top) for m in MODELS}}
    had_some = trials.select("target", *(value.alias(name) for name, value in cut.items())).where(F.size("had") > 0)
    recalls = had_some.select("target", *(_recall(m, top).alias(m) for m in MODELS))
    ahead = {squares(m): (F.col(ALS) - F.col(m)) * (F.col(ALS) - F.col(m)) for m in MODELS if m != ALS}
    return recalls.groupBy("target").agg(
        F.count(F.lit(1)).alias("customers"),
        *(F.sum(m).alias(m) for m in MODELS),
        *(F.sum(value).alias(name) for name, value in ahead.items()),
    )


def _recall(found: str, top: int) -> Column:
    """In millionths: whole numbers add up to the same in every order."""
    hits, possible = F.size(F.array_intersect(found, "had")), F.least(F.size("had"), F.lit(top))
    return F.round(hits * F.lit(float(MILLION)) / possible).cast("bigint")
