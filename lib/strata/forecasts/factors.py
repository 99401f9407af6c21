"""Factors by MLlib's alternating least squares for implicit preferences, the same whatever the layout of the rows.

MLlib adds up in the order in which rows and blocks arrive. So ids are numbers by rank of the key, the rows go sorted
through one partition, and there is one block of each side: with more, the sums of blocks meet in the order in which
tasks end. One block is one task; 10 million pairs of a customer and an item fit into it.
"""

from dataclasses import dataclass

from pyspark.ml.recommendation import ALS
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.project.recommendations import Recommendation

_BLOCKS = 1


@dataclass(frozen=True, slots=True)
class Factors:
    """Factors of customers (customer_id, customer_factors) and items (item, item_factors), as arrays of floats.

    Their inner product is the preference: about 1 for what a customer is sure to like.
    """

    customers: DataFrame
    items: DataFrame


def fit_factors(history: DataFrame, items: DataFrame, recommendation: Recommendation) -> Factors | None:
    """Fit on all pairs of a customer and an item; runs Spark jobs. None: there is no such pair.

    Args:
        history: customer_id, item, days; pairs with 0 days are left out.
        items: item, item_no: those to learn about.
        recommendation: its seed and parameters.
    """
    had = history.where("days > 0").join(F.broadcast(items), "item")
    if had.isEmpty():
        return None
    # One partition on purpose: the numbers are ranks.
    numbers = had.select("customer_id").distinct().withColumn("customer_no", _rank_of("customer_id"))
    pairs = had.join(numbers, "customer_id").select("customer_no", "item_no", F.col("days").cast("float"))
    parameters = recommendation.als
    model = ALS(
        rank=parameters.rank,
        regParam=parameters.reg,
        alpha=parameters.alpha,
        maxIter=parameters.iterations,
        seed=recommendation.seed,
        implicitPrefs=True,
        numUserBlocks=_BLOCKS,
        numItemBlocks=_BLOCKS,
        userCol="customer_no",
        itemCol="item_no",
        ratingCol="days",
    ).fit(pairs.repartition(1).sortWithinPartitions("customer_no", "item_no"))
    of_customers = model.userFactors.select(
        F.col("id").alias("customer_no"), F.col("features").alias("customer_factors")
    )
    of_items = model.itemFactors.select(F.col("id").alias("item_no"), F.col("features").alias("item_factors"))
    return Factors(
        numbers.join(of_customers, "customer_no").drop("customer_no"),
        items.join(of_items, "item_no").select("item", "item_factors"),
    )


def _rank_of(key: str) -> Column:
    return F.row_number().over(Window.orderBy(key))
