"""Delivered columns against declared ones, before Spark reads a row: what is wrong is said with the file's name."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from pyspark.sql.types import DataType

from strata.contract.columns import Type

ACCEPTED: Mapping[Type, frozenset[str]] = {
    Type.BOOLEAN: frozenset({"boolean"}),
    Type.BIGINT: frozenset({"integer"}),
    Type.MONEY: frozenset({"integer", "float", "decimal", "wide decimal"}),
    Type.DOUBLE: frozenset({"float"}),
    Type.STRING: frozenset({"string"}),
    Type.DATE: frozenset({"date"}),
    Type.INSTANT: frozenset({"timestamp"}),
}
"""Declared type -> kinds of delivered values that hold it. Text formats deliver strings, which are parsed later."""

_LANDED: Mapping[tuple[Type, str], Type] = {
    (Type.MONEY, "float"): Type.DOUBLE,
    (Type.MONEY, "integer"): Type.BIGINT,
    (Type.MONEY, "wide decimal"): Type.STRING,
}


def landed_type(declared: Type, kind: str) -> Type:
    """The type in which bronze keeps a delivered value of this kind without losing a digit of it."""
    return _LANDED.get((declared, kind), declared)


def name_problem(expected: Sequence[str], found: Sequence[str], *, by_position: bool) -> str | None:
    """What is wrong with the names of delivered columns; None when nothing is.

    Args:
        expected: names in the order of the schema.
        found: names as delivered.
        by_position: the reader takes values by position (csv), so that the order counts too.
    """
    missing = [c for c in expected if c not in found]
    extra = [c for c in found if c not in expected]
    twice = sorted({c for c in found if list(found).count(c) > 1})
    parts = [f"{what} {', '.join(names)}" for what, names in
             (("missing", missing), ("unexpected", extra), ("twice", twice)) if names]  # fmt: skip
    if not parts and by_position and list(found) != list(expected):
        parts = ["columns in another order"]
    if not parts:
        return None
    return f"{'; '.join(parts)}: found {', '.join(found)}, expected {', '.join(expected)}"


def type_problems(declared: Mapping[str, Type], kinds: Mapping[str, str]) -> Iterator[str]:
    """Columns whose delivered kind does not hold the declared type."""
    for name, kind in kinds.items():
        if name in declared and kind not in ACCEPTED[declared[name]]:
            expected = " or ".join(sorted(ACCEPTED[declared[name]] - {"wide decimal"}))
            yield f"column {name} holds {kind}, expected {expected} for {declared[name].name}"


def kind_in_spark(found: DataType) -> str:
    """The kind of a Spark type: boolean, integer, float, decimal, wide decimal, string, date, timestamp, or itself."""
    name = found.simpleString()
    kinds = {
        "boolean": "boolean", "tinyint": "integer", "smallint": "integer", "int": "integer", "bigint": "integer",
        "float": "float", "double": "float", "string": "string", "date": "date", "timestamp": "timestamp",
        "timestamp_ntz": "timestamp",
    }  # fmt: skip
    if name.startswith("decimal("):
        return _decimal_kind(*map(int, name[8:-1].split(",")))
    return "string" if name.startswith(("varchar", "char")) else kinds.get(name, name)


def kind_in_arrow(found: pa.DataType) -> str:
    """The kind of an Arrow type, as `kind_in_spark`."""
    if pa.types.is_dictionary(found):
        return kind_in_arrow(found.value_type)
    if pa.types.is_decimal(found):
        return _decimal_kind(found.precision, found.scale)
    tests = {
        "boolean": pa.types.is_boolean, "float": pa.types.is_floating, "string": _is_text, "date": pa.types.is_date,
        "timestamp": pa.types.is_timestamp, "integer": _is_integer,
    }  # fmt: skip
    return next((kind for kind, test in tests.items() if test(found)), str(found))


def _decimal_kind(precision: int, scale: int) -> str:
    fits = scale <= 2 and precision - scale <= 16  # DECIMAL(18,2)
    return "decimal" if fits else "wide decimal"


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found))


def _is_integer(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found)) and not pa.types.is_uint64(found)
