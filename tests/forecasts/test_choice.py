"""The best model is used, the simplest of equals, and none without evidence."""

from datetime import date

import pytest
from tests.forecasts.definitions import AS_OF, recommendation

from strata.forecasts.choice import BILLION, Trial, in_words, judge, models_used, to_rows

FLOOR = 100


def found(target: str, customers: int, **recalls: float) -> dict[str, object]:
    return {"target": target, "customers": customers, **{m: round(r * customers * BILLION) for m, r in recalls.items()}}


@pytest.mark.parametrize(
    ("target", "recalls", "used"),
    [
        ("repeat", {"own_history": 0.6, "popularity": 0.5, "als": 0.61}, "als"),
        ("repeat", {"own_history": 0.6, "popularity": 0.7, "als": 0.61}, "popularity"),
        ("repeat", {"own_history": 0.6, "popularity": 0.6, "als": 0.6}, "own_history"),
        ("repeat", {"own_history": 0.5, "popularity": 0.6, "als": 0.6}, "popularity"),
        ("new", {"own_history": 0.0, "popularity": 0.2, "als": 0.3}, "als"),
        ("new", {"own_history": 0.9, "popularity": 0.2, "als": 0.2}, "popularity"),
        ("new", {"own_history": 0.0, "popularity": 0.0, "als": 0.0}, "popularity"),
    ],
)
def test_the_best_model_is_used_and_of_equals_the_simplest(target: str, recalls: dict[str, float], used: str) -> None:
    (trial,) = judge([found(target, 200, **recalls)], recommendation(targets=(target,)), FLOOR)
    assert trial.used == used


def test_own_history_is_no_rival_for_what_a_customer_never_had() -> None:
    rows = [found("new", 100, own_history=0.0, popularity=0.25, als=0.5)]
    (trial,) = judge(rows, recommendation(targets=("new",)), FLOOR)
    assert trial.recalls == {"popularity": 0.25, "als": 0.5}


def test_without_enough_customers_to_try_on_nothing_is_said_and_nothing_recommended() -> None:
    rows = [found("repeat", 99, own_history=0.6, popularity=0.5, als=0.7)]
    trials = judge(rows, recommendation(), FLOOR)
    assert [(t.target, t.customers, t.used) for t in trials] == [("repeat", 99, None), ("new", 0, None)]
    assert models_used(trials) == {}
    assert to_rows(trials, recommendation(), AS_OF, AS_OF) == []
    assert in_words(trials[0], 10, FLOOR) == "repeat: nothing, only 99 customers to try it on, 100 are needed"


def test_a_floor_of_nothing_still_asks_for_somebody() -> None:
    assert judge([], recommendation(), 0)[0].used is None


def test_what_is_said_names_the_winner_and_all_that_were_tried_best_first() -> None:
    trial = Trial("new", 2_301, {"popularity": 0.2434, "als": 0.231})
    said = "new by popularity (recall@10: popularity 0.243, als 0.231; 2,301 customers)"
    assert in_words(trial, 10, FLOOR) == said


def test_the_evidence_is_a_row_per_model_and_one_of_a_target_is_used() -> None:
    trials = [Trial("repeat", 150, {"own_history": 0.6, "popularity": 0.5, "als": 0.55})]
    rows = to_rows(trials, recommendation(top=7), AS_OF, date(2017, 12, 3))
    assert [(r["model"], r["recall"], r["is_used"]) for r in rows] == [
        ("own_history", 0.6, True), ("popularity", 0.5, False), ("als", 0.55, False),
    ]  # fmt: skip
    assert {(r["train_as_of_date"], r["list_length"], r["customers"]) for r in rows} == {(date(2017, 12, 3), 7, 150)}
