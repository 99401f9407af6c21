"""Parts of a seed that are hidden and found again, where no past date shows anything."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tests.audiences.definitions import AS_OF

from strata.audiences.contest import LOOKALIKE, MOST_ACTIVE, RANDOM
from strata.audiences.folds import FOLDS, folds_of, try_over_folds
from strata.audiences.sampled import Sampled

ROWS = 4_000


def village(taste: float) -> Sampled:
    dice = np.random.default_rng(4)
    cheese, beer = dice.gamma(0.6, 30, ROWS), dice.gamma(0.6, 30, ROWS)
    pull = taste * (np.log1p(cheese) - np.log1p(cheese).mean()) / np.log1p(cheese).std()
    seed = dice.random(ROWS) < 1 / (1 + np.exp(2.5 - pull))
    return Sampled(
        customer_id=np.array([f"{i:032x}" for i in range(ROWS)]),
        seed=seed,
        candidate=~seed,
        joined=seed,
        activity=dice.integers(0, 40, ROWS).astype(float),
        features=("beer", "cheese"),
        values=np.column_stack([beer, cheese]),
    )


def test_every_member_is_in_one_fold_by_its_id_alone() -> None:
    ids = village(0).customer_id
    folds = folds_of(ids)
    assert set(folds) == set(range(FOLDS))
    assert min(Counter(folds.tolist()).values()) > 0.9 * ROWS / FOLDS
    assert folds_of(ids[::-1]).tolist() == folds.tolist()[::-1]
    assert folds[:8].tolist() == folds_of(ids[:8]).tolist()


def test_a_taste_that_is_there_is_found_and_none_is_not() -> None:
    there, none = (try_over_folds(village(taste), AS_OF, 0.1) for taste in (1.5, 0.0))
    assert (there.method, there.train_as_of_date, there.truth, there.seed) == ("folds", AS_OF, there.seed, there.truth)
    won, lost = (t.found(LOOKALIKE, 0.1) for t in (there, none))
    assert won is not None
    assert lost is not None
    assert won.lift is not None
    assert won.lift > 2
    assert won.gain is not None
    assert lost.gain is not None
    assert won.gain.low > 0 > lost.gain.low
    areas = {c.model: c.auc for c in there.contests}
    assert areas[LOOKALIKE] > 0.75  # type: ignore[operator]
    assert areas[MOST_ACTIVE] == pytest.approx(0.5, abs=0.05)
    assert areas[RANDOM] == 0.5


def test_hidden_members_are_not_learned_from() -> None:
    """A feature that only marks each fifth of the seed: known of those seen, it says nothing of those hidden."""
    people = village(0.0)
    marks = np.where(people.seed, 1.0 + folds_of(people.customer_id), 0.0)[:, None]
    noise = np.random.default_rng(1).random((ROWS, FOLDS)) < 0.05
    own = (marks == np.arange(1, FOLDS + 1)) | noise
    marked = replace(people, features=tuple("abcde"), values=own.astype(float))
    found = try_over_folds(marked, AS_OF, 0.1)
    assert next(c.auc for c in found.contests if c.model == LOOKALIKE) < 0.6  # type: ignore[operator]


def test_the_order_of_rows_does_not_matter_for_what_is_found() -> None:
    people = village(1.5)
    order = np.random.default_rng(3).permutation(ROWS)
    turned = Sampled(
        people.customer_id[order], people.seed[order], people.candidate[order], people.joined[order],
        people.activity[order], people.features, people.values[order],
    )  # fmt: skip
    one, two = (
        [[f.found for f in c.at] for c in try_over_folds(p, AS_OF, 0.1).contests if c.model == MOST_ACTIVE]
        for p in (people, turned)
    )
    assert one == two
