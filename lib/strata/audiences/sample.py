"""From the snapshot to the rows look-alikes learn from: who is seed, candidate, rest, and one hash sample for all."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from strata.audiences.definition import Lookalike
from strata.audiences.sampled import BUCKETS, CANDIDATE, HASH, JOINED, REST, SEED, Census, flag
from strata.expression import Expression
from strata.expression.spark import to_column

_SEEDS = "~seeds"
_GROUPS = (SEED, CANDIDATE, REST)


def numeric_columns(snapshot: DataFrame) -> tuple[str, ...]:
    """The columns of the snapshot that hold numbers."""
    return tuple(field.name for field in snapshot.schema if isinstance(field.dataType, NumericType))


def holds(expression: Expression) -> Column:
    """The condition as a column that is never NULL: what is unknown is not fulfilled."""
    return F.coalesce(to_column(expression), F.lit(False))


def is_candidate(lookalike: Lookalike) -> Column:
    """Who may be returned: candidates, but nobody of the seed."""
    return holds(lookalike.candidates) & ~holds(lookalike.seed)


def count_customers(snapshot: DataFrame, lookalikes: Sequence[Lookalike], as_of: date) -> DataFrame:
    """How many customers are what to which audience, on the as-of date and on the dates of backtests: one aggregate.

    Args:
        snapshot: features.snapshot; dates other than these are not looked at.
        lookalikes: the definitions.
        as_of: the as-of date.

    Returns:
        as_of_date, customers, and for each audience a count for each of its flags: a row per date that has customers.
    """
    names = [flag(kind, lookalike.name) for lookalike in lookalikes for kind in _GROUPS]
    counted = [F.count_if(_column(name)).alias(name) for name in names]
    marked = _marked(snapshot, lookalikes, as_of)
    return marked.groupBy("as_of_date").agg(F.count("*").alias("customers"), *counted)


def training_sample(
    snapshot: DataFrame,
    lookalikes: Sequence[Lookalike],
    as_of: date,
    census: Mapping[date, Census],
    beside: Iterable[str] = (),
) -> DataFrame:
    """One sample of customers for all audiences, chosen by hash of the id, so the same customers on every date.

    Args:
        snapshot: features.snapshot with all dates.
        lookalikes: the definitions.
        as_of: the as-of date.
        census: of these dates; a date that is missing has no customers.
        beside: more columns to have: numbers as doubles, others as they are.

    Returns:
        as_of_date, customer_id, ~hash; for each audience whether the customer is ~seed, ~candidate, ~rest on the date
        and ~joined (of the seed on the as-of date); what audiences learn from and call activity as doubles (NULL:
        unknown), and `beside`; for the driver.
    """
    marked = _marked(snapshot, lookalikes, as_of).withColumn(HASH, F.pmod(F.xxhash64("customer_id"), F.lit(BUCKETS)))
    days = [F.lit(False)]
    for day, counted in sorted(census.items()):
        of_day = [each for each in lookalikes if day in (as_of, each.train_date(as_of))]
        days.append((F.col("as_of_date") == F.lit(day)) & _chosen(counted, of_day))
    numbers = {name for each in lookalikes for name in (*each.features, each.audience.looks_like.activity)}
    numeric, wanted = set(numeric_columns(snapshot)), sorted(numbers.union(beside))
    columns = [known_number(name).alias(name) if name in numeric else _column(name) for name in wanted]
    of_seed = F.coalesce(F.col(_SEEDS), F.array().cast("array<int>"))
    joined = [F.array_contains(of_seed, index).alias(flag(JOINED, e.name)) for index, e in enumerate(lookalikes)]
    flags = [_column(flag(kind, each.name)) for each in lookalikes for kind in _GROUPS]
    return (
        marked.where(reduce(or_, days))
        .join(_seeds_of(marked, lookalikes, as_of), "customer_id", "left")
        .select("as_of_date", "customer_id", HASH, *flags, *joined, *columns)
    )


def known_number(name: str) -> Column:
    """A column as double; NULL where it is NULL, NaN or infinite."""
    number = _column(name).cast("double")
    return F.when(F.abs(number) < F.lit(float("inf")), number)


def _marked(snapshot: DataFrame, lookalikes: Sequence[Lookalike], as_of: date) -> DataFrame:
    """The snapshot of the dates with flags for seed, candidate and rest of each audience."""
    days = sorted({as_of, *(each.train_date(as_of) for each in lookalikes)})
    flags: dict[str, Column] = {}
    for each in lookalikes:
        flags |= {flag(kind, each.name): column for kind, column in zip(_GROUPS, _groups(each), strict=True)}
    return snapshot.where(F.col("as_of_date").isin(*map(F.lit, days))).withColumns(flags)


def _groups(lookalike: Lookalike) -> tuple[Column, Column, Column]:
    """Who is of the seed, a candidate, and of those the seed is told apart from."""
    seed, candidate = holds(lookalike.seed), is_candidate(lookalike)
    match lookalike.against:
        case "candidates":
            return seed, candidate, candidate
        case Expression() as named:
            return seed, candidate, holds(named) & ~seed
    return seed, candidate, ~seed


def _chosen(census: Census, lookalikes: Sequence[Lookalike]) -> Column:
    """Who of a date is in the sample: by hash alone, and of what is small by a hash that lets more of it in.

    The greatest of numbers and not an OR of conditions: Catalyst took minutes over the 150 of fifty audiences.
    """
    wider = [
        F.when(_column(flag(kind, each.name)), F.lit(limit))
        for each in lookalikes
        for kind, limit in census.bounds(each.name).items()
        if limit > census.everybody
    ]
    everybody = F.lit(census.everybody)
    return F.col(HASH) < (F.greatest(everybody, *wider) if wider else everybody)


def _seeds_of(marked: DataFrame, lookalikes: Sequence[Lookalike], as_of: date) -> DataFrame:
    """Whose seeds customers are of on the as-of date: customer_id and the places of the audiences; no row without."""
    places = [F.when(_column(flag(SEED, each.name)), F.lit(index)) for index, each in enumerate(lookalikes)]
    found = F.filter(F.array(*places), lambda place: place.isNotNull())
    now = marked.where(F.col("as_of_date") == F.lit(as_of)).select("customer_id", found.alias(_SEEDS))
    return now.where(F.size(_SEEDS) > 0)


def _column(name: str) -> Column:
    return F.col(f"`{name}`")
