"""The sample that all look-alikes of a release learn from and are tried on, as arrays on the driver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from strata.audiences.ranking import Flags, Ids, Numbers

SEED, CANDIDATE, REST, JOINED, ACTIVITY = "~seed", "~candidate", "~rest", "~joined", "~activity"
"""Columns beside the features; named so that no feature has such a name."""
HASH = "~hash"

EVERYBODY_ROWS = 50_000
"""About how many customers of a date are in the sample whatever they are; 50,000 × 150 doubles are 60 MB."""
GROUP_ROWS = 5_000
"""About how many of each seed, of each candidates and of those a seed is told apart from are in it at least.

So a small group is there whole. What an audience has of the sample depends on its own counts only, not on the others.
"""
BUCKETS = 1 << 20


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
class Census:
    """All customers of a date, and those of each audience."""

    customers: int
    of: Mapping[str, Counts]

    @property
    def everybody(self) -> int:
        """Customers whose hash is below this are in the sample, whatever they are."""
        return bound(self.customers, EVERYBODY_ROWS)

    def bounds(self, audience: str) -> dict[str, int]:
        """By kind of flag: those marked are in the sample where their hash is below this."""
        found = self.of.get(audience, Counts())
        counts = {SEED: found.seed, CANDIDATE: found.candidates, REST: found.rest}
        return {kind: max(self.everybody, bound(count, GROUP_ROWS)) for kind, count in counts.items()}


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


@dataclass(frozen=True)
class Sample:
    """What `sample.training_sample` gives: each date's customers once, whichever audiences they are for."""

    table: pa.Table
    census: Mapping[date, Census]

    @cached_property
    def _days(self) -> dict[date, "_Day"]:
        return {day: _Day(self.table.filter(pc.equal(self.table["as_of_date"], pa.scalar(day)))) for day in self.census}

    def of(self, audience: str, activity: str) -> "OfAudience":
        """What there is of it for an audience; `activity`: the column that says who is active."""
        return OfAudience(self, audience, activity)

    def day(self, day: date) -> "_Day":
        """The customers of a date, none where there are none."""
        return self._days.get(day) or _Day(self.table.slice(0, 0))


@dataclass(frozen=True, slots=True)
class OfAudience:
    """The sample as one audience sees it."""

    sample: Sample
    audience: str
    activity: str

    def on(self, day: date, features: Sequence[str]) -> Sampled:
        """Its seed and those whom the seed is told apart from."""
        return self._taken(day, features, self._in(day, SEED) | self._in(day, REST))

    def candidates_on(self, day: date, features: Sequence[str]) -> Sampled:
        """Its candidates: a sample of them by hash alone, or all where they are few."""
        return self._taken(day, features, self._in(day, CANDIDATE))

    def texts_on(self, day: date, name: str) -> list[str | None]:
        """A text column of the rows that `on` gives."""
        rows = np.flatnonzero(self._in(day, SEED) | self._in(day, REST))
        texts: list[str | None] = self.sample.day(day).rows[name].take(pa.array(rows)).to_pylist()
        return texts

    def has_all_candidates(self, day: date) -> bool:
        """Whether all candidates of a date are in the sample."""
        census = self.sample.census.get(day)
        return census is None or census.bounds(self.audience)[CANDIDATE] >= BUCKETS

    def _in(self, day: date, kind: str) -> Flags:
        found, census = self.sample.day(day), self.sample.census.get(day)
        limit = census.bounds(self.audience)[kind] if census else 0
        within: Flags = found.flag(flag(kind, self.audience)) & (found.hash < limit)
        return within

    def _taken(self, day: date, features: Sequence[str], wanted: Flags) -> Sampled:
        found, rows = self.sample.day(day), np.flatnonzero(wanted)
        seed, candidate, joined = (found.flag(flag(kind, self.audience))[rows] for kind in (SEED, CANDIDATE, JOINED))
        return Sampled(
            customer_id=found.ids[rows],
            seed=seed,
            candidate=candidate,
            joined=joined,
            activity=np.nan_to_num(found.values(rows, [self.activity])[:, 0]),
            features=tuple(features),
            values=found.values(rows, features),
        )


class _Day:
    """The customers of a date in the order of their ids."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows.sort_by("customer_id").combine_chunks()

    @cached_property
    def ids(self) -> Ids:
        return np.array(self.rows["customer_id"].to_pylist(), dtype=np.str_)

    @cached_property
    def hash(self) -> NDArray[np.int64]:
        return np.asarray(self.rows[HASH].to_numpy(), dtype=np.int64)

    @cached_property
    def _place(self) -> dict[str, int]:
        numbers = [f.name for f in self.rows.schema if pa.types.is_floating(f.type)]
        return {name: index for index, name in enumerate(numbers)}

    @cached_property
    def _matrix(self) -> Numbers:
        matrix = np.empty((self.rows.num_rows, len(self._place)))
        for name, index in self._place.items():
            matrix[:, index] = _numbers(self.rows[name])
        return matrix

    def flag(self, name: str) -> Flags:
        return _flags(self.rows[name])

    def values(self, rows: NDArray[np.intp], names: Sequence[str]) -> Numbers:
        columns = np.array([self._place[name] for name in names], dtype=np.intp)
        return self._matrix[np.ix_(rows, columns)]


def flag(kind: str, audience: str) -> str:
    """The column that says of customers whether they are of that kind to an audience."""
    return f"{kind}:{audience}"


def bound(count: int, wanted: int) -> int:
    """Of `count` customers about `wanted` have a hash below this; of `wanted` or fewer all."""
    return BUCKETS if count <= wanted else wanted * BUCKETS // count


def census_by_date(counted: pa.Table, audiences: Sequence[str]) -> dict[date, Census]:
    """What `sample.count_customers` gives, by date; a date without customers is missing."""
    rows = counted.to_pylist()
    return {
        row["as_of_date"]: Census(row["customers"], {name: _counts(row, name) for name in audiences}) for row in rows
    }


def _counts(row: Mapping[str, int], audience: str) -> Counts:
    seed, candidates, rest = (row[flag(kind, audience)] for kind in (SEED, CANDIDATE, REST))
    return Counts(seed, candidates, rest, row["customers"])


def sampled_on(day: date, sample: pa.Table | OfAudience, features: Sequence[str]) -> Sampled:
    """Seed and rest of one date, in the order of customers; a table is of one audience, flags without its name."""
    if isinstance(sample, OfAudience):
        return sample.on(day, features)
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


def candidates_on(day: date, sample: pa.Table | OfAudience, features: Sequence[str]) -> Sampled:
    """The candidates of one date, in the order of customers."""
    if isinstance(sample, OfAudience):
        return sample.candidates_on(day, features)
    return sampled_on(day, sample.filter(sample[CANDIDATE]), features)


def _flags(column: pa.ChunkedArray) -> Flags:
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    return np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
