"""The better baseline makes the lists unless the factor model is ahead for sure; without evidence nobody does."""

import statistics
from collections.abc import Sequence
from datetime import date

import pytest
from tests.forecasts.definitions import AS_OF, recommendation

from strata.forecasts.choice import MILLION, Gain, Trial, in_words, judge, models_used, squares, to_rows

FLOOR = 100


def found(target: str, **recalls: Sequence[float]) -> dict[str, object]:
    """What `count_found` says of these customers' recalls, in millionths."""
    sums = {m: round(sum(listed) * MILLION) for m, listed in recalls.items()}
    differences = {m: [a - b for a, b in zip(recalls["als"], recalls[m], strict=True)] for m in recalls if m != "als"}
    squared = {squares(m): round(sum(d * d for d in ds) * MILLION**2) for m, ds in differences.items()}
    return {"target": target, "customers": len(recalls["als"]), **sums, **squared}


def trial_of(target: str, floor: int = FLOOR, **recalls: Sequence[float]) -> Trial:
    (trial,) = judge([found(target, **recalls)], recommendation(targets=(target,)), floor)
    return trial


def mixed(mean: float, size: int = 200) -> list[float]:
    """Recalls of 0 and 1 with this mean."""
    ones = round(mean * size)
    return [1.0] * ones + [0.0] * (size - ones)


@pytest.mark.parametrize(
    ("target", "own_history", "popularity", "als", "used"),
    [
        ("repeat", 0.6, 0.5, 0.7, "als"),
        ("repeat", 0.6, 0.5, 0.605, "own_history"),  # ahead by one of 200: by chance
        ("repeat", 0.5, 0.6, 0.55, "popularity"),  # ahead of one baseline only
        ("repeat", 0.6, 0.6, 0.6, "own_history"),
        ("new", 0.0, 0.2, 0.3, "als"),
        ("new", 0.9, 0.2, 0.2, "popularity"),
        ("new", 0.0, 0.0, 0.0, "popularity"),
    ],
)
def test_the_better_baseline_is_used_unless_the_factor_model_is_ahead_for_sure(
    target: str, own_history: float, popularity: float, als: float, used: str
) -> None:
    trial = trial_of(target, own_history=mixed(own_history), popularity=mixed(popularity), als=mixed(als))
    assert trial.used == used


def test_the_interval_is_that_of_paired_differences() -> None:
    als, baseline = [1.0, 0.5, 0.25, 0.0, 1.0] * 40, [0.5, 0.5, 0.5, 0.0, 0.0] * 40
    differences = [a - b for a, b in zip(als, baseline, strict=True)]
    mean, error = statistics.fmean(differences), statistics.stdev(differences) / len(differences) ** 0.5
    trial = trial_of("new", popularity=baseline, als=als)
    assert trial.gain is not None
    expected = Gain(*(pytest.approx(mean + z * error, abs=2e-6) for z in (0, -1.644854, 1.644854)))
    assert trial.gain == expected


def test_own_history_is_no_rival_for_what_a_customer_never_had() -> None:
    trial = trial_of("new", own_history=mixed(0.0), popularity=mixed(0.25), als=mixed(0.5))
    assert trial.recalls == {"popularity": 0.25, "als": 0.5}


def test_without_enough_customers_to_try_on_nothing_is_said_and_nothing_recommended() -> None:
    few = found("repeat", own_history=mixed(0.6, 99), popularity=mixed(0.5, 99), als=mixed(0.9, 99))
    trials = judge([few], recommendation(), FLOOR)
    assert [(t.target, t.customers, t.used) for t in trials] == [("repeat", 99, None), ("new", 0, None)]
    assert models_used(trials) == {}
    assert to_rows(trials, recommendation(), AS_OF, AS_OF) == []
    assert in_words(trials[0], 10, FLOOR) == "repeat: nothing, only 99 customers to try it on, 100 are needed"


@pytest.mark.parametrize("customers", [0, 1])
def test_a_floor_of_nothing_still_asks_for_two(customers: int) -> None:
    assert trial_of("new", floor=0, popularity=[0.5] * customers, als=[1.0] * customers).used is None


def test_what_is_said_names_who_is_used_and_all_that_were_tried_best_first() -> None:
    trial = Trial("new", 1_823, {"popularity": 0.2399, "als": 0.2474}, Gain(0.0075, -0.0021, 0.0171))
    assert in_words(trial, 10, FLOOR) == (
        "new by popularity: recall@10 of als 0.247, popularity 0.240;"
        " gain of als 0.007, 90 % interval -0.002 to 0.017; 1,823 customers"
    )


def test_the_evidence_is_a_row_per_model_and_one_of_a_target_is_used() -> None:
    recalls = {"own_history": 0.6, "popularity": 0.5, "als": 0.55}
    rows = to_rows(
        [Trial("repeat", 150, recalls, Gain(-0.05, -0.06, -0.04))], recommendation(top=7), AS_OF, date(2017, 12, 3)
    )
    assert [(r["model"], r["recall"], r["gain"], r["gain_ci_low"], r["gain_ci_high"], r["is_used"]) for r in rows] == [
        ("own_history", 0.6, None, None, None, True), ("popularity", 0.5, None, None, None, False),
        ("als", 0.55, -0.05, -0.06, -0.04, False),
    ]  # fmt: skip
    assert {(r["train_as_of_date"], r["list_length"], r["customers"]) for r in rows} == {(date(2017, 12, 3), 7, 150)}
