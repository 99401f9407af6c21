"""A value of one type as another: exact, or refused with a reason. Nothing raises on a bad value.

Every converter gives the converted value (NULL where it cannot be) and the reasons against it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.ingest.identity import trimmed

EARLIEST, LATEST = "1900-01-01", "2200-01-01"
"""A day outside of these (the end excluded) is taken for an error of the source."""

_WIDE = "decimal(38,18)"
_WITH_COMMA = r"^[+-]?([0-9]+|[0-9]{1,3}([ \u00a0\u202f][0-9]{3})+)(,[0-9]+)?([eE][+-]?[0-9]+)?$"
_DAY = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?$"
_ZONED = r"[0-9]\s*[Zz]$|:[0-9]{1,2}([.,][0-9]+)?\s*([+-][0-9].*|[A-Za-z]+/.*|(?i:utc|gmt).*)$"
"""A zone stands behind a time: 15-01-2024 ends with a year."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A value, and why it may not be used: reason -> condition under which it applies."""

    value: Column
    reasons: dict[str, Column]


def convert(
    value: Column, name: str, found: Type, wanted: Type, pattern: str | None = None, decimal: str = "."
) -> Converted:
    """`value` of type `found` as `wanted`.

    | found | wanted | value | converted | reason |
    |---|---|---|---|---|
    | STRING | BIGINT | ` 12 ` | 12 | |
    | STRING | BIGINT | `1.5` | NULL | name_not_bigint |
    | STRING | MONEY | `1,50` | NULL | name_not_money |
    | STRING, DOUBLE | MONEY | 1.505 | NULL | name_more_than_2_decimals |
    | DOUBLE | MONEY | 0.1 + 0.2 | 0.30 | |
    | STRING, DOUBLE | DOUBLE | NaN | NULL | name_not_double |
    | STRING | DATE | `2017-02-30` | NULL | name_not_date |
    | STRING | any | blank | NULL | |

    Args:
        value: a column.
        name: what its reasons begin with.
        found: its type.
        wanted: the type it becomes.
        pattern: of a day or moment in text; ISO 8601 without.
        decimal: the decimal mark of MONEY and DOUBLE in text, a point or a comma. With a comma, blanks may stand
            between thousands: `1 234,56`.
    """
    if found is Type.STRING:
        has_comma = decimal == "," and wanted in (Type.MONEY, Type.DOUBLE)
        text = _with_point(trimmed(value)) if has_comma else trimmed(value)
        return _from_text(text, name, wanted, pattern)
    if found is wanted and wanted is not Type.DOUBLE:
        return Converted(value, {})
    if wanted in (Type.DATE, Type.INSTANT) or (found, wanted) == (Type.BIGINT, Type.DOUBLE):
        return Converted(value.cast(wanted.value), {})
    if wanted is Type.STRING:
        return Converted(value.cast("string"), {})
    if (found, wanted) == (Type.DOUBLE, Type.MONEY):
        return _money_from_double(value, name)
    return _NUMBERS[wanted](value, name)


def out_of_range(value: Column, wanted: Type) -> Column:
    """True for a day or moment that is beyond what a source can mean."""
    low, high = (F.lit(day).cast(wanted.value) for day in (EARLIEST, LATEST))
    return (value < low) | (value >= high)


def _from_text(text: Column, name: str, wanted: Type, pattern: str | None) -> Converted:
    if wanted is Type.STRING:
        return Converted(text, {})
    if wanted in _NUMBERS:
        return _NUMBERS[wanted](text, name)
    parsed = _moment(text, wanted, pattern)
    return Converted(parsed, {f"{name}_not_{wanted.name.lower()}": text.isNotNull() & parsed.isNull()})


def _with_point(text: Column) -> Column:
    """A number that has a decimal comma with a point; any other text becomes one that is no number."""
    # Of 1.234 nobody knows whether it is a thousand or one, so that a point is refused.
    return F.when(~text.rlike(_WITH_COMMA), F.lit("no number")).otherwise(F.translate(text, ", \u00a0\u202f", "."))


def _moment(text: Column, wanted: Type, pattern: str | None) -> Column:
    if pattern:
        return F.try_to_timestamp(text, F.lit(pattern)).cast(wanted.value)
    # A bare year or a run of digits is a day for Spark; it is none for people.
    return F.when(text.rlike(_DAY), text).try_cast(wanted.value)


def names_a_zone(text: Column) -> Column:
    """True for a moment in text that says its own zone, so that it is no local time."""
    return trimmed(text).rlike(_ZONED)


def _money(value: Column, name: str) -> Converted:
    wide = value.try_cast(_WIDE)
    money = wide.try_cast(Type.MONEY.value)
    return _exact_money(value, money, money == wide, name)


def _money_from_double(value: Column, name: str) -> Converted:
    """A double is money when it is a number of cents but for binary residue: 0.1 + 0.2 is 0.30, 1.505 is refused.

    Sums of cents kept as doubles carry residues near 1e-16 in real deliveries (the Complete Journey has 27 such
    rows); a millionth is far above them and far below any price.
    """
    money = value.try_cast(Type.MONEY.value)
    return _exact_money(value, money, F.abs(money.cast("double") - value) < F.lit(1e-6), name)


def _exact_money(value: Column, money: Column, exact: Column, name: str) -> Converted:
    reasons = {
        f"{name}_not_money": value.isNotNull() & money.isNull(),
        f"{name}_more_than_2_decimals": money.isNotNull() & ~exact,
    }
    return Converted(F.when(exact, money), reasons)


def _double(value: Column, name: str) -> Converted:
    """Finite; -0.0 becomes 0.0, so that equal numbers are equal bits."""
    number = value.try_cast("double")
    finite = F.coalesce(F.abs(number) < F.lit(float("inf")), F.lit(False))
    return Converted(F.when(finite, number + F.lit(0.0)), {f"{name}_not_double": value.isNotNull() & ~finite})


def _bigint(value: Column, name: str) -> Converted:
    number = value.try_cast("bigint")
    return Converted(number, {f"{name}_not_bigint": value.isNotNull() & number.isNull()})


def _boolean(value: Column, name: str) -> Converted:
    truth = value.try_cast("boolean")
    return Converted(truth, {f"{name}_not_boolean": value.isNotNull() & truth.isNull()})


_NUMBERS: Mapping[Type, Callable[[Column, str], Converted]] = {
    Type.MONEY: _money,
    Type.DOUBLE: _double,
    Type.BIGINT: _bigint,
    Type.BOOLEAN: _boolean,
}
