"""The words in which a table is declared once: columns, types, constraints.

A table is a class, a column one line of it. Everything else that needs the table (the Spark schema with its
comments, the checks of the gate, DATA_DICTIONARY.md, rows for tests) is rendered from that class.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Type(StrEnum):
    """What a column holds; the value is the Spark SQL name of the type."""

    BOOLEAN = "boolean"
    BIGINT = "bigint"
    MONEY = "decimal(18,2)"
    DOUBLE = "double"
    STRING = "string"
    DATE = "date"
    INSTANT = "timestamp"
    STRINGS = "array<string>"
    DOUBLES = "array<double>"
    VECTORS = "array<array<double>>"


class Personal(StrEnum):
    """How close a column is to a person; decides who may read it and what erasure must reach."""

    NO = "none"
    PSEUDONYM = "pseudonym"
    ATTRIBUTE = "attribute of a person"
    BEHAVIOUR = "behaviour of a person"
    RAW = "raw identifier or raw row"


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these."""

    values: tuple[str, ...]

    @property
    def description(self) -> str:
        """The limit in words."""
        return "one of " + ", ".join(self.values)


@dataclass(frozen=True, slots=True)
class Between:
    """The value lies between the two, ends included; None leaves an end open."""

    low: float | None
    high: float | None

    @property
    def description(self) -> str:
        """The limit in words."""
        low = "" if self.low is None else f"at least {self.low:g}"
        high = "" if self.high is None else f"at most {self.high:g}"
        return " and ".join(filter(None, (low, high)))


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole value matches the regular expression."""

    pattern: str
    description: str


Constraint = OneOf | Between | Matches

HEX_32 = Matches("^[0-9a-f]{32}$", "32 lower-case hex digits")
SHARE = Between(0, 1)
COUNT = Between(0, None)


class Column(str):
    """A column of a table: a string (its name) that knows its type, meaning and limits."""

    type: Type
    description: str
    unit: str
    nullable: bool
    constraints: tuple[Constraint, ...]
    personal: Personal

    def named(self, name: str) -> "Column":
        """The same declaration under `name`."""
        return column(
            self.type,
            self.description,
            *self.constraints,
            unit=self.unit,
            nullable=self.nullable,
            personal=self.personal,
            name=name,
        )


def column(
    type: Type,  # noqa: A002 - reads as a declaration: column(type, description, ...)
    description: str,
    *constraints: Constraint,
    unit: str = "",
    nullable: bool = False,
    personal: Personal = Personal.NO,
    name: str = "",
) -> Column:
    """Declare a column; inside a `Table` its name is the name of the attribute."""
    made = Column(name)
    made.type, made.description, made.unit = type, description, unit
    made.nullable, made.constraints, made.personal = nullable, constraints, personal
    return made


class Table:
    """A table of the lakehouse: subclass it, one line a column; the docstring says grain and caveats."""

    schema: ClassVar[str]
    grain: ClassVar[tuple[str, ...]]
    slice_by: ClassVar[str | None] = None
    partition_by: ClassVar[str | None] = None
    may_be_empty: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = ()

    def __init_subclass__(cls) -> None:
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}
        for name, value in declared.items():
            setattr(cls, name, value.named(name))
        cls.columns = tuple(getattr(cls, name) for name in declared)

    @classmethod
    def full_name(cls) -> str:
        """`schema.table`, as in the design."""
        return f"{cls.schema}.{cls.__name__}"


def extend(table: type[Table], extra: tuple[Column, ...]) -> type[Table]:
    """`table` with a project's own typed columns at its end.

    Raises:
        ValueError: an extension column has the name of a core column.
    """
    taken = sorted(set(extra) & set(table.columns))
    if taken:
        raise ValueError(f"{table.full_name()} already has a column {', '.join(taken)}")
    keep = ("schema", "grain", "slice_by", "partition_by", "may_be_empty")
    body: dict[str, object] = {name: getattr(table, name) for name in keep}
    body |= {str(c): c for c in (*table.columns, *extra)}
    return type(table.__name__, (Table,), {**body, "__doc__": table.__doc__})


def relocate(table: type[Table], schema: str, name: str | None = None) -> type[Table]:
    """The same columns and grain as `schema.name`; used for staging copies and per-source bronze tables."""
    moved = extend(table, ())
    moved.schema = schema
    moved.__name__ = name or table.__name__
    return moved
