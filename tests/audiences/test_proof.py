"""What speaks against publishing: seeds that are none, and proofs that failed once or twice."""

import pytest
from tests.audiences.definitions import THEN, lookalike

from strata.audiences.backtest import Backtest
from strata.audiences.contest import Contest
from strata.audiences.proof import Proof, against_publishing
from strata.audiences.ranking import Found, Gain
from strata.audiences.sampled import Counts

USUAL = Counts(seed=300, candidates=2_000, rest=2_000, base=2_400)


def tried(low: float, method: str = "time", found: int = 25) -> Backtest:
    gain = Gain(0.5, low, 1.1, "most_active")
    at = (Found(0.1, found, 0.25, 2.5, 1.9, 3.1, gain),)
    return Backtest(THEN, 300, 2_000, 100, (Contest("lookalike", at, 0.7), RIVAL), method, 0.1)  # type: ignore[arg-type]


RIVAL = Contest("most_active", (Found(0.1, 15, 0.15, 2.0, 1.5, 2.5),), 0.6)


def proof(low: float, **previous: object) -> Proof:
    return against_publishing(lookalike(), USUAL, 100, tried(low), previous or None)


def test_it_is_published_when_the_gain_is_above_0_for_sure() -> None:
    assert proof(0.01) == proof(0.0) == Proof()


def test_a_new_one_that_fails_is_withheld_with_all_figures() -> None:
    found = proof(-0.05)
    assert (found.failures, len(found.withheld), found.notes) == (1, 1, ())
    assert found.withheld[0] == (
        "backtest from 2017-10-08: lift at 10% is 2.50 against 2.00 of most active; the difference lies between -0.05"
        " and 1.10 (90 %), expected above 0, with 100 to be found among 2,000 candidates"
    )


@pytest.mark.parametrize(
    ("previous", "failures", "is_withheld"),
    [
        ({"status": "published", "failures": 0}, 1, False),
        ({"status": "published", "failures": None}, 1, False),  # released before failures were counted
        ({"status": "published", "failures": 1}, 2, True),
        ({"status": "withheld", "failures": 2}, 3, True),
        ({"status": "withheld", "failures": 0}, 1, True),
    ],
)
def test_a_published_one_bears_one_failure(previous: dict[str, object], failures: int, is_withheld: bool) -> None:
    found = proof(-0.05, **previous)
    assert (found.failures, bool(found.withheld)) == (failures, is_withheld)
    assert bool(found.notes) != is_withheld
    assert ("in a row" in "".join(found.withheld)) == (failures > 1)


def test_a_proof_that_holds_forgets_failures() -> None:
    assert proof(0.2, status="withheld", failures=4) == Proof()


def test_what_was_not_tried_leaves_the_count() -> None:
    small = against_publishing(lookalike(), Counts(99, 500, 500), 100, None, {"status": "published", "failures": 1})
    assert small == Proof(1, ("the seed has 99 customers, expected at least 100",))


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (
            Counts(0, 500, 500, 500),
            "the seed is empty: nobody fulfils `wine_days > 0`; expected at least 100 customers",
        ),
        (Counts(99, 500, 500, 600), "the seed has 99 customers, expected at least 100"),
        (Counts(1_300, 500, 500, 2_400), "the seed has 1,300 of 2,400 customers (54%), more than half"),
        (Counts(300, 0, 500, 2_400), "nobody is a candidate"),
        (Counts(300, 500, 0, 2_400), "the seed cannot be told from anybody: learn_against candidates"),
    ],
)
def test_seeds_that_cannot_be_learned_from(counts: Counts, reason: str) -> None:
    found = against_publishing(lookalike(), counts, 100, None, None)
    assert len(found.withheld) == 1
    assert reason in found.withheld[0]


def test_half_of_the_base_may_be_the_seed() -> None:
    half = Counts(1_200, 500, 500, 2_400)
    assert against_publishing(lookalike(), half, 100, tried(0.1), None) == Proof()


def test_over_folds_is_said() -> None:
    found = against_publishing(lookalike(), USUAL, 100, tried(-1, "folds"), None)
    assert found.withheld[0].startswith("backtest over parts of the seed: lift")


def test_figures_about_a_few_are_not_said() -> None:
    few = against_publishing(lookalike(), USUAL, 100, tried(-1, found=9), None)
    assert few.withheld == (
        "backtest from 2017-10-08: not above most active for sure at 10%; figures would tell of too few customers",
    )
