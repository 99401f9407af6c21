"""What the tables about audiences count: scores of candidates, members that two audiences share."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.definition import Lookalike
from strata.audiences.model import LookalikeModel
from strata.audiences.sample import is_candidate
from strata.audiences.scoring import score_column


def candidate_scores(snapshot: DataFrame, lookalike: Lookalike, model: LookalikeModel) -> DataFrame:
    """The score of every candidate.

    Args:
        snapshot: features.snapshot of the as-of date.
        lookalike: the definition.
        model: what scores candidates.

    Returns:
        audience, score: a row per candidate.
    """
    name = F.lit(lookalike.audience.name).alias("audience")
    return snapshot.where(is_candidate(lookalike)).select(name, score_column(model).alias("score"))


def count_scores(scored: DataFrame) -> DataFrame:
    """How many candidates have which score: all that a curve of any reaches needs.

    Args:
        scored: audience, score, of any number of audiences.

    Returns:
        audience, score, customers: at most a million rows per audience, as scores have 6 decimals; for the driver.
    """
    return scored.groupBy("audience", "score").agg(F.count("*").alias("customers"))


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
