"""The sample on the driver: what of it belongs to which audience."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audiences.definitions import AS_OF, customer

from strata.audiences import sampled
from strata.audiences.sampled import (
    BUCKETS,
    CANDIDATE,
    HASH,
    JOINED,
    REST,
    SEED,
    Census,
    Counts,
    Sample,
    bound,
    census_by_date,
    flag,
)

ROWS = 400


def table() -> pa.Table:
    """Wine: every fourth is seed, others are candidates, half of these rest; beer: three are seed, others all else."""
    numbers = np.arange(ROWS)
    wine, beer = numbers % 4 == 0, numbers < 3
    flags = {
        SEED: (wine, beer), CANDIDATE: (~wine, ~beer), REST: (~wine & (numbers % 2 == 0), ~beer), JOINED: (wine, beer)
    }  # fmt: skip
    marked = {
        flag(kind, name): of for kind, both in flags.items() for name, of in zip(("wine", "beer"), both, strict=True)
    }
    found = pa.table(
        {
            "as_of_date": pa.array([AS_OF] * ROWS),
            "customer_id": [customer(i) for i in numbers],
            HASH: numbers * BUCKETS // ROWS,
            **marked,
            "spend": pa.array(np.where(numbers == 7, np.nan, numbers * 1.5), from_pandas=True),
            "visits": pa.array([None if i == 5 else float(i) for i in numbers]),
            "sex": pa.array(["f" if i % 2 else None for i in numbers]),
        }
    )
    return found.take(np.random.default_rng(1).permutation(ROWS))


def census(customers: int = ROWS) -> dict[date, Census]:
    return {AS_OF: Census(customers, {"wine": Counts(100, 300, 100), "beer": Counts(3, 397, 397)})}


def test_of_a_small_base_an_audience_sees_all_its_seed_and_rest_in_the_order_of_customers() -> None:
    found = Sample(table(), census()).of("wine", "visits").on(AS_OF, ("spend",))
    expected = [i for i in range(ROWS) if i % 2 == 0]
    assert found.customer_id.tolist() == [customer(i) for i in expected]
    assert found.seed.tolist() == [i % 4 == 0 for i in expected]
    assert found.values[:, 0].tolist() == [i * 1.5 for i in expected]
    assert found.activity.tolist() == expected
    beer = Sample(table(), census()).of("beer", "visits")
    assert np.isnan(beer.on(AS_OF, ("visits", "spend")).values).nonzero()[0].tolist() == [5, 7]
    assert beer.on(AS_OF, ()).activity[5] == 0
    assert beer.texts_on(AS_OF, "sex")[:4] == [None, "f", None, "f"]


def test_candidates_may_be_others_than_those_the_seed_is_told_apart_from() -> None:
    own = Sample(table(), census()).of("wine", "visits")
    assert own.candidates_on(AS_OF, ()).candidate.tolist() == [True] * 300
    assert own.has_all_candidates(AS_OF)
    assert own.on(AS_OF, ()).candidate.sum() == 100


def test_of_a_large_base_groups_are_as_large_as_their_own_counts_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "EVERYBODY_ROWS", 40)
    monkeypatch.setattr(sampled, "GROUP_ROWS", 50)
    sample = Sample(table(), census())
    wine, beer = (sample.of(name, "visits") for name in ("wine", "beer"))
    assert wine.on(AS_OF, ()).seed.sum() == 50
    assert (beer.on(AS_OF, ()).seed.sum(), beer.on(AS_OF, ()).candidate.sum()) == (3, 48), "a seed of three is whole"
    assert not beer.has_all_candidates(AS_OF)
    assert len(sample.of("wine", "visits").candidates_on(date(2017, 1, 1), ()).seed) == 0


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_a_bound_lets_about_as_many_in_as_are_wanted_and_all_of_few(count: int, wanted: int) -> None:
    share = bound(count, wanted) / BUCKETS
    assert share == 1 if count <= wanted else wanted - count / BUCKETS <= share * count <= wanted


def test_a_census_is_read_by_date() -> None:
    row = {"as_of_date": [AS_OF], "customers": [9], flag(SEED, "wine"): [2], flag(CANDIDATE, "wine"): [7]}
    assert census_by_date(pa.table({**row, flag(REST, "wine"): [5]}), ["wine"]) == {
        AS_OF: Census(9, {"wine": Counts(2, 7, 5, 9)})
    }
