"""offers.yml, quality.yml and privacy.yml."""

from collections.abc import Mapping
from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.policies import (
    METRICS,
    PROTECTED,
    SPECIAL_CATEGORIES,
    USUAL_HISTORY,
    Check,
    History,
    Privacy,
    Purpose,
    Recipient,
)
from strata.project.reading import (
    Reader,
    keyed,
    list_of,
    mapping_of,
    optional,
    plain_record,
    record,
    required,
    survivors,
    tolerant,
    wrapped,
)

CELL_FLOOR, AUDIENCE_FLOOR, SEED_FLOOR = 10, 100, 100
_MOST = 10**9

OFFERS: Reader[Mapping[str, str]] = wrapped("offers.yml", "offers", mapping_of(s.name, s.phrase))


def _check(check: str, where: Location, **values: object) -> Check:
    return Check(name=check, where=where, **values)  # type: ignore[arg-type]


_CHECK = record(
    "a check",
    _check,
    {
        "check": required(s.name),
        "table": required(s.phrase),
        "expect": required(s.expectation),
        "with": optional(mapping_of(s.phrase, s.anything), {}, into="arguments"),
        "severity": required(s.choice("fail", "warn", "info")),
    },
)

_ON_DRIFT = s.choice("fail", "warn", "info", "off")
_HISTORY = plain_record(
    "history",
    History,
    {
        "drift": optional(_ON_DRIFT, "warn"),
        "gross": optional(_ON_DRIFT, "fail"),
        "tolerance": optional(mapping_of(s.choice(*METRICS), s.number(0, _MOST)), {}),
        "except": optional(list_of(s.phrase), (), into="leave"),
        "days": optional(mapping_of(s.name, list_of(s.calendar_day)), {}),
    },
)

QUALITY: Reader[tuple[tuple[Check, ...], History]] = plain_record(
    "quality.yml",
    lambda checks, history: (checks, history),
    {
        "checks": optional(survivors(_CHECK, named="check"), ()),
        "history": optional(tolerant(_HISTORY, USUAL_HISTORY), USUAL_HISTORY),
    },
)


def _purpose(name: str, basis: str, description: str, where: Location) -> Purpose:
    del where
    return Purpose(name, basis, description)  # type: ignore[arg-type]


def _recipient(where: Location, **values: Any) -> Recipient:
    del where
    return Recipient(**values)


def _privacy(purposes: tuple[Purpose, ...], floors: Mapping[str, int], **others: Any) -> Privacy:
    return Privacy(purposes, **{**floors, **others})


_PURPOSE = {"basis": required(s.choice("consent", "legitimate_interest")), "description": required(s.phrase)}
_RECIPIENT = {
    "description": required(s.phrase),
    "audiences": required(list_of(s.pattern)),
    "ids": required(s.choice("pseudonym", "source")),
    "purposes": required(list_of(s.name)),
}
_FLOORS = {
    "cell": optional(s.whole(CELL_FLOOR, _MOST), CELL_FLOOR, into="cell_floor"),
    "audience": optional(s.whole(AUDIENCE_FLOOR, _MOST), AUDIENCE_FLOOR, into="audience_floor"),
    "seed": optional(s.whole(SEED_FLOOR, _MOST), SEED_FLOOR, into="seed_floor"),
}

PRIVACY: Reader[Privacy] = plain_record(
    "privacy.yml",
    _privacy,
    {
        "purposes": optional(keyed("a purpose", s.name, _purpose, _PURPOSE), ()),
        "floors": optional(tolerant(plain_record("floors", dict, _FLOORS), {}), {}),
        "special_categories": optional(tolerant(mapping_of(s.choice(*SPECIAL_CATEGORIES), s.phrase), {}), {}),
        "suppress": optional(list_of(s.text), ()),
        "protected": optional(list_of(s.name), PROTECTED),
        "recipients": optional(tolerant(keyed("a recipient", s.name, _recipient, _RECIPIENT), ()), ()),
    },
)
