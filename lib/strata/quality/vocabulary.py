"""The expectations a check may use, by their names in Great Expectations, with their arguments.

Listed and not looked up, because Great Expectations forgets an unknown type in silence, takes three seconds to
import, and offers types that a project must not reach: those that hand text to Spark as SQL (`row_condition`,
`unexpected_rows_expectation`), need Python on executors (json, strftime), or depend on the order of rows.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from strata.contract.columns import Table
from strata.errors import Problem
from strata.project.policies import Check

UNIQUE = "expect_rows_to_be_unique"
AMONG = "expect_rows_to_be_in_set"
TYPES = "expect_table_types_to_match"
OWN = frozenset({UNIQUE, AMONG, TYPES})

_RANGE = ("min_value", "max_value", "strict_min", "strict_max")
_OF_ROWS = {
    "expect_column_values_to_not_be_null": (),
    "expect_column_values_to_be_null": (),
    "expect_column_values_to_be_in_set": ("value_set",),
    "expect_column_values_to_not_be_in_set": ("value_set",),
    "expect_column_values_to_be_between": _RANGE,
    "expect_column_values_to_match_regex": ("regex",),
    "expect_column_values_to_not_match_regex": ("regex",),
    "expect_column_value_lengths_to_be_between": _RANGE,
    "expect_column_value_lengths_to_equal": ("value",),
    "expect_column_value_z_scores_to_be_less_than": ("threshold", "double_sided"),
}
_OF_COLUMNS = {
    **{
        f"expect_column_{measure}_to_be_between": _RANGE
        for measure in (
            "max", "mean", "median", "min", "stdev", "sum", "unique_value_count",
            "proportion_of_unique_values", "proportion_of_non_null_values",
        )
    },
    "expect_column_quantile_values_to_be_between": ("quantile_ranges", "allow_relative_error"),
    "expect_column_distinct_values_to_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_contain_set": ("value_set",),
    "expect_column_distinct_values_to_equal_set": ("value_set",),
    "expect_column_most_common_value_to_be_in_set": ("value_set", "ties_okay"),
}  # fmt: skip
_OF_PAIRS = {
    "expect_column_pair_values_a_to_be_greater_than_b": ("or_equal",),
    "expect_column_pair_values_to_be_equal": (),
    "expect_column_pair_values_to_be_in_set": ("value_pairs_set",),
}
_OF_TABLES = {
    UNIQUE: ("column_list",),
    AMONG: ("column_list", "rows"),
    TYPES: ("types",),
    "expect_column_to_exist": ("column",),
    "expect_table_columns_to_match_ordered_list": ("column_list",),
    "expect_table_columns_to_match_set": ("column_set", "exact_match"),
    "expect_table_column_count_to_equal": ("value",),
    "expect_table_row_count_to_be_between": _RANGE,
    "expect_table_row_count_to_equal": ("value",),
}
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    **{name: ("column", *own, "mostly") for name, own in _OF_ROWS.items()},
    **{name: ("column", *own) for name, own in _OF_COLUMNS.items()},
    **{name: ("column_A", "column_B", *own, "mostly", "ignore_row_if") for name, own in _OF_PAIRS.items()},
    **_OF_TABLES,
}
COLUMN_MEASURES = frozenset(_OF_COLUMNS)
PER_ROW = frozenset({*_OF_ROWS, *_OF_PAIRS, UNIQUE, AMONG})


def check_problems(checks: Iterable[Check], tables: Iterable[type[Table]]) -> tuple[Problem, ...]:
    """What is wrong with the checks of a project, without looking at data.

    Args:
        checks: of quality.yml.
        tables: the published tables, extended with the project's own columns.

    Returns:
        A problem for every unknown table, expectation, argument and column, and for every name used twice on a table.
    """
    known = {table.full_name(): table for table in tables}
    seen: set[tuple[str, str]] = set()
    found: list[Problem] = []
    for check in checks:
        found += _problems_of(check, known)
        if (check.table, check.name) in seen:
            found.append(Problem(check.where, f"check {check.name}: a second check of that name on {check.table}"))
        seen.add((check.table, check.name))
    return tuple(found)


def _problems_of(check: Check, tables: Mapping[str, type[Table]]) -> list[Problem]:
    if check.table not in tables:
        return [_unknown(check, "table", check.table, tables)]
    if check.expect not in ARGUMENTS:
        return [_unknown(check, "expectation", check.expect, ARGUMENTS)]
    allowed, columns = ARGUMENTS[check.expect], tables[check.table].columns
    return [
        *(_unknown(check, "argument", name, allowed) for name in check.arguments if name not in allowed),
        *(_unknown(check, "column", name, columns) for name in columns_of(check.arguments) if name not in columns),
    ]


def columns_of(arguments: Mapping[str, object]) -> tuple[str, ...]:
    """The columns that the arguments of an expectation name."""
    single = [arguments[key] for key in ("column", "column_A", "column_B") if key in arguments]
    several = arguments.get("column_list") or arguments.get("column_set") or ()
    return tuple(map(str, [*single, *(several if isinstance(several, list | tuple) else (several,))]))


def _unknown(check: Check, what: str, word: str, known: Iterable[str]) -> Problem:
    options = sorted(map(str, known))
    nearest = get_close_matches(word, options, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(options)}"
    return Problem(check.where, f"check {check.name}: unknown {what} {word}", hint)
