"""What a project says of its sources, as frozen values: how they are opened, delivered, mapped to silver."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from strata.contract.columns import Column, Type
from strata.errors import Location
from strata.project.words import Text

Reader = Literal["csv", "json", "parquet", "delta", "jdbc", "table"]
Delivery = Literal["append", "snapshot", "changes"]
Moment = Literal["instant", "local", "date"]
Normaliser = Literal["plain", "msisdn", "email"]
Several = Literal["refuse", "greatest", "least"]


@dataclass(frozen=True, slots=True)
class Read:
    """How a source is opened; `options` are the reader's own (delimiter, encoding, url, dbtable, ...)."""

    format: Reader
    path: str | None
    options: Mapping[str, str]
    where: Location

    @property
    def decimal(self) -> str:
        """The decimal mark of numbers in text: a point, or a comma."""
        return self.options.get("decimal", ".")


@dataclass(frozen=True, slots=True)
class Deliver:
    """What a delivery means: rows to add, the whole state, or changes; and how far it is complete.

    An event more than `late_days` before the day the source was complete through before its batch is rejected.
    With `every_day` there are events on every day: a day without any is missing.
    """

    mode: Delivery
    ready_when: str | None
    late_days: int | None
    complete_through: date | Literal["latest", "always"]
    every_day: bool = False
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """One silver column: taken from a source column, or computed by an expression over source columns."""

    name: str
    source: str | None
    value: Text | None
    moment: Moment | None
    zone: str | None
    pattern: str | None
    recode: Mapping[str, str] | None
    identity: Normaliser | None
    where: Location


@dataclass(frozen=True, slots=True)
class Reject:
    """Rows for which the condition over mapped silver columns holds go to quarantine with this reason."""

    reason: str
    when: Text


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Wide sheets: each of `columns` becomes a record with its name and its value."""

    columns: tuple[str, ...]
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """Another file whose columns stand beside the delivered ones where the columns of `on` are equal.

    `on`: delivered column -> the file's. `several`: what becomes of rows of the file that say different things of one
    key: refused, or each column's greatest or least value counts.
    """

    name: str
    read: Read
    schema: Mapping[str, Type]
    on: Mapping[str, str]
    several: Several
    where: Location

    @property
    def columns(self) -> dict[str, Type]:
        """The columns that are looked up."""
        return {name: kind for name, kind in self.schema.items() if name not in self.on.values()}


@dataclass(frozen=True, slots=True)
class Source:
    """A delivered table and its way into one silver table; `event_types`: what `event_type` may give, () for any."""

    name: str
    description: str
    feeds: str
    read: Read
    schema: Mapping[str, Type]
    delivery: Deliver
    key: tuple[str, ...]
    event_type: Text | None
    columns: tuple[Mapped, ...]
    extra: tuple[tuple[Mapped, Column], ...]
    reject: tuple[Reject, ...]
    unpivot: Unpivot | None
    where: Location
    event_types: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()


def with_lookups(sources: Iterable[Source]) -> Iterator[Source]:
    """Everything that lands in bronze: sources, and the files of their lookups as sources."""
    for source in sources:
        yield source
        yield from (source_of(lookup, source) for lookup in source.lookups)


def source_of(lookup: Lookup, source: Source) -> Source:
    """The file of a lookup as a source that feeds nothing: it is found, read and landed like any other."""
    return replace(
        source, name=f"{source.name}_{lookup.name}", read=lookup.read, schema=lookup.schema,
        delivery=Deliver("append", None, None, "always"), key=tuple(lookup.on.values()), event_type=None, columns=(),
        extra=(), reject=(), unpivot=None, where=lookup.where, event_types=(), lookups=(),
    )  # fmt: skip
