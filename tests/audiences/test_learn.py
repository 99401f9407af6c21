"""What is found out on the driver: backtests on people made up so that the answer is known, and verdicts."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from tests.audiences.definitions import AS_OF, THEN, audience, customer, lookalike

from strata.audiences.backtest import Backtest, Contest, backtest, reaches_with
from strata.audiences.learn import Learned, learn
from strata.audiences.ranking import Found
from strata.audiences.sampled import ACTIVITY, CANDIDATE, JOINED, SEED, Counts, Sampled, sampled_on
from strata.audiences.verdict import Delivered, Tally, Verdict, against_publishing, catalog_row, lapsed
from strata.contract.lists import audience_backtest, audience_catalog

ROWS = 3000
PERMUTED = np.random.default_rng(8).permutation(2 * ROWS)


def town(taste: float = 1.5) -> pa.Table:
    """Two dates of the same people: who likes cheese buys wine, now or later; visits say nothing."""
    dice = np.random.default_rng(11)
    cheese, beer = dice.gamma(0.6, 30, ROWS), dice.gamma(0.6, 30, ROWS)
    pull = taste * (np.log1p(cheese) - np.log1p(cheese).mean()) / np.log1p(cheese).std()
    seed = dice.random(ROWS) < 1 / (1 + np.exp(2 - pull))
    joined = seed | (dice.random(ROWS) < 1 / (1 + np.exp(3 - pull)))
    dates = pa.array([THEN] * ROWS + [AS_OF] * ROWS)
    return pa.table(
        {
            "as_of_date": dates,
            "customer_id": [customer(i) for i in range(ROWS)] * 2,
            SEED: np.concatenate([seed, joined]),
            CANDIDATE: np.concatenate([~seed, ~joined]),
            JOINED: np.concatenate([joined, joined]),
            ACTIVITY: np.tile(dice.integers(0, 40, ROWS).astype(float), 2),
            "spend_beer": np.tile(beer, 2),
            "spend_cheese": np.tile(cheese, 2),
        }
    )


def counts(table: pa.Table) -> Counts:
    now = sampled_on(AS_OF, table, ())
    return Counts(int(now.seed.sum()), int(now.candidate.sum()), int(now.candidate.sum()))


def learned(table: pa.Table, **changes: object) -> Learned:
    return learn(lookalike(**changes), table, AS_OF, counts(table), seed_floor=100)


def test_a_taste_that_is_there_is_found_and_beats_those_who_look_at_visits() -> None:
    found = learned(town())
    assert (found.withheld, found.notes != ()) == ((), True)
    assert found.backtest is not None
    assert found.model is not None
    lifts = {c.model: c.lift(0.1) for c in found.backtest.contests}
    assert lifts["lookalike"] > 2.5  # type: ignore[operator]
    assert lifts["most_active"] < 1.4  # type: ignore[operator]
    cheese, beer = (dict(zip(found.model.features, found.model.weights, strict=True))[f"spend_{what}"]
                    for what in ("cheese", "beer"))  # fmt: skip
    assert cheese > 5 * abs(beer)


def test_the_truth_is_candidates_of_then_who_are_of_the_seed_now() -> None:
    table = town()
    then = sampled_on(THEN, table, ("spend_beer",))
    found = backtest(then, THEN, (0.1,))
    assert found.truth == int((then.joined & ~then.seed).sum())
    assert (found.seed, found.candidates) == (int(then.seed.sum()), int((~then.seed).sum()))


def test_permuted_rows_give_the_same_model_and_backtest_bit_for_bit() -> None:
    assert learned(town()) == learned(town().take(PERMUTED))


def test_an_audience_of_no_taste_is_withheld() -> None:
    found = learned(town(taste=0.0))
    assert len(found.withheld) == 1
    assert "lift at 10% is" in found.withheld[0]
    assert "not above" in found.withheld[0]


def test_the_same_seed_named_as_a_feature_is_noted() -> None:
    table = town()
    own = np.where(table[SEED].to_numpy(), 4.0, 0.0)
    found = learn(
        lookalike(leave_out=()), table.append_column("spend_wine", pa.array(own)), AS_OF, counts(table), seed_floor=100
    )
    assert any("spend_wine" in note and "alone" in note for note in found.notes)
    assert found.model is not None
    assert "spend_wine" not in found.model.features


def test_a_seed_that_is_too_small_is_not_even_fitted() -> None:
    found = learn(lookalike(), town(), AS_OF, Counts(seed=99, candidates=500, rest=500), seed_floor=100)
    assert (found.model, found.backtest) == (None, None)
    assert found.withheld == ("the seed has 99 customers, expected at least 100",)


def test_a_past_without_a_seed_cannot_be_tried() -> None:
    table = town()
    earlier = pa.array(np.where(np.array(table["as_of_date"].to_pylist()) == THEN, False, table[SEED].to_numpy()))
    spoiled = table.set_column(table.column_names.index(SEED), SEED, earlier)
    found = learned(spoiled)
    assert found.model is not None
    assert found.withheld == ("cannot be tried: 84 days before, seed or candidates were empty",)


def test_nothing_left_to_learn_from_is_a_reason() -> None:
    table = town()
    for feature in ("spend_beer", "spend_cheese"):
        table = table.set_column(table.column_names.index(feature), feature, pa.array([1.0] * 2 * ROWS))
    assert learned(table).withheld[0].startswith("nothing to learn from")


def contest(model: str, lift: float | None) -> Contest:
    return Contest(model, (Found(0.1, 5, None, lift, None, None),), None)


def tried(own: float | None, active: float | None, centroid: float | None) -> Backtest:
    lifts = {"lookalike": own, "most_active": active, "centroid": centroid, "random": own and 1.0}
    return Backtest(THEN, 300, 2000, 90, tuple(contest(model, lift) for model, lift in lifts.items()))


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (tried(2.4, 1.8, 2.2), None),
        (tried(2.2, 1.8, 2.2), "lift at 10% is 2.20, not above 2.20 of centroid"),
        (tried(2.2, 2.5, 2.2), "not above 2.50 of most active"),
        (tried(0.9, 0.5, 0.2), "not above 1.00 of random"),
        (tried(None, None, None), "none of 2,000 candidates joined"),
        (None, "cannot be tried"),
    ],
)
def test_it_must_beat_the_best_rival_at_its_own_reach(outcome: Backtest | None, reason: str | None) -> None:
    reasons = against_publishing(lookalike(), Counts(300, 2000, 2000), 100, outcome)
    assert bool(reasons) == (reason is not None)
    assert (reason or "") in "".join(reasons)


def test_nobody_to_return_is_a_reason() -> None:
    assert against_publishing(lookalike(), Counts(300, 0, 0), 100, None) == ("nobody is a candidate",)


def test_exclusion_by_an_audience_without_members_speaks_against_publishing() -> None:
    """Members that were carried forward exclude as ever."""
    assert lapsed({"open": 3}) == lapsed({}) == ()
    assert lapsed({"wine": 0, "open": 3, "beer": 0}) == tuple(
        f"excluded audience {name} is withheld and has no members" for name in ("beer", "wine")
    )


def test_a_seed_below_a_thousand_is_published_with_a_warning() -> None:
    table = town()
    size = counts(table).seed
    assert any(f"the seed has {size:,}" in note for note in learned(table).notes) == (size < 1000)
    few = learn(lookalike(), table, AS_OF, Counts(999, 2000, 2000), seed_floor=100)
    many = learn(lookalike(), table, AS_OF, Counts(1000, 2000, 2000), seed_floor=100)
    assert (len(few.notes), few.withheld, many.notes) == (1, (), ())


def test_reaches_are_those_of_the_curve_and_the_audience_s_own() -> None:
    assert reaches_with(0.1) == (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
    assert reaches_with(0.04) == (0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2)


def test_rows_are_those_of_the_contract() -> None:
    found = learned(town())
    assert found.backtest is not None
    rows = found.backtest.to_rows("wine", AS_OF)
    assert len(rows) == 4 * 6
    assert {(row["model"], row["reach"]) for row in rows} == {
        (m, r) for m in ("lookalike", "random", "most_active", "centroid") for r in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
    }
    assert all([*row] == [str(c) for c in audience_backtest.columns if c != "release_id"] for row in rows)
    came = Delivered(Tally(200), Tally(200))
    line = catalog_row(audience(), "0" * 32, AS_OF, Counts(300, 2000, 2000), Verdict("published", None), came)
    assert [*line] == [str(c) for c in audience_catalog.columns if c != "release_id"]


def test_a_sample_comes_in_the_order_of_customers_with_unknown_as_nan() -> None:
    table = pa.table(
        {
            "as_of_date": [AS_OF, AS_OF, date(2017, 1, 1)],
            "customer_id": ["b", "a", "a"],
            SEED: [True, False, True],
            CANDIDATE: [False, True, False],
            JOINED: [True, False, True],
            ACTIVITY: [1.0, None, 2.0],
            "spend": pa.array([None, 3.0, 4.0], pa.float64()),
        }
    )
    found: Sampled = sampled_on(AS_OF, table, ("spend",))
    assert (found.customer_id.tolist(), found.seed.tolist(), found.activity.tolist()) == (
        ["a", "b"],
        [False, True],
        [0, 1],
    )
    assert np.isnan(found.values).tolist() == [[False], [True]]
