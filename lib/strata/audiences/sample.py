"""From the snapshot to the rows a look-alike learns from: who is seed, candidate, rest, and a hash sample of them."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from strata.audiences.definition import Lookalike
from strata.audiences.sampled import ACTIVITY, CANDIDATE, JOINED, SEED, Counts
from strata.expression import Expression
from strata.expression.spark import to_column

SEED_ROWS = 40_000
REST_ROWS = 60_000
"""About how many rows of a date go to the driver; 100,000 × 150 doubles are 120 MB."""

_REST = "~rest"
_BUCKETS = 1 << 20


def numeric_columns(snapshot: DataFrame) -> tuple[str, ...]:
    """The columns of the snapshot that hold numbers."""
    return tuple(field.name for field in snapshot.schema if isinstance(field.dataType, NumericType))


def holds(expression: Expression) -> Column:
    """The condition as a column that is never NULL: what is unknown is not fulfilled."""
    return F.coalesce(to_column(expression), F.lit(False))


def is_candidate(lookalike: Lookalike) -> Column:
    """Who may be returned: candidates, but nobody of the seed."""
    return holds(lookalike.candidates) & ~holds(lookalike.seed)


def count_customers(snapshot: DataFrame, lookalike: Lookalike, as_of: date) -> DataFrame:
    """How many customers are what, on the as-of date and on the date of the backtest.

    Args:
        snapshot: features.snapshot; dates other than the two are not looked at.
        lookalike: the definition.
        as_of: the as-of date.

    Returns:
        as_of_date, seed, candidates, rest (those the seed is told apart from), base (all): a row per date that has
        customers.
    """
    flags = {"seed": SEED, "candidates": CANDIDATE, "rest": _REST}
    counted = [F.count_if(_column(flag)).alias(name) for name, flag in flags.items()]
    return _marked(snapshot, lookalike, as_of).groupBy("as_of_date").agg(*counted, F.count("*").alias("base"))


def training_sample(snapshot: DataFrame, lookalike: Lookalike, as_of: date, counts: Mapping[date, Counts]) -> DataFrame:
    """Seed and rest of both dates, at most about 100,000 customers each, chosen by hash of the id.

    Args:
        snapshot: features.snapshot with both dates.
        lookalike: the definition.
        as_of: the as-of date.
        counts: of both dates; a date that is missing has no customers.

    Returns:
        as_of_date, customer_id, ~seed, ~candidate, ~joined (whether the customer satisfies the seed's condition on the
        as-of date), ~activity, and the features as doubles (NULL: unknown), for the driver.
    """
    marked = _marked(snapshot, lookalike, as_of)
    kept = F.lit(False)
    for day, count in sorted(counts.items()):
        chosen = _sampled(SEED, SEED_ROWS, count.seed) | _sampled(_REST, REST_ROWS, count.rest)
        kept = kept | ((F.col("as_of_date") == F.lit(day)) & chosen)
    joined = marked.where((F.col("as_of_date") == F.lit(as_of)) & _column(SEED)).select(
        "customer_id", F.lit(True).alias(JOINED)
    )
    numbers = [known_number(feature).alias(feature) for feature in lookalike.features]
    return (
        marked.where(kept)
        .join(joined, "customer_id", "left")
        .select(
            "as_of_date",
            "customer_id",
            _column(SEED),
            _column(CANDIDATE),
            F.coalesce(_column(JOINED), F.lit(False)).alias(JOINED),
            known_number(lookalike.audience.looks_like.activity).alias(ACTIVITY),
            *numbers,
        )
    )


def known_number(name: str) -> Column:
    """A column as double; NULL where it is NULL, NaN or infinite."""
    number = _column(name).cast("double")
    return F.when(F.abs(number) < F.lit(float("inf")), number)


def _marked(snapshot: DataFrame, lookalike: Lookalike, as_of: date) -> DataFrame:
    """The snapshot of both dates with flags for seed, candidate and rest."""
    days = [F.lit(day) for day in (lookalike.train_date(as_of), as_of)]
    candidate = is_candidate(lookalike)
    rest = ~holds(lookalike.seed)
    match lookalike.against:
        case "candidates":
            rest = candidate
        case Expression() as named:
            rest = holds(named) & rest
    return snapshot.where(F.col("as_of_date").isin(*days)).withColumns(
        {SEED: holds(lookalike.seed), CANDIDATE: candidate, _REST: rest}
    )


def _sampled(flag: str, wanted: int, available: int) -> Column:
    """Rows with the flag, about `wanted` of the `available` ones; the same customers on every date and cluster."""
    if available <= wanted:
        return _column(flag)
    threshold = wanted * _BUCKETS // available
    return _column(flag) & (F.pmod(F.xxhash64("customer_id"), F.lit(_BUCKETS)) < threshold)


def _column(name: str) -> Column:
    return F.col(f"`{name}`")
