"""features.yml: attributes, aggregates over events and windows, expressions over features."""

from dataclasses import dataclass, fields
from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.models import FeatureKind
from strata.project.names import DATED_TABLES
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
from strata.project.units import Unit
from strata.project.words import Text


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
    table: str = "events"
    share_at_least: float | None = None
    before: int | None = None
    periods: int | None = None
    at_least: int | None = None
    then: Text | None = None
    within: int | None = None
    to: Text | None = None
    per: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its features, one per window; `{value}` stays."""
        return tuple(self.name.replace("{days}", str(days)) for days in self.days) or (self.name,)

    def meaning(self) -> tuple[object, ...]:
        """Everything but its place and its words for people; equal for lines that compute the same."""
        parts = (getattr(self, part.name) for part in fields(self) if part.name not in ("where", "description"))
        return tuple(part.words if isinstance(part, Text) else part for part in parts)


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """features.yml as read; `publish` are the features let out to members.customer_features."""

    features: tuple[FeatureLine, ...]
    publish: tuple[str, ...]
    where: Location
    units: tuple[Unit, ...] = ()


_LONGEST_WINDOW = 3_650
_COMMON: dict[str, Field] = {
    "name": required(s.template),
    "kind": required(s.phrase),
    "unit": optional(s.phrase, ""),
    "description": required(s.phrase),
}
_WINDOW: dict[str, Field] = {
    **_COMMON,
    "from": optional(s.choice(*DATED_TABLES), "events", into="table"),
    "days": optional(one_or_many(s.whole(1, _LONGEST_WINDOW)), ()),
    "offset": optional(s.whole(1, _LONGEST_WINDOW), 0),
    "any_window": optional(s.boolean, False),
}
_ONE_ANSWER = {**_WINDOW, "where": optional(s.text, into="condition")}
_OVER_EVENTS = {
    **_ONE_ANSWER,
    "per": optional(s.name),
    "by": optional(s.name),
    "keep": optional(s.whole(1, 1_000)),
    "values": optional(list_of(s.phrase)),
}
_OF_COLUMN = {**_OVER_EVENTS, "of": required(s.text)}
_OF_VALUES = {**_ONE_ANSWER, "of": required(s.text)}
_AFTER_PAUSE = {
    **_ONE_ANSWER,
    "days": required(one_or_many(s.whole(1, _LONGEST_WINDOW))),
    "before": optional(s.whole(1, _LONGEST_WINDOW)),
}
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
    "distinct": _OF_VALUES,
    "top": {**_OF_VALUES, "share_at_least": optional(s.number(0, 1))},
    "last": _OF_VALUES,
    "stopped": _AFTER_PAUSE,
    "restarted": _AFTER_PAUSE,
    "regular": {
        **_ONE_ANSWER,
        "days": required(one_or_many(s.whole(1, _LONGEST_WINDOW))),
        "periods": required(s.whole(2, 60)),
        "at_least": required(s.whole(1, 60)),
    },
    "sequence": {
        **_WINDOW,
        "first": required(s.text, into="condition"),
        "then": required(s.text),
        "within": required(s.whole(0, _LONGEST_WINDOW)),
    },
    "distance_to": {**_COMMON, "to": required(s.text)},
    "attribute": {**_COMMON, "of": required(s.text)},
    "expression": {**_COMMON, "of": required(s.text), "per": optional(s.name)},
}

LINES: Reader[tuple[FeatureLine, ...]] = survivors(
    tagged(
        "a feature",
        "kind",
        {kind: record(f"{_ARTICLE.get(kind[0], 'a')} {kind} feature", _line, fields) for kind, fields in KINDS.items()},
    ),
    named="name",
)

UNITS: Reader[tuple[Unit, ...]] = survivors(
    record(
        "a unit",
        Unit,
        {
            "unit": required(s.identifier, into="name"),
            "of": required(s.text),
            "where": optional(s.text, into="condition"),
            "days": required(s.whole(1, _LONGEST_WINDOW)),
            "any_window": optional(s.boolean, False),
            "description": required(s.phrase),
        },
    ),
    named="unit",
)

FEATURES: Reader[FeatureFile] = record(
    "features.yml",
    FeatureFile,
    {
        "features": required(LINES),
        "publish": optional(tolerant(list_of(s.phrase), ()), ()),
        "units": optional(UNITS, ()),
    },
)
