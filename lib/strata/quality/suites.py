"""The suite of a published table: what its contract says, what the run says, what the project says."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from strata.contract.clusterings import cluster_lineage
from strata.contract.columns import Between, Column, Constraint, Matches, OneOf, Table, Type
from strata.contract.outside import NOT_IN_BASE
from strata.contract.published import customer_segments, segment_catalog
from strata.errors import Location, ProjectError
from strata.project.policies import Check
from strata.quality.vocabulary import AMONG, TYPES, UNIQUE, check_problems

Severity = Literal["fail", "warn", "info"]
_LARGEST = sys.float_info.max
_WITH_RETIRED = frozenset({segment_catalog.full_name(), cluster_lineage.full_name()})


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation to be judged: its name in the results, its type and arguments in Great Expectations."""

    name: str
    type: str
    kwargs: Mapping[str, object]
    severity: Severity = "fail"
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What the slice under the gate is about: every row must say so.

    `segments`: segmentation -> its segments; without it, segment ids are not compared with definitions.
    """

    as_of_date: date
    release_id: str
    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def suite(table: type[Table], checks: Sequence[Check] = (), subject: Subject | None = None) -> tuple[Expected, ...]:
    """Everything expected of `table`.

    From the contract: columns and their order, types, the key, a row count (always: empty tables pass every check of
    values), NULLs, constraints, and finite doubles. From `subject`: one as-of date, one release, declared segments
    only. From `checks`: those on this table.

    Args:
        table: contract of the published table, extended with the project's columns.
        checks: of quality.yml; those on other tables are passed over.
        subject: what the slice is about.

    Returns:
        Expectations in that order; names are unique, those from contracts contain a dot.

    Raises:
        ProjectError: a check names an unknown expectation, argument or column, or is there twice.
    """
    own = [check for check in checks if check.table == table.full_name()]
    if problems := check_problems(own, [table]):
        raise ProjectError(problems)
    expected = (
        *_of_table(table),
        *(e for c in table.columns for e in _of_column(c)),
        *(_of_subject(table, subject) if subject else ()),
        *(Expected(c.name, c.expect, dict(c.arguments), c.severity, c.where) for c in own),
    )
    _refuse_doubles(table, expected)
    return expected


def _refuse_doubles(table: type[Table], expected: Sequence[Expected]) -> None:
    doubled = sorted(name for name, n in Counter(e.name for e in expected).items() if n > 1)
    if doubled:
        raise ProjectError(f"{table.full_name()}: more than one check is called {', '.join(doubled)}; rename yours")


def _of_table(table: type[Table]) -> Iterator[Expected]:
    names = [str(c) for c in table.columns]
    yield Expected("table.columns", "expect_table_columns_to_match_ordered_list", {"column_list": names})
    yield Expected("table.types", TYPES, {"types": {str(c): c.type.value for c in table.columns}})
    yield Expected("table.key", UNIQUE, {"column_list": list(table.grain)})
    least = 0 if table.may_be_empty else 1
    yield Expected("table.row_count", "expect_table_row_count_to_be_between", {"min_value": least})


def _of_column(column: Column) -> Iterator[Expected]:
    name = str(column)
    if not column.nullable:
        yield Expected(f"{name}.not_null", "expect_column_values_to_not_be_null", {"column": name})
    for constraint in column.constraints:
        yield _of_constraint(column, constraint)
    if column.type is Type.DOUBLE and not any(isinstance(c, Between) for c in column.constraints):
        yield Expected(f"{name}.finite", "expect_column_values_to_be_between", {"column": name, **_finite(None, None)})


def _of_constraint(column: Column, constraint: Constraint) -> Expected:
    name = str(column)
    match constraint:
        case OneOf(values):
            kwargs: dict[str, object] = {"column": name, "value_set": list(values)}
            return Expected(f"{name}.one_of", "expect_column_values_to_be_in_set", kwargs)
        case Between(low, high):
            limits = _finite(low, high) if column.type is Type.DOUBLE else _limits(low, high)
            return Expected(f"{name}.between", "expect_column_values_to_be_between", {"column": name, **limits})
        case Matches(pattern, _):
            kwargs = {"column": name, "regex": _whole(pattern)}
            return Expected(f"{name}.format", "expect_column_values_to_match_regex", kwargs)


def _limits(low: float | None, high: float | None) -> dict[str, float]:
    return {key: limit for key, limit in (("min_value", low), ("max_value", high)) if limit is not None}


def _finite(low: float | None, high: float | None) -> dict[str, float]:
    """Closed limits: to Spark NaN and Infinity are larger than any number, so an open end would let them through."""
    return {"min_value": -_LARGEST if low is None else low, "max_value": _LARGEST if high is None else high}


def _whole(pattern: str) -> str:
    r"""The pattern for the whole value: to Java `$` matches before a trailing line break too, `\z` does not."""
    return rf"\A(?:{pattern.removeprefix('^').removesuffix('$')})\z"


def _of_subject(table: type[Table], subject: Subject) -> Iterator[Expected]:
    said = {"as_of_date": subject.as_of_date.isoformat(), "release_id": subject.release_id}
    for name in (n for n in said if n in table.columns):
        kwargs = {"column": name, "value_set": [said[name]]}
        yield Expected(f"{name}.of_this_release", "expect_column_values_to_be_in_set", kwargs)
    yield from _of_segments(table, subject.segments)


def _of_segments(table: type[Table], segments: Mapping[str, tuple[str, ...]]) -> Iterator[Expected]:
    """Declared segments only: as pairs where a row names its segmentation, per column where the column does.

    `segment_catalog` and `cluster_lineage` are left out, they tell of retired segments; so is `from_segment`, it may
    be one.
    """
    for name, known in segments.items():
        # Elsewhere a column of that name is something else: a feature, a status.
        if name in table.columns and table.full_name() == customer_segments.full_name():
            kwargs: dict[str, object] = {"column": name, "value_set": list(known)}
            yield Expected(f"{name}.declared", "expect_column_values_to_be_in_set", kwargs)
    extra = {"segment": (), "to_segment": (NOT_IN_BASE,)}
    column = next((c for c in extra if c in table.columns), None)
    is_of_live_ones = "segmentation" in table.columns and table.full_name() not in _WITH_RETIRED
    if segments and column and is_of_live_ones:
        rows = [[name, segment] for name, known in segments.items() for segment in (*known, *extra[column])]
        kwargs = {"column_list": ["segmentation", column], "rows": rows}
        yield Expected(f"{column}.declared", AMONG, kwargs)
