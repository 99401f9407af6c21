"""A seed of responders: who was asked tells it apart, and what they do does not."""

from dataclasses import replace

import numpy as np
import pytest

from strata.audiences.exposure import follows_from_exposure, warn_of_exposure
from strata.audiences.sampled import Sampled

ROWS = 3_000


def responders(pull: float) -> Sampled:
    """A third was asked; of those one in four responds, by taste as far as `pull` says; of the others hardly one."""
    dice = np.random.default_rng(6)
    taste = dice.normal(size=ROWS)
    asked = dice.random(ROWS) < 1 / 3
    chance = np.where(asked, 0.25, 0.004) if not pull else 1 / (1 + np.exp(2 - pull * taste))
    seed = dice.random(ROWS) < chance
    return Sampled(
        customer_id=np.array([f"{i:032x}" for i in range(ROWS)]),
        seed=seed,
        candidate=~seed,
        joined=seed,
        activity=np.zeros(ROWS),
        features=("asked_84d", "noise", "spend"),
        values=np.column_stack([asked.astype(float), dice.normal(size=ROWS), taste]),
    )


def test_a_seed_of_responders_is_noted_with_features_figures_and_the_way_out() -> None:
    (note,) = warn_of_exposure(responders(pull=0.0), {"asked_84d", "asked_28d"})
    assert note.startswith("the seed follows from what customers were sent: asked_84d alone tell it apart with an AUC")
    assert "behaviour alone 0.5" in note or "behaviour alone 0.4" in note
    assert "learn_against" in note


def test_a_seed_of_taste_is_not() -> None:
    assert warn_of_exposure(responders(pull=2.0), {"asked_84d"}) == ()


def test_told_apart_from_those_who_were_asked_it_is_not() -> None:
    people = responders(pull=0.0)
    asked = people.values[:, 0] == 1
    told = Sampled(*(getattr(people, f)[asked] for f in ("customer_id", "seed", "candidate", "joined", "activity")),
                   people.features, people.values[asked])  # fmt: skip
    assert warn_of_exposure(told, {"asked_84d"}) == ()


def test_without_such_features_or_with_nothing_but_them() -> None:
    people = responders(pull=0.0)
    assert warn_of_exposure(people, set()) == ()
    alone = replace(people, features=("asked_84d",), values=people.values[:, :1])
    assert "behaviour alone" not in warn_of_exposure(alone, {"asked_84d"})[0]


@pytest.mark.parametrize(
    ("exposure", "behaviour", "expected"),
    [
        (0.85, 0.75, True), (0.85, 0.76, False), (0.75, 0.5, True), (0.74, 0.5, False), (0.8, None, True),
        (None, 0.5, False), (0.79, 0.724, False),
    ],
)  # fmt: skip
def test_the_rule(exposure: float | None, behaviour: float | None, expected: bool) -> None:
    assert follows_from_exposure(exposure, behaviour) == expected
