"""What quality costs: strata's gate in a run, and Great Expectations used the usual way on the same tables and checks.

The usual way is what its documentation shows: a Checkpoint over a ValidationDefinition, the data frame as an asset,
results in the SUMMARY format, frames persisted by default, and only expectations that it ships.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import great_expectations as gx
from pyspark.sql import DataFrame, SparkSession

from strata.contract.columns import Type
from strata.quality.suites import Expected
from strata.quality.vocabulary import AMONG, TYPES, UNIQUE

logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
SPARK_TYPES = {
    Type.BOOLEAN: "BooleanType", Type.BIGINT: "LongType", Type.DOUBLE: "DoubleType", Type.STRING: "StringType",
    Type.DATE: "DateType", Type.INSTANT: "TimestampType",
}  # fmt: skip
Shipped = tuple[str, str, dict[str, Any]]
"""Name of the check, expectation and its arguments."""


def shipped(expected: Sequence[Expected]) -> list[Shipped]:
    """The same checks by what Great Expectations ships; a check of types becomes one per column."""
    return [each for e in expected for each in _shipped(e)]


def _shipped(e: Expected) -> list[Shipped]:
    kwargs = dict(e.kwargs)
    if e.type == UNIQUE:
        columns: Any = kwargs["column_list"]
        if len(columns) == 1:
            return [(e.name, "expect_column_values_to_be_unique", {"column": columns[0]})]
        return [(e.name, "expect_compound_columns_to_be_unique", {"column_list": columns})]
    if e.type == AMONG:
        names: Any = kwargs["column_list"]
        pairs = [tuple(row) for row in kwargs["rows"]]  # type: ignore[attr-defined]
        told = {"column_A": names[0], "column_B": names[1], "value_pairs_set": pairs}
        return [(e.name, "expect_column_pair_values_to_be_in_set", told)]
    if e.type == TYPES:
        return _shipped_types(e.name, kwargs["types"])
    return [(e.name, e.type, kwargs)]


def _shipped_types(name: str, declared: Any) -> list[Shipped]:
    """By column; of money in a query of its own, as the expectation of a type knows no precision and no scale."""
    kinds = {t.value: kind for t, kind in SPARK_TYPES.items()}
    found: list[Shipped] = [
        (f"{name}.{column}", "expect_column_values_to_be_of_type", {"column": column, "type_": kinds[kind]})
        for column, kind in declared.items()
        if kind in kinds
    ]
    if wrong := [f"typeof(`{c}`) <> '{kind}'" for c, kind in declared.items() if kind == Type.MONEY]:
        query = f"select * from {{batch}} where {' or '.join(wrong)}"
        found.append((f"{name}.money", "unexpected_rows_expectation", {"unexpected_rows_query": query}))
    return found


class Usual:
    """Great Expectations as its documentation uses it."""

    def __init__(self) -> None:
        self._context = gx.get_context(mode="ephemeral")
        self._source = self._context.data_sources.add_spark("spark")
        self._count = 0

    def validate(self, frame: DataFrame, checks: Sequence[Shipped]) -> dict[str, bool]:
        """Check -> whether it held; a check of types held when it did for every column."""
        self._count += 1
        name = f"table_{self._count}"
        suite = self._context.suites.add(gx.ExpectationSuite(name=name))
        for check, kind, kwargs in checks:
            camel = "".join(part.capitalize() for part in kind.split("_"))
            suite.add_expectation(getattr(gx.expectations, camel)(**kwargs, meta={"check": check}))
        batch = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
        definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        self._context.validation_definitions.add(definition)
        checkpoint = self._context.checkpoints.add(gx.Checkpoint(name=name, validation_definitions=[definition]))
        (found,) = checkpoint.run(batch_parameters={"dataframe": frame}).run_results.values()
        held: dict[str, bool] = {}
        for result in found.results:
            check = str(result.expectation_config.meta["check"])
            whole = "table.types" if check.startswith("table.types.") else check
            held[whole] = held.get(whole, True) and bool(result.success)
        return held


def count_jobs(spark: SparkSession, group: str) -> int:
    """Spark jobs that ran under a group."""
    return len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))


def timed(work: Any) -> tuple[float, Any]:
    """Seconds and the answer of a function without arguments."""
    begun = time.perf_counter()
    answer = work()
    return time.perf_counter() - begun, answer


def differing(ours: Mapping[str, bool], usual: Mapping[str, bool]) -> list[str]:
    """Checks of which the two say something else; what the usual way has lost differs too."""
    return sorted(check for check in ours if ours[check] != usual.get(check))
