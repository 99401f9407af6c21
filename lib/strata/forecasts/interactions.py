"""What customers have had: the ground of recommendations, and the truth they are tried on."""

from datetime import date, timedelta
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.project.recommendations import Recommendation

SAMPLE_CUSTOMERS = 20_000
"""Customers that models are tried on at most: the error of a recall is then below .004."""
SALT = "recommendations"
"""Keeps this sample independent of other samples by hash of the same ids."""

Moment = Literal["then", "now"]


def train_date(recommendation: Recommendation, as_of: date) -> date:
    """The last day that models see when they are tried."""
    return as_of - timedelta(days=recommendation.holdout_days)


def count_days(cells: DataFrame, recommendation: Recommendation, events: str, as_of: date, *, split: bool) -> DataFrame:
    """On how many days a customer had an item, in one scan for both moments.

    Args:
        cells: features.pairs.
        recommendation: whose items.
        events: the column of the cells that counts the events in question (`features.tiles.items_partial`).
        as_of: the as-of date.
        split: whether a day may have several cells of an item, because another column splits it.

    Returns:
        customer_id, item, and the days (BIGINT) with the item: days_then, of the window up to the train date;
        days_now, of the window up to the as-of date; days_later, after the train date.
    """
    then, window = train_date(recommendation, as_of), timedelta(days=recommendation.days - 1)
    day, item = F.col("event_date"), F.col(recommendation.of)
    had = cells.where(day.between(F.lit(then - window), F.lit(as_of)) & (F.col(events) > 0) & item.isNotNull())
    days = had.select("customer_id", item.alias("item"), "event_date")
    return (
        (days.distinct() if split else days)
        .groupBy("customer_id", "item")
        .agg(
            F.count_if(day <= F.lit(then)).alias("days_then"),
            F.count_if(day >= F.lit(as_of - window)).alias("days_now"),
            F.count_if(day > F.lit(then)).alias("days_later"),
        )
    )


def known_at(interactions: DataFrame, moment: Moment) -> DataFrame:
    """What was known at a moment: customer_id, item, days; of `then` also days_later, with 0 days for what came new."""
    if moment == "now":
        return interactions.where("days_now > 0").select("customer_id", "item", F.col("days_now").alias("days"))
    return interactions.select("customer_id", "item", F.col("days_then").alias("days"), "days_later")


def sample_customers(history: DataFrame) -> DataFrame:
    """The history of at most `SAMPLE_CUSTOMERS` customers: those with the lowest salted hash of the id."""
    by_hash = [F.xxhash64(F.lit(SALT), F.col("customer_id")), F.col("customer_id")]
    chosen = history.where("days > 0").select("customer_id").distinct().orderBy(*by_hash).limit(SAMPLE_CUSTOMERS)
    return history.join(chosen, "customer_id", "left_semi")
