"""Rows for tests, rendered from a contract: right in type, constraints and grain, the same every time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import md5

from strata.contract.columns import Between, Column, Matches, OneOf, Table, Type

FIRST_DAY = date(2017, 1, 1)
FIRST_INSTANT = datetime(2017, 1, 1, 12, tzinfo=UTC)
SAMPLES = {
    "^[0-9a-f]{32}$": lambda seed: md5(seed.encode(), usedforsecurity=False).hexdigest(),
}


def example_rows(table: type[Table], count: int, **overrides: object) -> list[dict[str, object]]:
    """`count` rows of `table`, unique in its grain, all in one slice.

    Nullable columns outside the grain are NULL in every third row, each beginning with another one.

    Args:
        table: the contract.
        count: how many rows.
        overrides: a value for a column, or a function of the row's index (from 0) that gives it. It may leave the
            constraints: that is what a test of a check needs.

    Raises:
        ValueError: an override names no column of the table, or the grain has too few values for `count` rows.
    """
    unknown = sorted(set(overrides) - set(table.columns))
    if unknown:
        raise ValueError(f"{table.full_name()} has no column {', '.join(unknown)}")
    rows = [_row(table, index, overrides) for index in range(count)]
    if len({repr([row[name] for name in table.grain]) for row in rows}) < count:
        raise ValueError(f"{table.full_name()} has fewer than {count} values of its grain {', '.join(table.grain)}")
    return rows


def _row(table: type[Table], index: int, overrides: dict[str, object]) -> dict[str, object]:
    row: dict[str, object] = {}
    for place, column in enumerate(table.columns):
        name = str(column)
        if name in overrides:
            given = overrides[name]
            row[name] = given(index) if callable(given) else given
        elif column.nullable and name not in table.grain and (index + place) % 3 == 0:
            row[name] = None
        else:
            row[name] = _value(column, 0 if name == table.slice_by else index)
    return row


def _value(column: Column, index: int) -> object:
    for constraint in column.constraints:
        if isinstance(constraint, OneOf):
            return constraint.values[index % len(constraint.values)]
        if isinstance(constraint, Matches):
            return _matching(column, constraint, index)
    return _BY_TYPE[column.type](column, index)


def _matching(column: Column, constraint: Matches, index: int) -> str:
    sample = SAMPLES.get(constraint.pattern)
    if sample is None:
        raise ValueError(f"no sample known for {column}, which matches {constraint.pattern}: add one to SAMPLES")
    return sample(f"{column}-{index}")


def _number(column: Column, index: int) -> int:
    """The index moved and wrapped into the whole numbers that the column allows."""
    limits = [c for c in column.constraints if isinstance(c, Between)]
    low = int(limits[0].low or 0) if limits else 0
    if limits and limits[0].high is not None and low < 0 <= limits[0].high:
        low = 0
    if limits and limits[0].high is not None:
        return low + index % (int(limits[0].high) - low + 1)
    return low + index


_BY_TYPE: dict[Type, Callable[[Column, int], object]] = {
    Type.BOOLEAN: lambda _, index: index % 2 == 0,
    Type.BIGINT: _number,
    Type.MONEY: lambda column, index: Decimal(_number(column, index)).quantize(Decimal("0.01")),
    Type.DOUBLE: lambda column, index: float(_number(column, index)),
    Type.STRING: lambda column, index: f"{column}_{index}",
    Type.DATE: lambda _, index: FIRST_DAY + timedelta(days=index),
    Type.INSTANT: lambda _, index: FIRST_INSTANT + timedelta(minutes=index),
    Type.STRINGS: lambda column, index: [f"{column}_{index}", f"{column}_{index + 1}"],
    Type.DOUBLES: lambda _, index: [float(index), float(index + 1)],
    Type.VECTORS: lambda _, index: [[float(index), 0.0], [0.0, float(index)]],
}
