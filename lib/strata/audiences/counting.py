"""What the tables about audiences count: members that two audiences share."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def count_shared(members: DataFrame) -> DataFrame:
    """How many customers are in two audiences at once.

    Args:
        members: audience, customer_id, each pair once.

    Returns:
        audience, other_audience (later by name), shared: a row per pair that shares somebody.
    """
    mine = members.select("audience", "customer_id")
    others = members.select(F.col("audience").alias("other_audience"), "customer_id")
    both = mine.join(others, "customer_id").where(F.col("audience") < F.col("other_audience"))
    return both.groupBy("audience", "other_audience").agg(F.count("*").alias("shared"))
