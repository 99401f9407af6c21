"""Rows rendered from a contract satisfy that contract."""

import math
import re
from datetime import date

import pytest
from pyspark.sql import SparkSession

from strata.contract import published
from strata.contract.columns import Between, Column, Matches, OneOf, Personal, Table, Type, column
from strata.contract.dictionary import core_tables
from strata.contract.examples import example_rows
from strata.contract.spark import struct_type


def holds(constraint: object, value: object) -> bool:
    match constraint:
        case OneOf(values):
            return value in values
        case Matches(pattern):
            return re.fullmatch(pattern, str(value)) is not None
        case Between(low, high):
            return (-math.inf if low is None else low) <= float(str(value)) <= (math.inf if high is None else high)
    raise AssertionError(f"this test does not know {constraint}")


def violations(table: type[Table], rows: list[dict[str, object]]) -> list[tuple[Column, object]]:
    return [
        (c, row[str(c)])
        for row in rows
        for c in table.columns
        if (row[str(c)] is None and not c.nullable)
        or (row[str(c)] is not None and not all(holds(limit, row[str(c)]) for limit in c.constraints))
    ]


@pytest.mark.parametrize("table", core_tables(), ids=lambda t: t.full_name())
def test_example_rows_keep_constraints_and_grain(table: type[Table]) -> None:
    rows = example_rows(table, 7)
    assert violations(table, rows) == []
    assert len({tuple(repr(row[name]) for name in table.grain) for row in rows}) == 7
    assert rows == example_rows(table, 7)
    assert all(list(row) == [str(c) for c in table.columns] for row in rows)
    if table.slice_by:
        assert len({row[table.slice_by] for row in rows}) == 1


def test_example_rows_are_of_the_types_spark_wants(spark: SparkSession) -> None:
    for table in core_tables():
        # createDataFrame verifies every value against the schema, NULLs included
        spark.createDataFrame(example_rows(table, 4), struct_type(table))


def test_every_nullable_column_is_null_somewhere_and_filled_somewhere() -> None:
    rows = example_rows(published.segment_catalog, 6)
    nullable = [str(c) for c in published.segment_catalog.columns if c.nullable]
    assert nullable
    for name in nullable:
        assert {row[name] is None for row in rows} == {True, False}


def test_an_override_is_a_value_or_a_function_of_the_index() -> None:
    rows = example_rows(published.segment_membership, 3, segment="lost", score=lambda i: i / 2)
    assert [(r["segment"], r["score"]) for r in rows] == [("lost", 0.0), ("lost", 0.5), ("lost", 1.0)]


def test_an_override_may_leave_the_constraints() -> None:
    rows = example_rows(published.segment_membership, 2, customer_id="not hex", segmentation=str)
    assert {c for c, _ in violations(published.segment_membership, rows)} == {"customer_id"}


def test_an_unknown_override_and_a_grain_with_too_few_values_are_refused() -> None:
    class switches(Table):  # noqa: N801
        """On and off."""

        schema = "silver"
        grain = ("state", "day")
        slice_by = "day"
        state = column(Type.STRING, "State", OneOf(("on", "off")))
        day = column(Type.DATE, "Day", personal=Personal.NO)

    assert example_rows(switches, 2) == [
        {"state": "on", "day": date(2017, 1, 1)},
        {"state": "off", "day": date(2017, 1, 1)},
    ]
    with pytest.raises(ValueError, match="fewer than 3 values of its grain state, day"):
        example_rows(switches, 3)
    with pytest.raises(ValueError, match="no column stat"):
        example_rows(switches, 1, stat="on")
