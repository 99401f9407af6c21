"""sources/<source>.yml: how a delivered table is read, and its way into one silver table."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from strata.contract.columns import Column, Personal, Type, column
from strata.contract.silver import EVENT_LIMITS, FED_TABLES
from strata.errors import Location
from strata.project import scalars as s
from strata.project.notes import Notes
from strata.project.reading import (
    Field,
    Reader,
    keyed,
    list_of,
    mapping_of,
    optional,
    plain_record,
    record,
    required,
    tagged,
)
from strata.project.sources import Deliver, Lookup, Mapped, Read, Reject, Source, Unpivot
from strata.project.words import place_of
from strata.project.yaml import Node, Scalar

_TEXT_FILE = ("encoding", "lineSep", "multiLine")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "csv": (
        *_TEXT_FILE, "charToEscapeQuoteEscaping", "comment", "delimiter", "emptyValue", "escape", "header",
        "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace", "maxCharsPerColumn", "nullValue", "quote", "sep",
    ),
    "json": (
        *_TEXT_FILE, "allowComments", "allowNumericLeadingZeros", "allowSingleQuotes", "allowUnquotedFieldNames",
        "primitivesAsString",
    ),
    "parquet": (),
    "delta": ("versionAsOf",),
    "jdbc": (
        "customSchema", "dbtable", "driver", "fetchsize", "lowerBound", "numPartitions", "partitionColumn",
        "password_env", "query",
        "sessionInitStatement", "upperBound", "url", "user",
    ),
    "table": ("table",),
}  # fmt: skip
"""The options a reader takes, spelled as Spark spells them; `password_env` names an environment variable."""

_NEEDED = {"jdbc": ("url",), "table": ("table",)}


def _read(format: Any, where: Location, path: str | None = None, **options: str | None) -> Read:  # noqa: A002
    return Read(format, path, {key: value for key, value in options.items() if value is not None}, where)


_decimal_mark = s.scalar(
    "a decimal mark, a point or a comma", lambda node: node.words if node.words in (".", ",") else None,
    'in quotes: decimal: ","',
)  # fmt: skip


def _reader(format_name: str) -> Reader[Read]:
    fields = {"format": required(s.phrase)}
    if format_name not in _NEEDED:
        fields["path"] = required(s.phrase)
    for option in OPTIONS[format_name]:
        need = required if option in _NEEDED.get(format_name, ()) else optional
        fields[option] = need(option_text)
    if format_name == "csv":
        fields["decimal"] = optional(_decimal_mark)
    return record(f"read of format {format_name}", _read, fields)


def option_text(node: Node, notes: Notes) -> str:
    """The value of a reader's option: words as written; a quoted blank (a tabulator as delimiter) counts."""
    if isinstance(node, Scalar) and not node.plain and node.words:
        return node.words
    return s.phrase(node, notes)


def _through(node: Node, notes: Notes) -> date | str:
    if isinstance(node, Scalar) and node.words[:1].isdigit():
        return s.day(node, notes)
    return s.choice("latest", "always")(node, notes)


_DELIVERY = record(
    "delivery",
    Deliver,
    {
        "mode": required(s.choice("append", "snapshot", "changes")),
        "ready_when": optional(s.phrase),
        "late_days": optional(s.whole(0, 3_650)),
        "complete_through": optional(_through, "latest"),
        "every_day": optional(s.boolean, False),
    },
)


def _extra_type(node: Node, notes: Notes) -> tuple[Type, str | None]:
    """The type of an extra column, and how its moments are meant; `local` is an INSTANT delivered as local time."""
    if isinstance(node, Scalar) and node.words.lower() == "local":
        return Type.INSTANT, "local"
    kind = s.type_of(node, notes)
    return kind, {Type.INSTANT: "instant", Type.DATE: "date"}.get(kind)


def _extra(name: str, type: tuple[Type, Any], where: Location, **keys: Any) -> tuple[Mapped, Column]:  # noqa: A002
    kind, moment = type
    declared = column(kind, keys.pop("description"), unit=keys.pop("unit"), nullable=True, name=name)
    return Mapped(name=name, moment=moment, identity=None, where=where, **keys), declared


_FILLED: dict[str, Field] = {
    "from": optional(s.phrase, into="source"),
    "value": optional(s.text),
    "zone": optional(s.time_zone),
    "format": optional(s.phrase, into="pattern"),
    "map": optional(mapping_of(s.phrase, s.phrase), into="recode"),
}
_MAPPED = {
    **_FILLED,
    "type": optional(s.choice("instant", "local", "date"), into="moment"),
    "identity": optional(s.choice("plain", "msisdn", "email")),
}
_EXTRA = {
    **_FILLED,
    "type": required(_extra_type),
    "unit": optional(s.phrase, ""),
    "description": required(s.phrase),
}


_READ: Reader[Read] = tagged("read", "format", {name: _reader(name) for name in OPTIONS})
_LOOKUP = {
    "read": required(_READ),
    "schema": required(mapping_of(s.phrase, s.type_of)),
    "on": required(mapping_of(s.phrase, s.phrase)),
    "several": optional(s.choice("refuse", "greatest", "least"), "refuse"),
}
_PERSONAL = {"customers": Personal.ATTRIBUTE, "events": Personal.BEHAVIOUR}


def _source(
    source: str,
    feeds: str,
    columns: tuple[Mapped, ...],
    extra: tuple[tuple[Mapped, Column], ...],
    unpivot: Unpivot | None,
    **values: Any,
) -> Source:
    declared = tuple((mapped, _about(plain, feeds)) for mapped, plain in extra)
    mapped = (*columns, *_unpivoted(unpivot, feeds, {c.name for c in columns}))
    return Source(name=source, feeds=feeds, columns=mapped, extra=declared, unpivot=unpivot, **values)


def _unpivoted(unpivot: Unpivot | None, feeds: str, mapped: set[str]) -> Iterator[Mapped]:
    """The name and value columns of a wide sheet feed the silver columns of the same names by themselves."""
    for name in (unpivot.name, unpivot.value) if unpivot else ():
        if name in FED_TABLES[feeds].columns and name not in mapped:
            yield Mapped(
                name=name, source=name, value=None, moment=None, zone=None, pattern=None, recode=None, identity=None,
                where=place_of(name) or Location("", 1, 1),
            )  # fmt: skip


def _about(plain: Column, feeds: str) -> Column:
    limits = [EVENT_LIMITS[plain.type]] if feeds == "events" and plain.type in EVENT_LIMITS else []
    personal = _PERSONAL.get(feeds, Personal.NO)
    return column(
        plain.type, plain.description, *limits,
        unit=plain.unit, nullable=plain.nullable, personal=personal, name=str(plain),
    )  # fmt: skip


SOURCE: Reader[Source] = record(
    "a source",
    _source,
    {
        "source": required(s.name),
        "description": required(s.phrase),
        "feeds": required(s.choice(*FED_TABLES)),
        "read": required(_READ),
        "schema": required(mapping_of(s.phrase, s.type_of)),
        "delivery": required(_DELIVERY),
        "key": required(list_of(s.phrase)),
        "event_type": optional(s.text),
        "event_types": optional(list_of(s.phrase), ()),
        "columns": required(keyed("a column", s.name, Mapped, _MAPPED)),
        "extra": optional(keyed("an extra column", s.identifier, _extra, _EXTRA), ()),
        "reject": optional(
            list_of(plain_record("a reject rule", Reject, {"reason": required(s.name), "when": required(s.text)})), ()
        ),
        "lookups": optional(keyed("a lookup", s.name, Lookup, _LOOKUP), ()),
        "unpivot": optional(
            plain_record(
                "unpivot",
                Unpivot,
                {"columns": required(list_of(s.phrase)), "name": required(s.name), "value": required(s.name)},
            )
        ),
    },
)
