from collections import Counter
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from tests.publish.frames import AS_OF, membership

from strata.contract.outside import NOT_IN_BASE
from strata.contract.published import segment_migration
from strata.contract.spark import as_table
from strata.publish.migration import build_migration

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
    frame = migration(now, before)
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
