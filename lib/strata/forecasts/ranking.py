"""Every model's order of the items for a customer, and the best of them as lists.

An item is a number here: its place by popularity. A row is a customer, an order an array of items with the best first:
what the customer had is cut out of it or kept by native functions, so that no row per customer and item is shuffled.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.forecasts.choice import ALS, DECIMALS, OWN_HISTORY, POPULARITY
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


def order_items(history: DataFrame, items: DataFrame, factors: Factors | None) -> DataFrame:
    """Each model's order of the items, for every customer who had one.

    Args:
        history: customer_id, item, days, perhaps days_later.
        items: `rank_items` of the whole history.
        factors: None: not fitted, the model orders nothing.

    Returns:
        customer_id; own_history (what the customer had, most days first; of equally many days the more popular item
        first), popularity (what somebody had), als (what has factors): arrays of item_no, best first; later: those
        with days_later; days: item_no -> days; preferences: structs of `less` (preference with the sign turned) and
        item_no, in the order of als.
    """
    days, item = F.col("days"), F.col("item_no")
    later = F.col("days_later") > 0 if "days_later" in history.columns else F.lit(False)
    customers = (
        history.join(F.broadcast(items), "item")
        .groupBy("customer_id")
        .agg(
            F.sort_array(F.collect_list(F.when(days > 0, F.struct((-days).alias("less"), item)))).alias("_had"),
            F.collect_list(F.when(later, item)).alias("later"),
        )
        .where(F.size("_had") > 0)
    )
    preferences = _none()
    if factors is not None:
        customers = customers.join(factors.customers, "customer_id", "left")
        items = items.join(factors.items, "item", "left")
        preferences = _preferences()
    else:
        items = items.withColumn("item_factors", F.lit(None).cast("array<float>"))
    every = items.agg(F.sort_array(F.collect_list(F.struct("item_no", "customers", "item_factors"))).alias("_items"))
    scored = customers.crossJoin(F.broadcast(every)).withColumn("preferences", preferences)
    return scored.select(
        "customer_id",
        F.transform("_had", lambda had: had["item_no"]).alias(OWN_HISTORY),
        F.transform(F.filter("_items", lambda i: i["customers"] > 0), lambda i: i["item_no"]).alias(POPULARITY),
        F.transform("preferences", lambda p: p["item_no"]).alias(ALS),
        "later",
        F.map_from_entries(F.transform("_had", lambda had: F.struct(had["item_no"], -had["less"]))).alias("days"),
        "preferences",
    )


def _preferences() -> Column:
    """Preference for every item with factors, the highest first, and of equal ones the more popular item."""
    with_factors = F.filter("_items", lambda i: i["item_factors"].isNotNull())
    own = F.col("customer_factors")
    rated = F.transform(with_factors, lambda i: F.struct(_less(own, i).alias("less"), i["item_no"].alias("item_no")))
    return F.when(own.isNotNull(), F.sort_array(rated)).otherwise(_none())


def _less(own: Column, item: Column) -> Column:
    product = F.call_function("vector_inner_product", own, item["item_factors"])
    return F.lit(0.0) - F.round(product.cast("double"), DECIMALS)


def _none() -> Column:
    return F.array().cast("array<struct<less: double, item_no: int>>")


def of_target(items: Column) -> Column:
    """Those of the items that the customer had (where `target` is repeat) or did not have (new), in their order."""
    had = F.col(OWN_HISTORY)
    return F.when(F.col("target") == "repeat", F.array_intersect(items, had)).otherwise(F.array_except(items, had))


def best_items(ordered: DataFrame, items: DataFrame, used: Mapping[str, str], top: int) -> DataFrame:
    """The lists: of every target the best items by its model.

    Args:
        ordered: from `order_items`.
        items: the items that were ordered.
        used: target -> model, at least one; other targets get no list.
        top: how long a list is at most.

    Returns:
        customer_id, target, recommendation_rank (BIGINT), item, score, model.
    """
    parts = [
        ordered.withColumn("target", F.lit(target))
        .select(
            "customer_id",
            "target",
            F.lit(model).alias("model"),
            F.col("days" if model == OWN_HISTORY else "preferences").alias("_scores"),
            F.posexplode(F.slice(of_target(F.col(model)), 1, top)).alias("_place", "item_no"),
        )
        .join(F.broadcast(items), "item_no")
        .select(
            "customer_id",
            "target",
            (F.col("_place") + F.lit(1)).cast("bigint").alias("recommendation_rank"),
            "item",
            _score(model).cast("double").alias("score"),
            "model",
        )
        for target, model in used.items()
    ]
    return reduce(DataFrame.unionByName, parts)


def _score(model: str) -> Column:
    if model == POPULARITY:
        return F.col("customers")
    if model == OWN_HISTORY:
        return F.element_at("_scores", F.col("item_no"))
    own = F.filter("_scores", lambda p: p["item_no"] == F.col("item_no"))
    return F.lit(0.0) - F.get(own, F.lit(0))["less"]
