"""Items rated for customers by every model, and the best of them as lists."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.forecasts.choice import ALS, OWN_HISTORY, POPULARITY
from strata.forecasts.factors import Factors

MOST_ITEMS = 500
"""Items that lists are made of at most: those with most customers. Each is held against each customer."""


def rank_items(history: DataFrame) -> DataFrame:
    """The items with most customers.

    Args:
        history: customer_id, item, days.

    Returns:
        item, item_no (1: most customers; of equally many the first by name), customers (BIGINT; 0 for what came later).
    """
    counted = history.groupBy("item").agg(F.count_if(F.col("days") > 0).alias("customers"))
    first = (F.col("customers").desc(), "item")
    best = counted.orderBy(*first).limit(MOST_ITEMS)
    # One partition on purpose: only the best are ranked.
    return best.withColumn("item_no", F.row_number().over(Window.orderBy(*first)))


def rate_items(history: DataFrame, items: DataFrame, factors: Factors | None) -> DataFrame:
    """Every item for every customer who had one, as each model rates it; NULL: the model has nothing to say.

    Args:
        history: customer_id, item, days, perhaps days_later.
        items: `rank_items` of the whole history.
        factors: None: not fitted.

    Returns:
        customer_id, item, item_no, target (repeat: the customer had it; new), days_later where history has it,
        own_history (days with the item), popularity (customers with the item), als (preference): all DOUBLE.
    """
    customers = history.where("days > 0").select("customer_id").distinct()
    als = F.lit(None).cast("double")
    if factors is not None:
        customers = customers.join(factors.customers, "customer_id", "left")
        items = items.join(factors.items, "item", "left")
        als = factors.preference()
    every = customers.crossJoin(F.broadcast(items))
    # Factors become a number before pairs are shuffled.
    rated = every.select("customer_id", "item", "item_no", "customers", als.alias(ALS))
    pairs = rated.join(history, ["customer_id", "item"], "left")
    has_had = F.coalesce(F.col("days"), F.lit(0)) > 0
    later = ["days_later"] if "days_later" in history.columns else []
    return pairs.select(
        "customer_id",
        "item",
        "item_no",
        F.when(has_had, "repeat").otherwise("new").alias("target"),
        *later,
        F.when(has_had, F.col("days").cast("double")).alias(OWN_HISTORY),
        F.when(F.col("customers") > 0, F.col("customers").cast("double")).alias(POPULARITY),
        ALS,
    )


def place_by(score: Column) -> Column:
    """The place of an item in a customer's list by a score; of equal scores the more popular item comes first."""
    listed = Window.partitionBy("customer_id", "target")
    return F.row_number().over(listed.orderBy(score.desc_nulls_last(), "item_no"))


def best_items(rated: DataFrame, used: Mapping[str, str], top: int) -> DataFrame:
    """The lists: of every target the best items by its model.

    Args:
        rated: from `rate_items`.
        used: target -> model; targets that are not in it get no list.
        top: how long a list is at most.

    Returns:
        customer_id, target, recommendation_rank (BIGINT), item, score, model.
    """
    model = _by_target({target: F.lit(name) for target, name in used.items()}, "string")
    score = _by_target({target: F.col(name) for target, name in used.items()}, "double")
    scored = rated.select("customer_id", "item", "item_no", "target", model.alias("model"), score.alias("score"))
    placed = scored.where("score IS NOT NULL").withColumn("recommendation_rank", place_by(F.col("score")))
    return placed.where(F.col("recommendation_rank") <= top).select(
        "customer_id", "target", F.col("recommendation_rank").cast("bigint"), "item", "score", "model"
    )


def _by_target(values: Mapping[str, Column], kind: str) -> Column:
    chosen = [F.when(F.col("target") == F.lit(target), value) for target, value in values.items()]
    return F.coalesce(*chosen, F.lit(None).cast(kind))
