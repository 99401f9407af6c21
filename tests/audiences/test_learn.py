"""What is found out on the driver: backtests on people made up so that the answer is known, and verdicts."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audiences.definitions import AS_OF, NAMES, THEN, audience, customer, lookalike

from strata.audiences.backtest import Backtest, backtest, reaches_with
from strata.audiences.contest import Contest
from strata.audiences.definition import compile_lookalike
from strata.audiences.leakage import SAME, Judged
from strata.audiences.learn import Learned, learn
from strata.audiences.ranking import Found, Gain
from strata.audiences.sampled import ACTIVITY, CANDIDATE, JOINED, SEED, Counts, Sampled, sampled_on
from strata.audiences.verdict import Defined, Delivered, Tally, Verdict, catalog_row, lapsed
from strata.contract.lists import audience_backtest, audience_catalog
from strata.project.audiences import Size
from strata.project.policies import Privacy

PRIVACY = Privacy(())
ROWS = 3000
PERMUTED = np.random.default_rng(8).permutation(2 * ROWS)
DEFINED = Defined("0" * 32, ())


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
    return learn(lookalike(**changes), table, AS_OF, counts(table), PRIVACY)


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
    found = backtest(then, THEN, 0.1)
    assert found.truth == int((then.joined & ~then.seed).sum())
    assert (found.seed, found.candidates) == (int(then.seed.sum()), int((~then.seed).sum()))


def test_permuted_rows_give_the_same_model_and_backtest_bit_for_bit() -> None:
    assert learned(town()) == learned(town().take(PERMUTED))


def test_an_audience_of_no_taste_is_withheld() -> None:
    found = learned(town(taste=0.0))
    assert len(found.withheld) == 1
    assert "lift at 10% is" in found.withheld[0]
    assert "expected above 0" in found.withheld[0]
    assert found.failures == 1


def test_the_same_seed_named_as_a_feature_is_noted() -> None:
    table = town()
    own = np.where(table[SEED].to_numpy(), 4.0, 0.0)
    found = learn(
        lookalike(leave_out=()), table.append_column("spend_wine", pa.array(own)), AS_OF, counts(table), PRIVACY
    )
    assert any("spend_wine" in note and "alone" in note for note in found.notes)
    assert found.model is not None
    assert "spend_wine" not in found.model.features


def test_a_seed_that_is_too_small_is_not_even_fitted() -> None:
    found = learn(lookalike(), town(), AS_OF, Counts(seed=99, candidates=500, rest=500), PRIVACY)
    assert (found.model, found.backtest) == (None, None)
    assert found.withheld == ("the seed has 99 customers, expected at least 100",)


def without_then(table: pa.Table, column: str) -> pa.Table:
    kept = pa.array(np.where(np.array(table["as_of_date"].to_pylist()) == THEN, False, table[column].to_numpy()))
    return table.set_column(table.column_names.index(column), column, kept)


@pytest.mark.parametrize("missing", [SEED, CANDIDATE, JOINED])
def test_a_past_that_shows_nothing_is_tried_over_parts_of_the_seed(missing: str) -> None:
    found = learned(without_then(town(), missing))
    assert (found.withheld, found.failures) == ((), 0)
    assert found.backtest is not None
    assert (found.backtest.method, found.backtest.train_as_of_date) == ("folds", AS_OF)
    rows = found.backtest.to_rows("wine", AS_OF)
    assert {(row["method"], row["train_as_of_date"]) for row in rows} == {("folds", AS_OF)}
    assert {row["reach"] for row in rows if row["model"] == "lookalike"} == {0.01, 0.02, 0.03, 0.05, 0.1, 0.2}


def test_a_published_one_that_fails_once_is_noted_and_stays() -> None:
    table = town(taste=0.0)
    arguments = (lookalike(), table, AS_OF, counts(table), PRIVACY)
    once = learn(*arguments, {"status": "published", "failures": 0})
    assert (once.withheld, once.failures) == ((), 1)
    assert "stays published" in once.notes[0]
    twice = learn(*arguments, {"status": "published", "failures": once.failures})
    assert (len(twice.withheld), twice.failures) == (1, 2)


def test_where_a_score_decides_the_reach_is_that_of_the_sample() -> None:
    table, of_half = town(), lookalike()
    by_score = replace(of_half, audience=replace(of_half.audience, size=Size(score=0.6)))
    found = learn(by_score, table, AS_OF, counts(table), PRIVACY)
    assert found.backtest is not None
    assert found.model is not None
    now = sampled_on(AS_OF, table, found.model.features)
    share = float((found.model.score(now.values[now.candidate]) >= 0.6).mean())
    assert found.backtest.reach == pytest.approx(share)
    assert 0 < share < 1


def test_what_is_left_out_is_said_by_name() -> None:
    told = compile_lookalike(
        audience(leave_out=()), NAMES, NAMES, Judged({"spend_wine": SAME}, frozenset({"spend_beer"}))
    )
    assert told.left_out == {SAME: ("spend_wine",)}
    assert told.sent == {"spend_beer"}
    table = town()
    found = learn(told, table, AS_OF, counts(table), PRIVACY)
    assert f"not learned from, {SAME}: spend_wine" in found.notes


def test_nothing_left_to_learn_from_is_a_reason() -> None:
    table = town()
    for feature in ("spend_beer", "spend_cheese"):
        table = table.set_column(table.column_names.index(feature), feature, pa.array([1.0] * 2 * ROWS))
    assert learned(table).withheld == ("nothing to learn from: everybody has the same in spend_beer, spend_cheese",)


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
    few = learn(lookalike(), table, AS_OF, Counts(999, 2000, 2000), PRIVACY)
    many = learn(lookalike(), table, AS_OF, Counts(1000, 2000, 2000), PRIVACY)
    assert (len(few.notes), few.withheld, many.notes) == (1, (), ())


def test_reaches_are_those_of_the_curve_and_the_audience_s_own() -> None:
    assert reaches_with(0.1) == (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
    assert reaches_with(0.04) == (0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2)


def test_rows_are_those_of_the_contract() -> None:
    found = learned(town())
    assert found.backtest is not None
    rows = replace(found.backtest, floor=1).to_rows("wine", AS_OF)
    assert len(rows) == 4 * 6
    assert {(row["model"], row["reach"]) for row in rows} == {
        (m, r) for m in ("lookalike", "random", "most_active", "centroid") for r in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
    }
    assert all([*row] == [str(c) for c in audience_backtest.columns if c != "release_id"] for row in rows)
    came = Delivered(Tally(200), Tally(200))
    assert {row["is_suppressed"] for row in rows} == {False}
    for row in rows:
        if row["model"] == "lookalike":
            assert row["gain_ci_low"] < row["gain"] < row["gain_ci_high"]
        else:
            assert row["gain"] is None
        if row["model"] != "random":
            assert row["auc_ci_low"] < row["auc"] < row["auc_ci_high"]
    line = catalog_row(audience(), DEFINED, AS_OF, Counts(300, 2000, 2000), Verdict("published", None, 1), came)
    assert [*line] == [str(c) for c in audience_catalog.columns if c != "release_id"]
    assert line["failures"] == 1


def judged(own: list[int], rival: list[int], truth: int = 100, seed: int = 300) -> Backtest:
    reaches = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)

    def contest(model: str, found: list[int], gain: Gain | None) -> Contest:
        at = [Found(r, n, n / truth, n / truth / r, 0.1, 9.0, gain) for r, n in zip(reaches, found, strict=True)]
        return Contest(model, tuple(at), 0.7, 0.6, 0.8)

    gain = Gain(0.5, -0.1, 1.1, "most_active")
    contests = (contest("lookalike", own, gain), contest("most_active", rival, None), contest("random", [1] * 6, None))
    return Backtest(THEN, seed, 2000, truth, contests, "time", 0.05)


def told(found: Backtest, model: str) -> dict[float, int]:
    return {
        row["reach"]: row["found_customers"]
        for row in found.to_rows("wine", AS_OF)
        if row["model"] == model and not row["is_suppressed"]
    }


def test_counts_of_a_few_are_withheld_and_so_are_those_that_differ_by_a_few() -> None:
    found = judged([4, 12, 14, 25, 33, 60], [0, 9, 10, 22, 30, 95])
    # The audience's own reach is said first; 33 is 8 more than its 25, and 14 is 2 more than 12.
    assert told(found, "lookalike") == {0.02: 12, 0.05: 25, 0.2: 60}
    # Nobody is nobody; 30 is 8 more than 22; 95 leaves 5 of 100 out.
    assert told(found, "most_active") == {0.01: 0, 0.03: 10, 0.05: 22}
    assert len(told(found, "random")) == 6
    rows = {(r["model"], r["reach"]): r for r in found.to_rows("wine", AS_OF)}
    hidden = rows["lookalike", 0.01]
    assert {hidden[c] for c in ("found_customers", "recall", "lift", "lift_ci_low", "auc", "gain")} == {None}
    assert hidden["truth_customers"] == 100


def test_what_an_audience_takes_is_said_before_the_rest() -> None:
    found = judged([4, 12, 14, 25, 33, 60], [0] * 6)
    assert told(replace(found, reach=0.03), "lookalike") == {0.03: 14, 0.05: 25, 0.2: 60}


def test_the_floor_is_the_project_s() -> None:
    table = town()
    found = learn(lookalike(), table, AS_OF, counts(table), Privacy((), cell_floor=10_000))
    assert found.backtest is not None
    assert {row["is_suppressed"] for row in found.backtest.to_rows("wine", AS_OF)} == {True}


def test_a_gain_is_withheld_where_it_would_give_the_rival_away() -> None:
    rows = judged([4, 12, 14, 25, 33, 60], [0, 9, 10, 22, 30, 95]).to_rows("wine", AS_OF)
    gains = {row["reach"]: row["gain"] for row in rows if row["model"] == "lookalike"}
    assert (gains[0.05], gains[0.02], gains[0.2]) == (0.5, None, None)


@pytest.mark.parametrize(("truth", "seed"), [(9, 300), (100, 9)])
def test_too_few_to_be_found_or_learned_from_say_nothing(truth: int, seed: int) -> None:
    rows = judged([0] * 6, [0] * 6, truth, seed).to_rows("wine", AS_OF)
    assert {row["is_suppressed"] for row in rows} == {True}
    assert {row[c] for row in rows for c in ("truth_customers", "seed_customers", "lift", "auc")} == {None}


@given(st.lists(st.integers(0, 100), min_size=6, max_size=6).map(sorted), st.integers(1, 30))
def test_nobody_learns_of_fewer_than_the_floor_by_subtraction(own: list[int], floor: int) -> None:
    rows = replace(judged(own, own), floor=floor).to_rows("wine", AS_OF)
    said = [r["found_customers"] for r in rows if r["model"] == "lookalike" and not r["is_suppressed"]]
    known = sorted({0, 100, *said})
    assert all(more - less >= floor for less, more in pairwise(known)) or floor > 100


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
