"""Numbers for failed checks: Great Expectations says whether a check held, this says by how much it did not.

Nothing here decides anything; a check that cannot be counted stays failed without a number.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.quality.suites import Expected
from strata.quality.vocabulary import AMONG, UNIQUE

Arguments = Mapping[str, Any]


def count(frame: DataFrame, expected: Sequence[Expected]) -> tuple[int, dict[str, float | None]]:
    """Rows of `frame`, and a number for every expectation that has one: violations, or the measure of a column.

    One Spark job for all; should that fail (a value that cannot be compared), one for each.

    Returns:
        (row_count, check name -> number); checks without a number are not in it.
    """
    counted = {e.name: column for e in expected if (column := number_of(e)) is not None}
    try:
        row = frame.agg(rows().alias("n"), *[c.alias(f"c{i}") for i, c in enumerate(counted.values())]).head()
    except PySparkException:
        if len(expected) <= 1:
            return _rows_of(frame), {}
        return _rows_of(frame), {name: n for e in expected for name, n in count(frame, [e])[1].items()}
    values: tuple[Any, ...] = tuple(row or ())
    return int(values[0]), dict(zip(counted, values[1:], strict=True))


def _rows_of(frame: DataFrame) -> int:
    try:
        return frame.count()
    except PySparkException:
        return 0


def rows() -> Column:
    """Aggregate: the rows of the frame."""
    return F.count(F.lit(1))


def surplus(columns: Sequence[str]) -> Column:
    """Aggregate: rows beyond the first of each key; NULL in a key counts as a value."""
    return rows() - F.count_distinct(F.struct(*[F.col(_quoted(c)) for c in columns]))


def outside(columns: Sequence[str], allowed: Sequence[Sequence[object]]) -> Column:
    """Aggregate: rows whose combination of `columns` is none of `allowed`; rows with a NULL among them count."""
    combination = F.struct(*[F.col(_quoted(c)) for c in columns])
    options = [F.struct(*[F.lit(v).alias(c) for c, v in zip(columns, row, strict=True)]) for row in allowed]
    return F.count_if(~combination.isin(*options)) if options else rows()


def number_of(expected: Expected) -> Column | None:
    """The aggregate that counts the violations of a check of rows, or measures a check of a column.

    None for checks that have no number: those of columns and types, and rarely used ones.
    """
    make = _NUMBERS.get(expected.type)
    return make(expected.kwargs) if make else None


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _column(kwargs: Arguments, key: str = "column") -> Column:
    return F.col(_quoted(kwargs[key]))


def _where(condition: Callable[[Arguments], Column]) -> Callable[[Arguments], Column]:
    return lambda kwargs: F.count_if(condition(kwargs))


def _outside_range(value: Column, kwargs: Arguments) -> Column:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    beyond = F.lit(False)
    if low is not None:
        beyond = beyond | (value <= low if kwargs.get("strict_min") else value < low)
    if high is not None:
        beyond = beyond | (value >= high if kwargs.get("strict_max") else value > high)
    return beyond


def _not_greater(kwargs: Arguments) -> Column:
    a, b = _column(kwargs, "column_A"), _column(kwargs, "column_B")
    return a < b if kwargs.get("or_equal") else a <= b


_NUMBERS: dict[str, Callable[[Arguments], Column]] = {
    UNIQUE: lambda k: surplus(k["column_list"]),
    AMONG: lambda k: outside(k["column_list"], k["rows"]),
    "expect_column_values_to_not_be_null": _where(lambda k: _column(k).isNull()),
    "expect_column_values_to_be_null": _where(lambda k: _column(k).isNotNull()),
    "expect_column_values_to_be_in_set": _where(lambda k: ~_column(k).isin(list(k["value_set"]))),
    "expect_column_values_to_not_be_in_set": _where(lambda k: _column(k).isin(list(k["value_set"]))),
    "expect_column_values_to_be_between": _where(lambda k: _outside_range(_column(k), k)),
    "expect_column_values_to_match_regex": _where(lambda k: ~_column(k).rlike(k["regex"])),
    "expect_column_values_to_not_match_regex": _where(lambda k: _column(k).rlike(k["regex"])),
    "expect_column_value_lengths_to_be_between": _where(lambda k: _outside_range(F.length(_column(k)), k)),
    "expect_column_value_lengths_to_equal": _where(lambda k: F.length(_column(k)) != k["value"]),
    "expect_column_pair_values_a_to_be_greater_than_b": _where(_not_greater),
    "expect_column_pair_values_to_be_equal": _where(lambda k: _column(k, "column_A") != _column(k, "column_B")),
    "expect_column_mean_to_be_between": lambda k: F.avg(_column(k)),
    "expect_column_median_to_be_between": lambda k: F.median(_column(k)),
    "expect_column_stdev_to_be_between": lambda k: F.stddev(_column(k)),
    "expect_column_sum_to_be_between": lambda k: F.sum(_column(k)),
    "expect_column_unique_value_count_to_be_between": lambda k: F.count_distinct(_column(k)),
    "expect_column_proportion_of_non_null_values_to_be_between": lambda k: F.count(_column(k)) / rows(),
}
