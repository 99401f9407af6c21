"""Cell suppression, audited: what is withheld cannot be computed from what is published."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.publish.attack import bounded, found_out

from strata.publish.disclosure import (
    SUPPRESSED,
    Side,
    Sums,
    complete_sums,
    complete_table,
    suppress_small,
    withhold,
)

FLOOR = 10
Cell = tuple[int, int]
Table = dict[Cell, int]
ALONE: Table = {(0, 0): 5, (0, 1): 40, (1, 0): 60, (1, 2): 0, (0, 2): 0}


def suppressed_of(spark: SparkSession, tables: list[Table], parts: int = 1) -> list[set[Cell]]:
    """The suppressed cells of each table; one frame for all."""
    rows = [(n, *cell, count) for n, table in enumerate(tables) for cell, count in table.items()]
    names = ("table", "row", "col", "count")
    frame = spark.createDataFrame(pa.table(dict(zip(names, map(pa.array, zip(*rows, strict=True)), strict=True))))
    sides, small = (Side("row"), Side("col")), suppress_small(frame.repartition(parts), ["count"], FLOOR)
    made = complete_table(small, "count", ("table",), sides, FLOOR)
    found: list[set[Cell]] = [set() for _ in tables]
    for row in made.where(SUPPRESSED).collect():
        found[row["table"]].add((row["row"], row["col"]))
    return found


def lines(table: Table) -> list[list[Cell]]:
    """The cells of each row and of each column."""
    rows, columns = defaultdict(list), defaultdict(list)
    for row, column in table:
        rows[row].append((row, column))
        columns[column].append((row, column))
    return [*rows.values(), *columns.values()]


def random_tables(count: int) -> list[Table]:
    random = np.random.default_rng(5)
    tables = []
    for _ in range(count):
        rows, columns = random.integers(1, 8, 2)
        scale = random.choice([4, 20, 200], (rows, 1)) * random.pareto(1.2, columns)
        cells = random.poisson(np.minimum(scale, 5_000)) * (random.random((rows, columns)) < 0.8)
        tables.append({(r, c): int(cells[r, c]) for r in range(rows) for c in range(columns)})
    return tables


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return [*random_tables(600), ALONE]


@pytest.fixture(scope="module")
def suppressed(spark: SparkSession, tables: list[Table]) -> list[set[Cell]]:
    return suppressed_of(spark, tables)


def test_no_suppressed_count_of_600_random_tables_is_found_out_by_subtraction(
    tables: list[Table], suppressed: list[set[Cell]]
) -> None:
    attacked = 0
    for table, hidden in zip(tables, suppressed, strict=True):
        known = [line for line in lines(table) if sum(table[c] for c in line) >= FLOOR]
        if len(hidden) == len(table):
            continue  # suppressed whole, its totals with it
        attacked += len(hidden)
        assert {c: n for c, n in found_out(table, hidden, known).items() if n} == {}
        for line in known:
            left = bounded(table, hidden, line)
            assert left == 0 or left >= FLOOR, (line, table)
            assert sum(c in hidden and table[c] > 0 for c in line) != 1
    assert attacked > 3_000


def test_every_small_count_is_suppressed_and_not_much_else(tables: list[Table], suppressed: list[set[Cell]]) -> None:
    small = [{c for c, n in table.items() if 0 < n < FLOOR} for table in tables]
    assert all(few <= hidden for few, hidden in zip(small, suppressed, strict=True))
    untouched = [hidden for few, hidden in zip(small, suppressed, strict=True) if not few]
    assert len(untouched) > 20
    assert set().union(*untouched) == set()
    whole = sum(len(h) == len(t) > 9 for h, t in zip(suppressed, tables, strict=True))
    assert whole < 60, "suppressing whole tables is the last resort"


ONE_SUM = [
    ([5, 50, 60, 0], [0, 1]),  # the smallest other one follows; nobody is behind the 0
    ([5, 5, 60], [0, 1]),  # 10 together
    ([5, 4, 60, 70], [0, 1, 2]),  # 9 together: one more
    ([5, 0, 0], [0]),  # nobody knows the total of a sum below the floor
    ([12, 13, 0], []),
    ([9, 30, 30, 40], [0, 1]),  # ties go by key
]


def test_in_one_sum_the_smallest_follow(spark: SparkSession) -> None:
    rows = [(n, i, count) for n, (counts, _) in enumerate(ONE_SUM) for i, count in enumerate(counts)]
    marked = suppress_small(spark.createDataFrame(rows, "sum int, key int, count bigint"), ["count"], FLOOR)
    made = withhold(complete_sums(marked, ["count"], Sums(("sum",), "key"), FLOOR), ["count"])
    found = {(row["sum"], row["key"]): row["count"] for row in made.collect()}
    assert found == {(n, i): None if i in ONE_SUM[n][1] else count for n, i, count in rows}


def test_with_several_counts_a_row_goes_as_a_whole_until_each_of_them_is_hidden(spark: SparkSession) -> None:
    rows = [("a", 100, 4), ("b", 200, 0), ("c", 300, 70), ("d", 400, 80)]
    frame = spark.createDataFrame(rows, "key string, size bigint, count bigint").selectExpr("*", "1 as sum")
    made = complete_sums(suppress_small(frame, ["count"], FLOOR), ["size", "count"], Sums(("sum",), "key"), FLOOR)
    assert {row["key"] for row in made.where(SUPPRESSED).collect()} == {"a", "b", "c"}


def test_a_count_alone_in_its_column_takes_the_whole_table_along(
    tables: list[Table], suppressed: list[set[Cell]]
) -> None:
    assert suppressed[tables.index(ALONE)] == set(ALONE)


def test_the_same_whatever_the_partitioning(
    spark: SparkSession, tables: list[Table], suppressed: list[set[Cell]]
) -> None:
    shuffled = [dict(sorted(table.items(), reverse=True)) for table in tables[:100]]
    assert suppressed_of(spark, shuffled, parts=5) == suppressed[:100]
