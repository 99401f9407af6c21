"""The sample a look-alike learns from and is tried on, as arrays on the driver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from strata.audiences.ranking import Flags, Ids, Numbers

SEED, CANDIDATE, JOINED, ACTIVITY = "~seed", "~candidate", "~joined", "~activity"
"""Columns beside the features; named so that no feature has such a name."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Customers on a date: of the seed, of the candidates (never of the seed), of those the seed is told apart from.

    `base` are all of them; 0: not counted.
    """

    seed: int = 0
    candidates: int = 0
    rest: int = 0
    base: int = 0


@dataclass(frozen=True, slots=True)
class Sampled:
    """Customers of one date, sorted by id.

    Attributes:
        customer_id: pseudonyms.
        seed: belongs to the seed on that date.
        candidate: may be returned on that date; never of the seed.
        joined: satisfies the seed's condition on the as-of date of the audience.
        activity: what "most active" means; unknown is 0.
        features: names of the columns of `values`.
        values: rows × features, NaN for unknown.
    """

    customer_id: Ids
    seed: Flags
    candidate: Flags
    joined: Flags
    activity: Numbers
    features: tuple[str, ...]
    values: Numbers


def counts_by_date(counted: pa.Table) -> dict[date, Counts]:
    """What `sample.count_customers` gives, by date; a date without customers is missing."""
    return {
        row["as_of_date"]: Counts(row["seed"], row["candidates"], row["rest"], row["base"])
        for row in counted.to_pylist()
    }


def sampled_on(day: date, sample: pa.Table, features: Sequence[str]) -> Sampled:
    """The rows of one date of what `sample.training_sample` gives, in the order of customers."""
    rows = sample.filter(pc.equal(sample["as_of_date"], pa.scalar(day))).sort_by("customer_id").combine_chunks()
    numbers = [_numbers(rows[feature]) for feature in features]
    return Sampled(
        customer_id=np.array(rows["customer_id"].to_pylist(), dtype=np.str_),
        seed=_flags(rows[SEED]),
        candidate=_flags(rows[CANDIDATE]),
        joined=_flags(rows[JOINED]),
        activity=np.nan_to_num(_numbers(rows[ACTIVITY])),
        features=tuple(features),
        values=np.column_stack(numbers) if numbers else np.empty((rows.num_rows, 0)),
    )


def _flags(column: pa.ChunkedArray) -> Flags:
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    return np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
