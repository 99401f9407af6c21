"""The best candidates of all look-alikes of a release in one pass over the customers, no Python on executors.

    features tamed, once per customer → times the weights of all models → who reaches a cut → score → the best of each

Scores are rounded, so picks are equal bit for bit whatever the partitioning.
"""

from collections.abc import Sequence
from math import inf, log

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.audiences.cut import Cut
from strata.audiences.product import with_products
from strata.audiences.ranking import Numbers
from strata.audiences.sample import is_candidate
from strata.audiences.scoring import Read, likeness, reads_of, tamed, terms_of

_INDEX, _CANDIDATES, _SUMS, _LINEAR, _PLACE = "~audience", "~candidates", "~sums", "~linear", "~place"
_SLACK = 1e-6


def reaching(customers: DataFrame, cuts: Sequence[Cut]) -> DataFrame:
    """The candidates of all audiences that score as much as the cut of theirs says.

    Args:
        customers: features of one date, a row each.
        cuts: at least one.

    Returns:
        ~audience (its place among `cuts`), customer_id, score: in general a few more than are wanted.
    """
    read = sorted({each for cut in cuts for each in reads_of(cut.model)})
    values = [f"~{n}" for n in range(len(read))]
    candidates = F.array(*[is_candidate(cut.lookalike) for cut in cuts]).alias(_CANDIDATES)
    tamed_once = [tamed(*each).alias(name) for name, each in zip(values, read, strict=True)]
    prepared = customers.select("customer_id", candidates, *tamed_once)
    known = [F.coalesce(F.col(name), F.lit(0.0)) for name in values]
    unknown = [F.col(name).isNull().cast("double") for name in values]
    summed = with_products(prepared, F.array(F.lit(1.0), *known, *unknown), _weights(cuts, read), _SUMS)
    each = summed.select("customer_id", _CANDIDATES, F.posexplode(_SUMS).alias(_INDEX, _LINEAR))
    lowest = _of(F.col(_INDEX), [_lowest(cut.least) for cut in cuts], "double")
    passing = each.where(F.get(_CANDIDATES, F.col(_INDEX)) & (F.col(_LINEAR) >= lowest))
    scored = passing.select(_INDEX, "customer_id", likeness(F.col(_LINEAR)).alias("score"))
    return scored.where(F.col("score") >= _of(F.col(_INDEX), [cut.least for cut in cuts], "double"))


def best(reached: DataFrame, cuts: Sequence[Cut]) -> DataFrame:
    """Of those who reach the cuts as many as are wanted: by score, equal ones by customer_id.

    Args:
        reached: what `reaching` gives for the same cuts.
        cuts: at least one.

    Returns:
        audience (its name), customer_id, score, origin: `picks`, before permission and exclusions.
    """
    order = Window.partitionBy(_INDEX).orderBy(F.col("score").desc(), "customer_id")
    wanted = _of(F.col(_INDEX), [cut.size for cut in cuts], "int")
    placed = reached.withColumn(_PLACE, F.row_number().over(order))
    taken = placed.where(wanted.isNull() | (F.col(_PLACE) <= wanted))
    names = _of(F.col(_INDEX), [cut.lookalike.name for cut in cuts], "string")
    return taken.select(names.alias("audience"), "customer_id", "score", F.lit("lookalike").alias("origin"))


def _weights(cuts: Sequence[Cut], read: Sequence[Read]) -> Numbers:
    """A column per cut: what its sum begins with, and for all that is read its weight, and what stands for unknown."""
    columns = []
    for cut in cuts:
        constant, terms = terms_of(cut.model)
        found = [terms.get(each, (0.0, 0.0)) for each in read]
        columns.append([constant, *(weight for _, weight in found), *(mean * weight for mean, weight in found)])
    return np.array(columns).T


def _lowest(score: float) -> float:
    """A sum that all reach who reach the score after rounding."""
    low, high = score - _SLACK, 1.0
    if low <= 0:
        return -inf
    return log(low / (high - low)) if low < high else inf


def _of(index: Column, values: Sequence[object], kind: str) -> Column:
    """The value at that place."""
    return F.get(F.array(*[F.lit(value).cast(kind) for value in values]), index)
