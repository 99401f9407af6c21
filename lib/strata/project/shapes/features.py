"""features.yml: attributes, aggregates over events and windows, expressions over features."""

from dataclasses import dataclass
from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.models import FeatureKind, Text
from strata.project.reading import (
    Field,
    Reader,
    list_of,
    one_or_many,
    optional,
    record,
    required,
    survivors,
    tagged,
    tolerant,
)


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """A line of features.yml: `days: [..]` not yet spread, the type not yet known."""

    name: str
    kind: FeatureKind
    where: Location
    description: str
    unit: str = ""
    of: Text | None = None
    condition: Text | None = None
    days: tuple[int, ...] = ()
    offset: int = 0
    any_window: bool = False
    by: str | None = None
    keep: int | None = None
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """features.yml as read; `publish` are the features let out to members.customer_features."""

    features: tuple[FeatureLine, ...]
    publish: tuple[str, ...]
    where: Location


_LONGEST_WINDOW = 3_650
_COMMON: dict[str, Field] = {
    "name": required(s.template),
    "kind": required(s.phrase),
    "unit": optional(s.phrase, ""),
    "description": required(s.phrase),
}
_OVER_EVENTS = {
    **_COMMON,
    "where": optional(s.text, into="condition"),
    "days": optional(one_or_many(s.whole(1, _LONGEST_WINDOW)), ()),
    "offset": optional(s.whole(1, _LONGEST_WINDOW), 0),
    "any_window": optional(s.boolean, False),
    "by": optional(s.name),
    "keep": optional(s.whole(1, 1_000)),
    "values": optional(list_of(s.phrase)),
}
_OF_COLUMN = {**_OVER_EVENTS, "of": required(s.text)}
_ARTICLE = {"a": "an", "e": "an"}


def _line(where: Location, **values: Any) -> FeatureLine:
    return FeatureLine(where=where, **values)


KINDS: dict[str, dict[str, Field]] = {
    "count": _OVER_EVENTS,
    "active_days": _OVER_EVENTS,
    "mean_gap": _OVER_EVENTS,
    "first_on": _OVER_EVENTS,
    "last_on": _OVER_EVENTS,
    "sum": _OF_COLUMN,
    "min": _OF_COLUMN,
    "max": _OF_COLUMN,
    "mean": _OF_COLUMN,
    "share": {**_OF_COLUMN, "where": required(s.text, into="condition")},
    "days_since": {**_OVER_EVENTS, "of": required(s.choice_text("first", "last"))},
    "attribute": {**_COMMON, "of": required(s.text)},
    "expression": {**_COMMON, "of": required(s.text)},
}

FEATURES: Reader[FeatureFile] = record(
    "features.yml",
    FeatureFile,
    {
        "features": required(
            survivors(
                tagged(
                    "a feature",
                    "kind",
                    {
                        kind: record(f"{_ARTICLE.get(kind[0], 'a')} {kind} feature", _line, fields)
                        for kind, fields in KINDS.items()
                    },
                ),
                named="name",
            )
        ),
        "publish": optional(tolerant(list_of(s.phrase), ()), ()),
    },
)
