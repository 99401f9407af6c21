"""From a snapshot to members, in Spark: what is sampled, scored, picked, excluded and carried forward."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.audiences.definitions import AS_OF, THEN, arrow_frame, customer, lookalike

from strata.audiences import sample as sampling
from strata.audiences.fit import fit_lookalike
from strata.audiences.learn import Learned, learn
from strata.audiences.matrix import Preparation
from strata.audiences.members import COLUMNS, carry_forward, permitted, pick, with_memberships
from strata.audiences.model import LookalikeModel
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Counts, counts_by_date, sampled_on
from strata.audiences.scoring import score_column
from strata.contract.lists import audience_membership
from strata.contract.spark import as_table

ROWS = 600
DEFINITION = lookalike(exclude=["messages > 3"])


def shop() -> dict[str, Any]:
    """Columns of a snapshot of two dates; a customer in seven has no known number of messages, one wine_days."""
    dice = np.random.default_rng(4)
    cheese, beer = (np.floor(dice.gamma(0.6, 30, ROWS) * 100) for _ in range(2))
    wine = (dice.random(ROWS) < 1 / (1 + np.exp(2.5 - cheese / 2000))).astype(int)
    later = np.maximum(wine, (dice.random(ROWS) < 1 / (1 + np.exp(3 - cheese / 2000))).astype(int))
    messages = [None if i % 7 == 0 else i % 5 for i in range(ROWS)]
    cents = pa.array([Decimal(int(c)) / 100 for c in cheese] * 2, pa.decimal128(18, 2))
    return {
        "as_of_date": [THEN] * ROWS + [AS_OF] * ROWS,
        "customer_id": [customer(i) for i in range(ROWS)] * 2,
        "wine_days": pa.array([*wine.tolist(), None, *later.tolist()[1:]], pa.int64()),
        "visits": dice.integers(0, 30, 2 * ROWS),
        "messages": pa.array(messages * 2, pa.int64()),
        "spend_cheese": cents,
        "spend_beer": np.tile(beer / 100, 2),
        "spend_wine": np.concatenate([wine, later]) * 9.0,
        "age_band": ["25-34"] * 2 * ROWS,
    }


@pytest.fixture(scope="module")
def snapshot(spark: SparkSession) -> DataFrame:
    return arrow_frame(spark, shop())


@pytest.fixture(scope="module")
def counts(snapshot: DataFrame) -> dict[date, Counts]:
    return counts_by_date(count_customers(snapshot, DEFINITION, AS_OF).toArrow())


@pytest.fixture(scope="module")
def table(snapshot: DataFrame, counts: dict[date, Counts]) -> pa.Table:
    return training_sample(snapshot, DEFINITION, AS_OF, counts).toArrow()


@pytest.fixture(scope="module")
def learned(table: pa.Table, counts: dict[date, Counts]) -> Learned:
    found = learn(DEFINITION, table, AS_OF, counts[AS_OF], seed_floor=20)
    assert found.model is not None
    return found


def today(snapshot: DataFrame) -> DataFrame:
    return snapshot.where(F.col("as_of_date") == F.lit(AS_OF))


def everybody(snapshot: DataFrame) -> DataFrame:
    return today(snapshot).select("customer_id")


def members(
    snapshot: DataFrame, learned: Learned, previous: DataFrame | None = None, eligible: DataFrame | None = None,
    **changes: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    definition = lookalike(**{"exclude": ["messages > 3"], **changes})
    assert learned.model is not None
    allowed = permitted(today(snapshot), definition, everybody(snapshot) if eligible is None else eligible)
    picked = pick(
        today(snapshot), definition, learned.model, AS_OF,
        candidates=learned.counts.candidates, permitted=allowed, previous=previous,
    )  # fmt: skip
    rows: list[dict[str, Any]] = picked.orderBy("audience_rank").toArrow().to_pylist()
    return rows


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["customer_id"] for row in rows]


def test_customers_are_counted_by_what_they_are(counts: dict[date, Counts]) -> None:
    wine = shop()["wine_days"].to_pylist()
    then, now = wine[:ROWS], wine[ROWS:]
    assert counts == {
        day: Counts(sum(w == 1 for w in part), sum(w == 0 for w in part), sum(w == 0 for w in part))
        for day, part in ((THEN, then), (AS_OF, now))
    }
    assert None in now  # unknown: neither seed nor candidate


def test_learning_against_the_base_counts_everybody_else_as_rest(snapshot: DataFrame) -> None:
    base = lookalike(learn_against="base")
    found = counts_by_date(count_customers(snapshot, base, AS_OF).toArrow())[AS_OF]
    assert found.rest == ROWS - found.seed == found.candidates + 1


def test_numeric_columns_are_those_with_numbers(snapshot: DataFrame) -> None:
    assert set(numeric_columns(snapshot)) == {
        "wine_days", "visits", "messages", "spend_cheese", "spend_beer", "spend_wine",
    }  # fmt: skip


def test_the_sample_of_a_small_base_is_all_of_seed_and_rest_with_who_joined(table: pa.Table) -> None:
    then = sampled_on(THEN, table, DEFINITION.features)
    now = sampled_on(AS_OF, table, DEFINITION.features)
    assert (len(then.customer_id), len(now.customer_id)) == (ROWS, ROWS - 1)
    bought = set(now.customer_id[now.seed])
    assert then.joined.tolist() == [c in bought for c in then.customer_id]
    cheese = then.values[:, DEFINITION.features.index("spend_cheese")]
    assert cheese.tolist() == [float(v) for v in shop()["spend_cheese"].to_pylist()[:ROWS]]


def test_a_large_base_is_sampled_by_id_the_same_customers_on_both_dates(
    snapshot: DataFrame, counts: dict[date, Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SEED_ROWS", 60)
    monkeypatch.setattr(sampling, "REST_ROWS", 150)
    same = {day: counts[THEN] for day in counts}
    frames = [snapshot, snapshot.repartition(5, "visits")]
    small, other = (training_sample(f, DEFINITION, AS_OF, same).toArrow().sort_by(
        [("as_of_date", "ascending"), ("customer_id", "ascending")]) for f in frames)  # fmt: skip
    assert small.equals(other)
    then, now = (sampled_on(day, small, ()) for day in (THEN, AS_OF))
    assert 30 <= then.seed.sum() <= 90
    assert 110 <= then.candidate.sum() <= 190
    assert set(then.customer_id[then.candidate & ~then.joined]) <= set(now.customer_id)


def test_scores_of_the_jvm_are_those_of_numpy(spark: SparkSession) -> None:
    dice = np.random.default_rng(2)
    values = np.floor(dice.gamma(0.3, 40, (500, 40)) * 100) / 100
    values[:, 7] -= 20
    values[dice.random(values.shape) < 0.03] = np.nan
    seed = dice.random(500) < 1 / (1 + np.exp(-(np.nan_to_num(values[:, 3]) - 10) / 10))
    names = [f"f{i}" for i in range(40)]
    model = fit_lookalike(names, values, seed).model
    assert model is not None
    columns = {name: pa.array(values[:, i], from_pandas=i % 2 == 0) for i, name in enumerate(names)}
    frame = arrow_frame(spark, {"row": range(500), **columns})
    scored = frame.repartition(3).select("row", score_column(model).alias("score")).orderBy("row").toArrow()
    expected = model.score(values[:, [names.index(f) for f in model.features]])
    assert scored["score"].to_numpy() == pytest.approx(expected, abs=1.01e-6)
    assert expected.std() > 0.03


def test_what_is_below_zero_or_not_finite_scores_the_same_in_both(spark: SparkSession) -> None:
    model = LookalikeModel(Preparation(("a", "b"), (True, False), (1.5, 2.0), (0.5, 3.0)), (0.7, -1.1), 0.2)
    raw = [[-4.0, -4.0], [0.0, 0.0], [None, None], [float("nan"), 5.0], [3.0, float("nan")], [1e6, 1e6]]
    frame = spark.createDataFrame([(i, *row) for i, row in enumerate(raw)], "row int, a double, b double")
    scored = frame.select("row", score_column(model).alias("score")).orderBy("row").toArrow()["score"].to_numpy()
    assert scored == pytest.approx(model.score(np.array(raw, dtype=float)), abs=1.01e-6)
    assert scored[2] == pytest.approx(1 / (1 + np.exp(-0.2)), abs=1e-6)


def test_the_best_tenth_of_the_candidates_less_the_excluded_are_members(
    snapshot: DataFrame, table: pa.Table, learned: Learned
) -> None:
    assert learned.model is not None
    now = sampled_on(AS_OF, table, learned.model.features)
    scores = dict(zip(now.customer_id.tolist(), learned.model.score(now.values).tolist(), strict=True))
    order = sorted(now.customer_id[now.candidate].tolist(), key=lambda c: (-scores[c], c))
    cut = order[: -(-learned.counts.candidates // 10)]
    messages = dict(zip(shop()["customer_id"][:ROWS], shop()["messages"].to_pylist()[:ROWS], strict=True))
    expected = [c for c in cut if (messages[c] or 0) <= 3]
    found = members(snapshot, learned)
    assert len(cut) > len(expected) > 20
    assert ids(found) == expected
    assert [row["audience_rank"] for row in found] == list(range(1, len(expected) + 1))
    assert [row["score"] for row in found] == pytest.approx([scores[c] for c in expected], abs=1.01e-6)


def test_nobody_of_the_seed_is_returned_even_where_candidates_and_seed_overlap(
    snapshot: DataFrame, learned: Learned
) -> None:
    bought = set(ids(today(snapshot).where("wine_days > 0").select("customer_id").toArrow().to_pylist()))
    found = members(snapshot, learned, candidates="wine_days >= 0", share=1.0, exclude=[])
    assert len(found) == learned.counts.candidates
    assert not bought & set(ids(found))


def test_sizes_are_nested_and_exclusion_only_removes(snapshot: DataFrame, learned: Learned) -> None:
    small, large = (members(snapshot, learned, share=share) for share in (0.05, 0.2))
    assert ids(large)[: len(small)] == ids(small)
    unfiltered = members(snapshot, learned, share=0.2, exclude=[])
    assert set(ids(large)) < set(ids(unfiltered))
    half = everybody(snapshot).where(F.col("customer_id") > customer(300))
    assert ids(members(snapshot, learned, share=0.2, eligible=half)) == [
        c for c in ids(large) if c > customer(300)
    ]  # fmt: skip


def test_members_are_equal_bit_for_bit_whatever_the_order_and_partitioning(
    spark: SparkSession, snapshot: DataFrame, learned: Learned
) -> None:
    shuffled = arrow_frame(spark, pa.table(shop()).take(np.random.default_rng(9).permutation(2 * ROWS)).to_pydict())
    expected = members(snapshot, learned)
    assert members(shuffled.repartition(7), learned) == expected
    assert members(snapshot.coalesce(1), learned) == expected


def test_rows_are_those_of_the_contract(snapshot: DataFrame, learned: Learned) -> None:
    found = members(snapshot, learned)[0]
    assert tuple(found) == COLUMNS
    assert (found["audience"], found["origin"], found["holdout"], found["expires_on"], found["stale"]) == (
        "wine", "lookalike", False, None, False,
    )  # fmt: skip
    assert (found["as_of_date"], found["entered_on"]) == (AS_OF, AS_OF)


def before(spark: SparkSession, customers: Sequence[str], audience: str = "wine", day: date = THEN) -> DataFrame:
    count = len(customers)
    columns = {
        "as_of_date": [day] * count, "audience": [audience] * count, "customer_id": list(customers),
        "score": [0.9 - i / 100 for i in range(count)], "audience_rank": list(range(1, count + 1)),
        "origin": ["lookalike"] * count, "holdout": [False] * count, "entered_on": [date(2017, 6, 1)] * count,
        "expires_on": pa.nulls(count, pa.date32()), "stale": [False] * count, "release_id": ["0" * 32] * count,
    }  # fmt: skip
    return as_table(arrow_frame(spark, columns), audience_membership)


def test_who_stays_keeps_the_day_of_entering(spark: SparkSession, snapshot: DataFrame, learned: Learned) -> None:
    first, second, *_ = ids(members(snapshot, learned))
    previous = before(spark, [first]).unionByName(before(spark, [second], audience="other"))
    found = {row["customer_id"]: row["entered_on"] for row in members(snapshot, learned, previous)}
    assert (found[first], found[second]) == (date(2017, 6, 1), AS_OF)
    assert list(found) == ids(members(snapshot, learned))


def test_carried_members_are_stale_and_exclusion_wins_there_too(spark: SparkSession, snapshot: DataFrame) -> None:
    held = [customer(i) for i in (4, 9, 11, 12, 13)]  # 4 and 9 got four messages
    gone = customer(9999)
    previous = before(spark, [*held, gone]).unionByName(before(spark, [customer(20)], audience="other"))
    allowed = permitted(today(snapshot), DEFINITION, everybody(snapshot).where(F.col("customer_id") != customer(12)))
    found = carry_forward(previous, "wine", AS_OF, allowed).orderBy("audience_rank").toArrow().to_pylist()
    assert ids(found) == [customer(11), customer(13)]
    assert tuple(found[0]) == COLUMNS
    assert [(r["stale"], r["as_of_date"], r["entered_on"], r["audience_rank"], r["score"]) for r in found] == [
        (True, AS_OF, date(2017, 6, 1), 1, pytest.approx(0.88)),
        (True, AS_OF, date(2017, 6, 1), 2, pytest.approx(0.86)),
    ]


def test_membership_in_conditions_is_known_of_everybody_on_the_date_and_of_nobody_on_another(
    spark: SparkSession,
) -> None:
    everybody = arrow_frame(
        spark, {"as_of_date": [AS_OF] * 3 + [THEN] * 3, "customer_id": [customer(i) for i in (0, 1, 2)] * 2}
    )
    found = {"wine": [0, 2], "beer": [2, 9]}
    members = {name: arrow_frame(spark, {"customer_id": list(map(customer, who))}) for name, who in found.items()}
    rows = with_memberships(everybody, members, AS_OF).toArrow().to_pylist()
    flags = {(r["as_of_date"], int(r["customer_id"], 16)): (r["audience.wine"], r["audience.beer"]) for r in rows}
    assert len(rows) == 6
    assert [flags[AS_OF, i] for i in range(3)] == [(True, False), (False, False), (True, True)]
    assert {flags[THEN, i] for i in range(3)} == {(None, None)}
