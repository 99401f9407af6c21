"""The gate: Great Expectations judges a frame natively on Spark. The only module that imports it.

What is switched off, and why: persist (it would cache every frame and never free it), progress bars and logs (they
write to stderr, with values), result formats beyond BOOLEAN_ONLY (they collect failing values on the driver, and
take four times the Spark jobs). What is added: three expectations of our own that join the one aggregate in which
Great Expectations measures a table. Its own compound uniqueness is a window over the whole frame, and checks of
column pairs scan it twice more each.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, ClassVar

import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent.interfaces import Batch
from great_expectations.exceptions.exceptions import ExpectationNotFoundError
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import Column, DataFrame

from strata.errors import Problem, ProjectError
from strata.quality import counting
from strata.quality.suites import Expected
from strata.quality.verdicts import Verdict, difference, in_words
from strata.quality.vocabulary import COLUMN_MEASURES, PER_ROW, TYPES, UNIQUE, columns_of

logging.captureWarnings(capture=False)  # importing great_expectations turns it on for the whole process
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # it logs failing metrics with their values

Metrics = dict[Any, Any]
Found = dict[str, Any]
Results = Mapping[str, ExpectationValidationResult]

_in_the_aggregate = metric_partial(
    engine=SparkDFExecutionEngine,
    partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
    domain_type=MetricDomainTypes.TABLE,
)


class _Surplus(TableMetricProvider):
    metric_name = "table.strata_surplus_rows"
    value_keys = ("column_list",)

    @_in_the_aggregate
    def _spark(cls, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any) -> tuple[Column, Any, Any]:  # noqa: N805
        return counting.surplus(metric_value_kwargs["column_list"]), metric_domain_kwargs, {}


class _Outside(TableMetricProvider):
    metric_name = "table.strata_rows_outside"
    value_keys = ("column_list", "rows")

    @_in_the_aggregate
    def _spark(cls, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any) -> tuple[Column, Any, Any]:  # noqa: N805
        counted = counting.outside(metric_value_kwargs["column_list"], metric_value_kwargs["rows"])
        return counted, metric_domain_kwargs, {}


class ExpectRowsToBeUnique(BatchExpectation):
    """No two rows share their values of `column_list`; carries the row count out in `meta`."""

    column_list: list[str]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", "table.strata_surplus_rows")
    success_keys: ClassVar[tuple[str, ...]] = ("column_list",)

    def _validate(self, metrics: Metrics, runtime_configuration: Any = None, execution_engine: Any = None) -> Found:
        return {
            "success": metrics["table.strata_surplus_rows"] == 0,
            "meta": {"rows": int(metrics["table.row_count"])},
        }


class ExpectRowsToBeInSet(BatchExpectation):
    """Every row's values of `column_list` are one of `rows`."""

    column_list: list[str]
    rows: list[list[str]]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.strata_rows_outside",)
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "rows")

    def _validate(self, metrics: Metrics, runtime_configuration: Any = None, execution_engine: Any = None) -> Found:
        return {"success": metrics["table.strata_rows_outside"] == 0}


class ExpectTableTypesToMatch(BatchExpectation):
    """Every column of `types` is there with that very type: precision, scale and elements included."""

    types: dict[str, str]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.column_types",)
    success_keys: ClassVar[tuple[str, ...]] = ("types",)

    def _validate(self, metrics: Metrics, runtime_configuration: Any = None, execution_engine: Any = None) -> Found:
        found = {c["name"].strip("`"): c["type"].simpleString() for c in metrics["table.column_types"]}
        return {"success": all(found.get(name) == said for name, said in self.types.items())}


class Gate:
    """One context for all tables of a run, which may be judged at once: nothing is stored, sent or cached."""

    def __init__(self) -> None:
        in_memory = InMemoryStoreBackendDefaults()  # the default makes a folder under /tmp for its documents
        silent = ProgressBarsConfig(globally=False, metric_calculations=False)
        config = DataContextConfig(store_backend_defaults=in_memory, progress_bars=silent)
        self._context = gx.get_context(mode="ephemeral", project_config=config)
        self._making = Lock()

    def validate(self, table_name: str, frame: DataFrame, expected: Sequence[Expected]) -> tuple[Verdict, ...]:
        """Judge `frame`.

        Args:
            table_name: published name, schema.table.
            frame: the slice as it was written to staging.
            expected: its suite; a check of row uniqueness among them saves counting the rows.

        Returns:
            A verdict for every expectation, in their order. What raises inside Great Expectations is a failed check.

        Raises:
            ProjectError: an expectation is unknown to Great Expectations, or its arguments do not fit.
        """
        built = gx.ExpectationSuite(name=table_name, expectations=_configured(table_name, expected))
        if len(built.expectations) != len(expected):  # it drops what it does not know, with a line in the log
            raise RuntimeError(f"{table_name}: {len(expected)} checks, but {len(built.expectations)} in the suite")
        results = self._batch(table_name, frame).validate(built, result_format="BOOLEAN_ONLY").results
        by_name = {_check_of(r): r for r in results}  # they come back in another order
        if len(by_name) != len(expected):
            raise RuntimeError(f"{table_name}: {len(expected)} checks, but {len(by_name)} results")
        return _verdicts(table_name, frame, expected, by_name)

    def _batch(self, table_name: str, frame: DataFrame) -> Batch:
        """The frame under an engine of its own: one engine knows one batch at a time, and tables are judged at once."""
        with self._making:
            source = self._context.data_sources.add_or_update_spark(table_name, persist=False)
            asset = source.add_dataframe_asset("staged")
            batches = asset.add_batch_definition_whole_dataframe("slice")
        return batches.get_batch(batch_parameters={"dataframe": frame})


def _configured(table_name: str, expected: Sequence[Expected]) -> list[ExpectationConfiguration]:
    configured, problems = [], []
    for e in expected:
        made = ExpectationConfiguration(type=e.type, kwargs=dict(e.kwargs), meta={"check": e.name})
        try:
            made.to_domain_obj()
        except ExpectationNotFoundError:
            problems.append(Problem(e.where, f"{table_name}: check {e.name}: unknown expectation {e.type}"))
        except (ValueError, TypeError) as error:  # pydantic's errors are ValueErrors
            said = " ".join(str(error).split())
            problems.append(Problem(e.where, f"{table_name}: check {e.name}: {e.type} does not take that: {said}"))
        configured.append(made)
    if problems:
        raise ProjectError(problems)
    return configured


def _check_of(result: ExpectationValidationResult) -> str:
    return str(result.expectation_config.meta["check"]) if result.expectation_config else ""


def _verdicts(table_name: str, frame: DataFrame, expected: Sequence[Expected], results: Results) -> tuple[Verdict, ...]:
    broken = [e for e in expected if not results[e.name].success]
    known = next((results[e.name].meta for e in expected if e.type == UNIQUE), None) or {}
    countable = [e for e in broken if set(columns_of(e.kwargs)) <= set(frame.columns)]
    if countable or "rows" not in known:
        row_count, numbers = counting.count(frame, countable)
    else:
        row_count, numbers = known["rows"], {}
    judge = _judge(table_name, frame, row_count)
    return tuple(judge(e, results[e.name], numbers.get(e.name)) for e in expected)


def _judge(
    table_name: str, frame: DataFrame, row_count: int
) -> Callable[[Expected, ExpectationValidationResult, float | None], Verdict]:
    def judge(e: Expected, result: ExpectationValidationResult, number: float | None) -> Verdict:
        raised = _raised(result)
        # Without rows there is nothing to measure. Whether there may be none is for the row count to say.
        vacuous = row_count == 0 and not raised and e.type in COLUMN_MEASURES
        if result.success or vacuous:  # `success` of the quantile expectation is numpy's bool
            return Verdict(table_name, e.name, e.severity, True, row_count, 0)
        details = _details(e, frame, row_count, number, raised)
        return Verdict(table_name, e.name, e.severity, False, row_count, _violations(e, number), details)

    return judge


def _violations(e: Expected, number: float | None) -> int | None:
    if e.type not in PER_ROW:
        return 1
    return None if number is None else int(number)


def _details(e: Expected, frame: DataFrame, row_count: int, number: float | None, raised: str) -> str:
    types = dict(frame.dtypes)
    absent = [f"column {c} is missing" for c in columns_of(e.kwargs) if c not in types]
    if e.type == "expect_table_columns_to_match_ordered_list":
        wanted = {str(c): types.get(str(c), "") for c in columns_of(e.kwargs)}
        return f"{in_words(e)}; found: {difference(types, wanted)}"
    if e.type == TYPES:
        wanted = dict(e.kwargs["types"])  # type: ignore[call-overload]
        return f"found: {difference({c: types[c] for c in wanted if c in types}, wanted)}"
    if absent or raised:
        return f"{in_words(e)}; found: {'; '.join(absent) or raised}"
    if e.type.startswith("expect_table_row_count"):
        return f"{in_words(e)}; found {row_count}"
    if number is None:
        return in_words(e)
    return f"{in_words(e)}; found {f'{number} of {row_count} rows otherwise' if e.type in PER_ROW else f'{number:g}'}"


def _raised(result: ExpectationValidationResult) -> str:
    """What was raised inside Great Expectations; of Spark's errors the condition only, the rest quotes values."""
    info = result.exception_info or {}
    nested = [info] if "raised_exception" in info else list(info.values())
    messages = [str(i["exception_message"]) for i in nested if i.get("exception_message")]
    short = {m.split("]")[0] + "]" if m.startswith("[") else m.splitlines()[0] for m in messages}
    return "; ".join(sorted(short))
