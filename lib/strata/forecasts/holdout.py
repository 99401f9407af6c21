"""Would it have worked? Lists of a past date, held against what customers had since."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.forecasts.choice import BILLION, MODELS
from strata.forecasts.ranking import place_by


def count_found(rated: DataFrame, top: int) -> DataFrame:
    """How much of what customers had later was in their lists, for every model.

    A customer counts for a target with at least one item of it in the holdout. The customer's recall is the share of
    these items that the list holds, of at most as many as the list is long: found / min(items, top).

    Args:
        rated: from `ranking.rate_items`, with days_later.
        top: how long a list is.

    Returns:
        target, customers, and per model the sum of its customers' recalls in billionths: a row per target.
    """
    listed = rated.withColumns({f"_place_{m}": place_by(F.col(m)) for m in MODELS})
    had = F.coalesce(F.col("days_later"), F.lit(0)) > 0
    found = [F.count_if(had & F.col(m).isNotNull() & (F.col(f"_place_{m}") <= top)).alias(m) for m in MODELS]
    per_customer = listed.groupBy("target", "customer_id").agg(F.count_if(had).alias("_had"), *found).where("_had > 0")
    return per_customer.groupBy("target").agg(
        F.count(F.lit(1)).alias("customers"), *(F.sum(_recall(m, top)).alias(m) for m in MODELS)
    )


def _recall(found: str, top: int) -> Column:
    """In billionths: whole numbers add up to the same in every order."""
    return F.round(F.col(found) * F.lit(float(BILLION)) / F.least(F.col("_had"), F.lit(top))).cast("bigint")
