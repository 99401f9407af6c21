"""The best candidates of all look-alikes of a release in one pass over the customers, no Python on executors.

    features prepared, once per customer × a row per model → weighted sum → who reaches a cut → score → the best of each

A row per model beside each customer, and one expression for all of them: a sum written out for each of 50 models is
code of thousands of terms, on which the JVM spends longer than on the customers (`tests/bench/results-lookalikes.md`).
Scores are rounded and sums have one order, so picks are equal bit for bit whatever the partitioning.
"""

from collections.abc import Sequence
from functools import reduce
from math import inf, log
from operator import add

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.audiences.cut import Cut
from strata.audiences.sample import is_candidate
from strata.audiences.scoring import Read, likeness, reads_of, tamed, terms_of

_INDEX, _CANDIDATES, _PLACE = "~audience", "~candidates", "~place"
_CONSTANT, _LOWEST, _LEAST, _SIZE, _LINEAR = "~constant", "~lowest", "~least", "~size", "~linear"
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
    candidates = F.array(*[is_candidate(cut.lookalike) for cut in cuts]).alias(_CANDIDATES)
    prepared = customers.select("customer_id", candidates, *[tamed(*e).alias(_value(n)) for n, e in enumerate(read)])
    models = customers.sparkSession.createDataFrame(_table(cuts, read))
    pairs = prepared.crossJoin(F.broadcast(models)).where(F.get(_CANDIDATES, F.col(_INDEX)))
    known = [F.coalesce(F.col(_value(n)), F.col(_mean(n))) * F.col(_weight(n)) for n in range(len(read))]
    summed = pairs.select("customer_id", _INDEX, _LOWEST, _LEAST, reduce(add, known, F.col(_CONSTANT)).alias(_LINEAR))
    scored = summed.where(F.col(_LINEAR) >= F.col(_LOWEST)).withColumn("score", likeness(F.col(_LINEAR)))
    return scored.where(F.col("score") >= F.col(_LEAST)).select(_INDEX, "customer_id", "score")


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


def _table(cuts: Sequence[Cut], read: Sequence[Read]) -> pa.Table:
    """A row per cut: its place, what its sum begins with and must come to, and for each of `read` mean and weight."""
    terms = [terms_of(cut.model) for cut in cuts]
    columns = {
        _INDEX: pa.array(range(len(cuts)), pa.int32()),
        _CONSTANT: [constant for constant, _ in terms],
        _LOWEST: [_lowest(cut.least) for cut in cuts],
        _LEAST: [cut.least for cut in cuts],
    }
    for n, each in enumerate(read):
        found = [of.get(each, (0.0, 0.0)) for _, of in terms]
        columns |= {_mean(n): [mean for mean, _ in found], _weight(n): [weight for _, weight in found]}
    return pa.table(columns)


def _lowest(score: float) -> float:
    """A sum that all reach who reach the score after rounding."""
    low, high = score - _SLACK, 1.0
    if low <= 0:
        return -inf
    return log(low / (high - low)) if low < high else inf


def _of(index: Column, values: Sequence[object], kind: str) -> Column:
    """The value at that place."""
    return F.get(F.array(*[F.lit(value).cast(kind) for value in values]), index)


def _value(n: int) -> str:
    return f"~x{n}"


def _mean(n: int) -> str:
    return f"~m{n}"


def _weight(n: int) -> str:
    return f"~w{n}"
