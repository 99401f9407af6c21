"""From a snapshot to the best candidates, in Spark: what is sampled, scored, picked; memberships in conditions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.audiences.definitions import AS_OF, THEN, arrow_frame, customer, lookalike

from strata.audiences import sampled as sampling
from strata.audiences.cut import Cut
from strata.audiences.definition import Lookalike
from strata.audiences.fit import fit_lookalike
from strata.audiences.learn import Learned, learn
from strata.audiences.matrix import Preparation
from strata.audiences.members import with_memberships
from strata.audiences.model import LookalikeModel
from strata.audiences.picking import best, reaching
from strata.audiences.ranking import Numbers, size_at
from strata.audiences.sample import count_customers, numeric_columns, training_sample
from strata.audiences.sampled import Census, Counts, OfAudience, Sample, census_by_date, sampled_on
from strata.project.audiences import Size
from strata.project.policies import Privacy

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


def census_of(snapshot: DataFrame, definition: Lookalike = DEFINITION) -> dict[date, Census]:
    return census_by_date(count_customers(snapshot, [definition], AS_OF).toArrow(), ["wine"])


def sample_of(snapshot: DataFrame, census: dict[date, Census]) -> OfAudience:
    table = training_sample(snapshot, [DEFINITION], AS_OF, census).toArrow()
    return Sample(table, census).of("wine", "visits")


@pytest.fixture(scope="module")
def counts(snapshot: DataFrame) -> dict[date, Counts]:
    return {day: census.of["wine"] for day, census in census_of(snapshot).items()}


@pytest.fixture(scope="module")
def table(snapshot: DataFrame) -> OfAudience:
    return sample_of(snapshot, census_of(snapshot))


@pytest.fixture(scope="module")
def learned(table: OfAudience, counts: dict[date, Counts]) -> Learned:
    found = learn(DEFINITION, table, AS_OF, counts[AS_OF], privacy=Privacy((), seed_floor=20))
    assert found.model is not None
    return found


def today(snapshot: DataFrame) -> DataFrame:
    return snapshot.where(F.col("as_of_date") == F.lit(AS_OF))


def taken(customers: DataFrame, cut: Cut) -> DataFrame:
    return best(reaching(customers, [cut]), [cut])


def jvm_scores(frame: DataFrame, model: LookalikeModel) -> Numbers:
    """Of candidates all, by row."""
    ids, nothing = F.format_string("%032x", "row").alias("customer_id"), F.lit(0).cast("bigint").alias("wine_days")
    found = taken(frame.select(ids, nothing, *model.features), Cut(lookalike(), model, 0.0, None))
    return np.asarray(found.orderBy("customer_id").toArrow()["score"].to_numpy(), dtype=np.float64)


def members(snapshot: DataFrame, learned: Learned, **changes: Any) -> list[dict[str, Any]]:
    """The best candidates, best first."""
    assert learned.model is not None
    definition, candidates = lookalike(**changes), learned.counts.candidates
    picked = taken(
        today(snapshot), Cut(definition, learned.model, 0.0, size_at(definition.reach(candidates), candidates))
    )
    rows: list[dict[str, Any]] = picked.orderBy(F.col("score").desc(), "customer_id").toArrow().to_pylist()
    return rows


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["customer_id"] for row in rows]


def test_customers_are_counted_by_what_they_are(counts: dict[date, Counts]) -> None:
    wine = shop()["wine_days"].to_pylist()
    then, now = wine[:ROWS], wine[ROWS:]
    assert counts == {
        day: Counts(*(sum(w == n for w in part) for n in (1, 0, 0)), len(part))
        for day, part in ((THEN, then), (AS_OF, now))
    }
    assert None in now  # unknown: neither seed nor candidate


def test_learning_against_the_base_counts_everybody_else_as_rest(snapshot: DataFrame) -> None:
    base = lookalike(learn_against="base")
    found = census_of(snapshot, base)[AS_OF].of["wine"]
    assert found.rest == ROWS - found.seed == found.candidates + 1


def test_numeric_columns_are_those_with_numbers(snapshot: DataFrame) -> None:
    assert set(numeric_columns(snapshot)) == {
        "wine_days", "visits", "messages", "spend_cheese", "spend_beer", "spend_wine",
    }  # fmt: skip


def test_the_sample_of_a_small_base_is_all_of_seed_and_rest_with_who_joined(table: OfAudience) -> None:
    then = sampled_on(THEN, table, DEFINITION.features)
    now = sampled_on(AS_OF, table, DEFINITION.features)
    assert (len(then.customer_id), len(now.customer_id)) == (ROWS, ROWS - 1)
    bought = set(now.customer_id[now.seed])
    assert then.joined.tolist() == [c in bought for c in then.customer_id]
    cheese = then.values[:, DEFINITION.features.index("spend_cheese")]
    assert cheese.tolist() == [float(v) for v in shop()["spend_cheese"].to_pylist()[:ROWS]]


def test_a_large_base_is_sampled_by_id_the_same_customers_on_both_dates(
    snapshot: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "EVERYBODY_ROWS", 150)
    monkeypatch.setattr(sampling, "GROUP_ROWS", 60)
    counted = census_of(snapshot)
    census = {day: replace(counted[THEN], customers=ROWS) for day in counted}
    small, other = (sample_of(f, census) for f in (snapshot, snapshot.repartition(5, "visits")))
    order = [("as_of_date", "ascending"), ("customer_id", "ascending")]
    assert small.sample.table.sort_by(order).equals(other.sample.table.sort_by(order))
    then, now = (small.on(day, ()) for day in (THEN, AS_OF))
    assert 30 <= then.seed.sum() <= 90
    assert 100 <= then.candidate.sum() <= 190
    assert set(then.customer_id[then.candidate & ~then.joined]) <= set(now.customer_id)
    whole = sample_of(snapshot, counted).on(THEN, ("spend_beer",))
    places = np.isin(whole.customer_id, then.customer_id)
    assert small.on(THEN, ("spend_beer",)).values.tolist() == whole.values[places].tolist()


def test_a_small_seed_is_whole_in_a_sample_of_a_large_base(
    snapshot: DataFrame, counts: dict[date, Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "EVERYBODY_ROWS", 30)
    monkeypatch.setattr(sampling, "GROUP_ROWS", counts[AS_OF].seed)
    found = sample_of(snapshot, census_of(snapshot))
    assert found.on(AS_OF, ()).seed.sum() == counts[AS_OF].seed
    assert found.candidates_on(AS_OF, ()).candidate.sum() < counts[AS_OF].candidates
    assert len(found.sample.table) < 2 * ROWS


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
    expected = model.score(values[:, [names.index(f) for f in model.features]])
    assert jvm_scores(frame.repartition(3), model) == pytest.approx(expected, abs=1.01e-6)
    assert expected.std() > 0.03


def test_what_is_below_zero_or_not_finite_scores_the_same_in_both(spark: SparkSession) -> None:
    model = LookalikeModel(Preparation(("a", "b"), (True, False), (1.5, 2.0), (0.5, 3.0)), (0.7, -1.1), 0.2)
    raw = [[-4.0, -4.0], [0.0, 0.0], [None, None], [float("nan"), 5.0], [3.0, float("nan")], [1e6, 1e6]]
    frame = spark.createDataFrame([(i, *row) for i, row in enumerate(raw)], "row int, a double, b double")
    scored = jvm_scores(frame, model)
    assert scored == pytest.approx(model.score(np.array(raw, dtype=float)), abs=1.01e-6)
    assert scored[2] == pytest.approx(1 / (1 + np.exp(-0.2)), abs=1e-6)


def test_the_best_tenth_of_the_candidates_is_found_whoever_is_excluded_later(
    snapshot: DataFrame, table: pa.Table, learned: Learned
) -> None:
    assert learned.model is not None
    now = sampled_on(AS_OF, table, learned.model.features)
    scores = dict(zip(now.customer_id.tolist(), learned.model.score(now.values).tolist(), strict=True))
    order = sorted(now.customer_id[now.candidate].tolist(), key=lambda c: (-scores[c], c))
    cut = order[: -(-learned.counts.candidates // 10)]
    found = members(snapshot, learned)
    assert len(cut) > 20
    assert ids(found) == cut
    assert {(row["audience"], row["origin"]) for row in found} == {("wine", "lookalike")}
    assert [row["score"] for row in found] == pytest.approx([scores[c] for c in cut], abs=1.01e-6)


def test_nobody_of_the_seed_is_returned_even_where_candidates_and_seed_overlap(
    snapshot: DataFrame, learned: Learned
) -> None:
    bought = set(ids(today(snapshot).where("wine_days > 0").select("customer_id").toArrow().to_pylist()))
    found = members(snapshot, learned, candidates="wine_days >= 0", share=1.0)
    assert len(found) == learned.counts.candidates
    assert not bought & set(ids(found))


def test_sizes_are_nested(snapshot: DataFrame, learned: Learned) -> None:
    small, large = (members(snapshot, learned, share=share) for share in (0.05, 0.2))
    assert ids(large)[: len(small)] == ids(small)
    assert len(large) > len(small)


def test_from_a_score_on_is_everybody_who_has_it(snapshot: DataFrame, learned: Learned) -> None:
    everybody = members(snapshot, learned, share=1.0)
    limit = everybody[40]["score"]
    expected = [row["customer_id"] for row in everybody if row["score"] >= limit]
    assert learned.model is not None
    by_score = replace(DEFINITION, audience=replace(DEFINITION.audience, size=Size(score=limit)))
    found = taken(today(snapshot), Cut(by_score, learned.model, limit, None))
    assert sorted(row["customer_id"] for row in found.toArrow().to_pylist()) == sorted(expected)


def test_members_are_equal_bit_for_bit_whatever_the_order_and_partitioning(
    spark: SparkSession, snapshot: DataFrame, learned: Learned
) -> None:
    shuffled = arrow_frame(spark, pa.table(shop()).take(np.random.default_rng(9).permutation(2 * ROWS)).to_pydict())
    expected = members(snapshot, learned)
    assert members(shuffled.repartition(7), learned) == expected
    assert members(snapshot.coalesce(1), learned) == expected


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
