"""Many look-alikes in one pass, against the models' own scores sorted one by one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from tests.audiences.definitions import AS_OF, NAMES, arrow_frame, audience, customer, lookalike
from tests.audiences.test_members import shop
from tests.segments.jobs import counted_jobs

from strata.audiences.cut import Cut, find_cut
from strata.audiences.matrix import Preparation
from strata.audiences.model import LookalikeModel
from strata.audiences.picking import best, reaching
from strata.audiences.ranking import Numbers
from strata.audiences.sampled import Counts
from strata.pipeline.found import Customers
from strata.pipeline.lookalikes import find_lookalikes, pick_best
from strata.project.audiences import Audience, Size
from strata.project.policies import Privacy

ROWS, FEATURES = 900, ("spend_beer", "spend_cheese", "visits")
DICE = np.random.default_rng(6)
VALUES = np.floor(DICE.gamma(0.6, 30, (ROWS, len(FEATURES))))
VALUES[::11, 1] = np.nan
WINE = [None if i % 13 == 0 else i % 4 for i in range(ROWS)]
IDS = [customer(int(i)) for i in DICE.permutation(ROWS)]
WANTED: dict[str, tuple[tuple[int, ...], bool, Size]] = {
    "tenth": ((0, 1, 2), True, Size(share=0.1)),
    "forty": ((1,), True, Size(customers=40)),
    "likely": ((2, 0), False, Size(score=0.6)),
    "all": ((1, 2), True, Size(share=1.0)),
}
"""Features, whether logarithms are taken, size."""


def model(places: Sequence[int], logged: bool, seed: int) -> LookalikeModel:
    dice, count = np.random.default_rng(seed), len(places)
    parts = [tuple(dice.uniform(low, 2.0, count).tolist()) for low in (0.5, 0.5, -2.0)]
    preparation = Preparation(tuple(FEATURES[p] for p in places), (logged,) * count, parts[0], parts[1])
    return LookalikeModel(preparation, parts[2], 0.2)


def cuts() -> list[Cut]:
    found = []
    for seed, (name, (places, logged, size)) in enumerate(WANTED.items()):
        definition = lookalike(name=name, candidates="wine_days >= 0", seed="wine_days > 2")
        definition = replace(definition, audience=replace(definition.audience, size=size))
        made = model(places, logged, seed)
        found.append(find_cut(definition, made, int(is_candidate().sum()), scores(made)[is_candidate()]))
    return found


def is_candidate() -> Any:
    return np.array([wine is not None and wine <= 2 for wine in WINE])


def scores(of: LookalikeModel) -> Numbers:
    return of.score(VALUES[:, [FEATURES.index(f) for f in of.features]])


def expected(cut: Cut) -> list[tuple[str, float]]:
    size, found = cut.lookalike.audience.size, scores(cut.model)
    order = sorted(np.flatnonzero(is_candidate()), key=lambda i: (-found[i], IDS[i]))
    assert size is not None
    if size.score is not None:
        return [(IDS[i], found[i]) for i in order if found[i] >= size.score]
    return [(IDS[i], found[i]) for i in order[: size.customers or -(-round(len(order) * size.share * 1e6) // 10**6)]]


def people() -> pa.Table:
    columns = {name: pa.array(VALUES[:, i], from_pandas=True) for i, name in enumerate(FEATURES)}
    return pa.table({"customer_id": IDS, "wine_days": pa.array(WINE, pa.int64()), **columns})


@pytest.fixture(scope="module")
def customers(spark: SparkSession) -> DataFrame:
    return arrow_frame(spark, people().to_pydict())


def rows_of(picks: DataFrame) -> list[dict[str, Any]]:
    keys = [("audience", "ascending"), ("score", "descending"), ("customer_id", "ascending")]
    rows: list[dict[str, Any]] = picks.toArrow().sort_by(keys).to_pylist()
    return rows


def test_the_best_of_each_audience_are_those_of_sorting_all_candidates_by_the_model(customers: DataFrame) -> None:
    wanted = cuts()
    found = rows_of(best(reaching(customers, wanted), wanted))
    for cut in wanted:
        mine = [(r["customer_id"], r["score"]) for r in found if r["audience"] == cut.lookalike.name]
        assert mine == expected(cut)
        assert len(mine) >= 40
    assert {r["origin"] for r in found} == {"lookalike"}


def test_no_more_are_ranked_than_can_be_picked_and_those_of_equal_score(customers: DataFrame) -> None:
    wanted = [cut for cut in cuts() if cut.lookalike.name in ("tenth", "forty")]
    equal = sum(int((scores(cut.model)[is_candidate()] >= cut.least).sum()) for cut in wanted)
    assert reaching(customers, wanted).count() == equal
    assert sum(len(expected(cut)) for cut in wanted) <= equal < is_candidate().sum()


@pytest.mark.parametrize("partitions", [1, 4, 7, 64])
def test_picks_are_equal_bit_for_bit_whatever_the_partitioning_and_the_order(
    spark: SparkSession, customers: DataFrame, partitions: int
) -> None:
    wanted = cuts()
    shuffled = people().take(np.random.default_rng(partitions).permutation(ROWS))
    other = arrow_frame(spark, shuffled.to_pydict()).repartition(partitions)
    assert rows_of(best(reaching(other, wanted), wanted)) == rows_of(best(reaching(customers, wanted), wanted))


def test_a_cut_that_lets_too_few_pass_is_made_up_for(spark: SparkSession, customers: DataFrame) -> None:
    wanted = cuts()
    candidates = int(is_candidate().sum())
    wrong = [replace(c, least=0.999) if c.lookalike.name in ("tenth", "all") else c for c in wanted]
    counts = {cut.lookalike.name: Counts(0, candidates, candidates) for cut in wanted}
    picks = pick_best(customers, wrong, counts)
    assert picks is not None
    assert rows_of(picks) == rows_of(best(reaching(customers, wanted), wanted))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=300), st.floats(0.001, 1.0))
def test_as_many_reach_a_cut_from_all_candidates_as_are_wanted(steps: list[int], share: float) -> None:
    found = np.array(steps) / 200
    definition = lookalike(share=share)
    cut = find_cut(definition, model((0,), True, 1), len(found), found)
    assert cut.size is not None
    assert (found >= cut.least).sum() >= cut.size
    above = found[found > cut.least + 1e-5]
    assert len(above[above > above.min()] if len(above) else above) < cut.size


def test_a_cut_from_a_sample_lies_lower_by_what_the_sample_may_err() -> None:
    found = np.random.default_rng(3).random(4_000)
    cut = find_cut(lookalike(share=0.1), model((0,), True, 1), 1_000_000, found)
    assert cut.size == 100_000
    assert 0.86 < cut.least < 0.88


def test_a_size_by_score_reaches_as_far_as_the_sample_says() -> None:
    definition = lookalike()
    likely = replace(definition, audience=replace(definition.audience, size=Size(score=0.7)))
    assert likely.reach(100) == 1.0
    assert likely.reaching(np.array([0.1, 0.7, 0.9, 0.2])).reach(100) == 0.5
    assert likely.reaching(np.array([0.1, 0.2])).reach(100) == 0.5, "nobody: taken to reach one of the sample"
    assert definition.reaching(np.array([0.9])) is definition


def test_more_look_alikes_cost_no_more_spark_jobs(spark: SparkSession) -> None:
    everybody = arrow_frame(spark, shop())
    run: Any = SimpleNamespace(
        project=SimpleNamespace(
            privacy=Privacy((), seed_floor=20), features=(), segmentations=(), audiences=(),
            definition_hashes=defaultdict(str),
        )
    )  # fmt: skip
    target: Any = SimpleNamespace(as_of=AS_OF)

    def alike(number: int) -> Audience:
        return audience(name=f"wine_{number}", seed=f"wine_days > 0 and visits >= {number}", candidates="wine_days = 0")

    counted = {}
    for count in (3, 13):
        with counted_jobs(spark) as jobs:
            wanted = [alike(n) for n in range(count)]
            # Of those published before, one failed proof is borne: nobody here has to prove anything.
            line = {"status": "published", "failures": 0, "definition_hash": ""}
            before = {each.name: line for each in wanted}
            found = find_lookalikes(run, target, wanted, Customers(everybody, NAMES), before)
        assert len([each for each in found if each.picks is not None]) > count / 3
        (held,) = {id(each.held): each.held for each in found}.values()
        assert held is not None
        held.unpersist()
        counted[count] = jobs[0]
    assert counted[3] == counted[13] <= 8


def test_customers_are_read_once_for_all_audiences_and_by_nothing_but_the_jvm(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrow_frame(spark, people().to_pydict()).write.parquet(str(tmp_path / "people"))
    wanted = cuts()
    best(reaching(spark.read.parquet(str(tmp_path / "people")), wanted), wanted).explain()
    plan = capsys.readouterr().out
    assert plan.count("FileScan parquet") == 1
    assert "Python" not in plan
    assert plan.count("Exchange hashpartitioning") == 1, "only those who reach a cut are shuffled"
