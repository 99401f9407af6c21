from collections import Counter, defaultdict
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from tests.publish.attack import found_out
from tests.publish.frames import AS_OF, membership

from strata.contract.outside import NOT_IN_BASE
from strata.contract.published import segment_migration
from strata.contract.spark import as_table
from strata.publish.migration import build_migration, protect_migration

BEFORE = date(2017, 11, 30)


def migration(now: DataFrame, before: DataFrame) -> DataFrame:
    return build_migration(now, before, comparison="previous", as_of_date=AS_OF, compared_as_of=BEFORE)


def ways(frame: DataFrame) -> dict[tuple[str, str, str], int]:
    return {(r.segmentation, r.from_segment, r.to_segment): r.customers for r in frame.collect()}


def test_those_who_stay_move_come_and_leave(spark: SparkSession) -> None:
    before = membership(spark, {"rfm": ["a", "a", "b", "b"]}, BEFORE)
    now = membership(spark, {"rfm": ["b", "b", "b", "c"]}, first=1)
    assert ways(migration(now, before)) == {
        ("rfm", "a", NOT_IN_BASE): 1, ("rfm", "a", "b"): 1, ("rfm", "b", "b"): 2, ("rfm", NOT_IN_BASE, "c"): 1,
    }  # fmt: skip


def test_in_a_new_or_retired_segmentation_nobody_moved(spark: SparkSession) -> None:
    before = membership(spark, {"rfm": ["a"], "retired": ["x"]}, BEFORE)
    now = membership(spark, {"rfm": ["a"], "new": ["y"]})
    assert ways(migration(now, before)) == {("rfm", "a", "a"): 1}


def test_a_customer_without_a_segment_has_not_left_the_base(spark: SparkSession) -> None:
    before, now = membership(spark, {"rfm": ["a", "b"]}, BEFORE), membership(spark, {"rfm": [None, "b"]})
    assert ways(migration(now, before)) == {("rfm", "a", "(no segment)"): 1, ("rfm", "b", "b"): 1}


def test_rows_fit_the_contract(spark: SparkSession) -> None:
    before, now = membership(spark, {"rfm": ["a"]}, BEFORE), membership(spark, {"rfm": ["b"]})
    frame = protect_migration(migration(now, before), floor=1)
    assert set(frame.columns) == set(segment_migration.columns) - {"release_id"}
    row = frame.collect()[0]
    assert (row.as_of_date, row.compared_as_of_date, row.comparison) == (AS_OF, BEFORE, "previous")
    as_table(frame.selectExpr("*", "repeat('0', 32) as release_id"), segment_migration)


segments = st.dictionaries(st.integers(0, 30), st.sampled_from("abc"), min_size=1, max_size=20)


@settings(max_examples=4, deadline=None)
@given(segments, segments)
def test_rows_add_up_to_the_base_then_and_columns_to_the_base_now(
    spark: SparkSession, then: dict[int, str], today: dict[int, str]
) -> None:
    def frame(of: dict[int, str]) -> DataFrame:
        rows = [(f"{i:032x}", "rfm", segment) for i, segment in of.items()]
        return spark.createDataFrame(rows, "customer_id string, segmentation string, segment string")

    found = ways(migration(frame(today), frame(then)))
    left, reached = Counter[str](), Counter[str]()
    for (_, source, target), count in found.items():
        left[source] += count
        reached[target] += count
    assert {k: v for k, v in left.items() if k != NOT_IN_BASE} == Counter(then.values())
    assert {k: v for k, v in reached.items() if k != NOT_IN_BASE} == Counter(today.values())


def test_neither_movements_nor_sizes_of_few_are_found_out(spark: SparkSession) -> None:
    random, people = np.random.default_rng(8), 3_000
    names = [f"s{i:02}" for i in range(40)]
    then = {"rfm": ["a"] * 40 + ["b"] * 40 + ["c"] * 40}
    today = {"rfm": ["a"] * 25 + ["b"] * 12 + ["c"] * 3 + ["a"] * 15 + ["b"] * 25 + ["a"] * 11 + ["c"] * 29}
    for name in names:
        groups = int(random.integers(2, 9))
        of_each = random.choice(groups, people, p=random.dirichlet(np.full(groups, 0.6)))
        moved = np.where(random.random(people) < random.choice([0.02, 0.3]), random.permutation(of_each), of_each)
        then[name], today[name] = ([f"g{g}" for g in side] for side in (of_each, moved))
    frame = protect_migration(migration(membership(spark, today), membership(spark, then, BEFORE)), floor=10)
    rows = {(r.segmentation, r.from_segment, r.to_segment): r for r in frame.collect()}
    # 3 takes 12 along in its row and 29 in its column, these take 25 and 11, and 25 takes 15; one way can be told
    told = {key[1:]: r.customers for key, r in rows.items() if key[0] == "rfm" and not r.is_suppressed}
    assert told == {("a", "a"): 25}
    whole = 0
    for name in names:
        counts = Counter(zip(then[name], today[name], strict=True))
        hidden = {cell for cell in counts if rows[name, *cell].is_suppressed}
        assert {cell: rows[name, *cell].customers for cell in counts if cell not in hidden} == {
            cell: n for cell, n in counts.items() if cell not in hidden
        }
        assert {cell for cell, n in counts.items() if n < 10} <= hidden
        if len(hidden) == len(counts):
            whole += 1
            continue
        sums, sizes = defaultdict(list), Counter[tuple[str, str]]()
        for end in (0, 1):
            for cell, n in counts.items():
                sums[("from", "to")[end], cell[end]].append(cell)
                sizes[("from", "to")[end], cell[end]] += n
        known = [cells for side, cells in sums.items() if sizes[side] >= 10 and not set(cells) <= hidden]
        assert found_out(counts, hidden, known) == {}
        for end in ("from", "to"):
            of_end = {side: n for side, n in sizes.items() if side[0] == end}
            secret = {side for side in of_end if set(sums[side]) <= hidden}
            assert {side for side, n in of_end.items() if n < 10} <= secret
            assert not {side for side in found_out(of_end, secret, [of_end]) if of_end[side] < 10}
    assert whole < 12, "suppressing whole tables is the last resort"
