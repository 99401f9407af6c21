"""Is a source's way into its silver table complete, and does every part of it exist and fit?"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from strata.contract.columns import Column, OneOf, Type
from strata.contract.silver import FED_TABLES, MANAGED
from strata.errors import Location, Problem
from strata.project.checks.deliveries import check_delivery, check_event_types, check_read
from strata.project.checks.expressions import Compiler
from strata.project.checks.lookups import check_lookups
from strata.project.landed import landing_problems
from strata.project.names import (
    EVENT_MANAGED,
    USABLE,
    delivered_types,
    names_of_events,
    names_of_fed,
    names_of_source,
    own_types,
)
from strata.project.notes import Notes
from strata.project.sources import Mapped, Moment, Source
from strata.project.words import mentioned, nearest, place_of

_QUOTED = re.compile(r"'[^']*'")
_MOMENTS = frozenset({Type.DATE, Type.INSTANT})
_NUMBERS = frozenset({Type.STRING, Type.BIGINT, Type.MONEY, Type.DOUBLE})
FITS: Mapping[Type, frozenset[Type]] = {
    Type.STRING: USABLE,
    Type.BIGINT: frozenset({Type.STRING, Type.BIGINT}),
    Type.MONEY: _NUMBERS,
    Type.DOUBLE: _NUMBERS,
    Type.BOOLEAN: frozenset({Type.STRING, Type.BOOLEAN}),
    Type.DATE: _MOMENTS | {Type.STRING},
    Type.INSTANT: _MOMENTS | {Type.STRING},
}
"""Silver type -> delivered types that become it without a map."""
_SHAPES: Mapping[Type, str] = {
    Type.STRING: r"(?s).*",
    Type.BOOLEAN: r"true|false",
    Type.BIGINT: r"[+-]?[0-9]+",
    Type.MONEY: r"[+-]?[0-9]{1,16}(\.[0-9]{1,2})?",
    Type.DOUBLE: r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    Type.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
"""What a value of `map:` looks like that Spark's strict cast takes; there is none for a moment."""
_RUNTIME_NAMES = frozenset({"file_path", "file_hash", "row_number", "record", "reasons"})
"""Columns that stand beside the mapped ones while a source is taken."""
_DATE_LETTERS: Mapping[str, str] = {"year": "y", "month": "ML", "day": "d"}
_ZONE_LETTERS = frozenset("VzOXxZ")
_READ_LETTERS = frozenset("GyMLdaHhKkmsS") | _ZONE_LETTERS
"""Letters of a `format:` by which Spark reads a moment; by weeks (Y, w, u, e), quarters and days of the year it does
not, or says nothing of the month."""


def check_source(source: Source, compiler: Compiler) -> None:
    """Everything about one source; problems go to the compiler's notes."""
    notes = compiler.notes
    managed = (*MANAGED, *EVENT_MANAGED) if source.feeds == "events" else MANAGED
    core = {str(c): c for c in FED_TABLES[source.feeds].columns if c not in managed}
    check_read(source, notes)
    notes.problems.extend(landing_problems(source))
    check_lookups(source, notes)
    _check_record(source, notes)
    for mapped in source.columns:
        if mapped.name in managed:
            hint = "write it as `event_type:` beside `columns:`" if mapped.name == "event_type" else "remove it"
            notes.add(mapped.where, f"`{mapped.name}` is filled by strata and cannot be mapped", hint)
        elif mapped.name not in core:
            notes.add(mapped.where, f"silver.{source.feeds} has no column `{mapped.name}`", nearest(mapped.name, core))
        else:
            _check_mapped(source, mapped, core[mapped.name], compiler)
    for mapped, declared in source.extra:
        if declared in FED_TABLES[source.feeds].columns:
            what = f"silver.{source.feeds} has a column `{declared}` already"
            notes.add(mapped.where, what, "map it in `columns:`, or take another name")
        if declared in _RUNTIME_NAMES:
            notes.add(mapped.where, f"`{declared}` is a name that strata uses while it reads", "take another name")
        _check_mapped(source, mapped, declared, compiler)
    notes.problems.extend(_identity_elsewhere(source))
    notes.problems.extend(_missing(source, core.values()))
    check_delivery(source, notes)
    event_type = None
    if source.event_type is not None:
        event_type = compiler.compile(source.event_type, names_of_source(source), Type.STRING)
    check_event_types(source, event_type, notes)
    for rule in source.reject:
        compiler.compile(rule.when, names_of_fed(source), Type.BOOLEAN)


def check_extras(sources: Iterable[Source], notes: Notes) -> None:
    """Sources that declare the same extra column mean the same; none hides a column that events are joined with."""
    joined = set(names_of_events(()))
    seen: dict[tuple[str, str], Column] = {}
    for source in sources:
        for mapped, declared in source.extra:
            first = seen.setdefault((source.feeds, declared), declared)
            if (first.type, first.unit) != (declared.type, declared.unit):
                what = f"extra column `{declared}` is {_with_unit(declared)} here and {_with_unit(first)} elsewhere"
                notes.add(mapped.where, what, "declare it alike, or take another name")
            if source.feeds == "events" and declared in joined and declared not in FED_TABLES["events"].columns:
                notes.add(mapped.where, f"`{declared}` is a column of products or places", "take another name")


def _check_record(source: Source, notes: Notes) -> None:
    types = own_types(source)
    for key in source.key:
        notes.expect_known(key, types, "column in the schema")
    if source.unpivot is None:
        return
    for column in source.unpivot.columns:
        notes.expect_known(column, source.schema, "column in the schema")
    spread = {source.schema[c] for c in source.unpivot.columns if c in source.schema}
    if len(spread) > 1:
        found = ", ".join(sorted(t.name for t in spread))
        notes.add(place_of(source.unpivot.value), f"unpivoted columns have the types {found}, expected one")
    if source.unpivot.name not in source.key:
        hint = f"add `{source.unpivot.name}` to `key`"
        notes.add(place_of(source.unpivot.name), "the records of one row would share their key", hint)


def _check_mapped(source: Source, mapped: Mapped, target: Column, compiler: Compiler) -> None:
    notes, types = compiler.notes, delivered_types(source)
    if (mapped.source is None) == (mapped.value is None):
        notes.add(mapped.where, f"`{mapped.name}` needs either `from` or `value`", "a source column, or an expression")
    elif mapped.value is not None:
        if target.type in USABLE:
            compiler.compile(mapped.value, names_of_source(source), target.type)
        else:
            notes.add(mapped.value.where, f"`{mapped.name}` is a moment, expected `from` and `type`", "take it `from`")
    elif mapped.source is None or not notes.expect_known(mapped.source, types, "column in the schema"):
        pass
    elif mapped.recode is None and types[mapped.source] not in FITS[target.type] | {target.type}:
        what = f"`{mapped.source}` is {types[mapped.source].name}, which does not become {target.type.name}"
        notes.add(place_of(mapped.source), what, "map its values with `map:`, or compute it with `value:`")
    notes.problems.extend(_moment(mapped, target, types))
    notes.problems.extend(_recode(mapped, target))
    notes.problems.extend(_identity(mapped, target))


def _moment(mapped: Mapped, target: Column, types: Mapping[str, Type]) -> Iterator[Problem]:
    is_moment = target.type in _MOMENTS and mapped.source is not None
    certain = types.get(mapped.source or "") is Type.DATE and target.type is Type.DATE
    if is_moment and mapped.moment is None and not certain:
        hint = "instant: an absolute moment; local: a time in `zone`; date: a day, never shifted"
        yield Problem(mapped.where, f"`{mapped.name}` needs the key `type`", hint)
    if mapped.moment and not is_moment:
        yield Problem(mapped.where, f"`type: {mapped.moment}` on `{mapped.name}`, which is no moment", "remove it")
    if mapped.moment == "local" and mapped.zone is None:
        yield Problem(mapped.where, f"`{mapped.name}` needs the key `zone`", "for example zone: Europe/Kyiv")
    if mapped.zone and mapped.moment != "local":
        yield Problem(place_of(mapped.zone), "`zone` without `type: local`", "remove `zone`, or write type: local")
    if mapped.pattern and not mapped.moment:
        yield Problem(place_of(mapped.pattern), "`format` without `type`", "a format is for text that holds a moment")
    if mapped.pattern and mapped.moment:
        for what, hint in _pattern(mapped.pattern, mapped.moment):
            yield Problem(place_of(mapped.pattern), what, hint)


def _pattern(pattern: str, moment: Moment) -> Iterator[tuple[str, str]]:
    """What is wrong with a format, and what to do: every moment has a day that is read from its text."""
    unquoted = _QUOTED.sub("", pattern)
    letters = {c for c in unquoted if c.isalpha()}
    if "'" in unquoted:
        yield "`format` opens a quote that it does not close", "write '' for one apostrophe"
    if unread := sorted(letters - _READ_LETTERS):
        what = f"`format` has {', '.join(f'`{c}`' for c in unread)}, by which no day is read"
        yield what, "for example dd.MM.yyyy HH:mm:ss; put words in single quotes"
    missing = [part for part, any_of in _DATE_LETTERS.items() if not letters & set(any_of)]
    if missing:
        yield f"`format` has no {' and no '.join(missing)}", "for example dd.MM.yyyy HH:mm:ss"
    if letters & set("hK") and "a" not in letters:
        yield "`format` has hours up to 12 without `a` (AM or PM)", "write HH for hours up to 24"
    if letters & _ZONE_LETTERS and moment != "instant":
        yield f"`format` names a zone, but a {moment} moment has none", "write type: instant"


def _recode(mapped: Mapped, target: Column) -> Iterator[Problem]:
    if mapped.recode is None:
        return
    if mapped.source is None:
        yield Problem(mapped.where, "`map` without `from`", "a map needs a source column")
    allowed = [value for limit in target.constraints if isinstance(limit, OneOf) for value in limit.values]
    for value in mapped.recode.values():
        if not _is_a(target.type, value):
            yield Problem(place_of(value), f"found `{value}`, expected {target.type.name}")
        elif allowed and value not in allowed:
            yield Problem(place_of(value), f"found `{value}`, expected one of {', '.join(allowed)}")


def _identity(mapped: Mapped, target: Column) -> Iterator[Problem]:
    if target == "customer_id" and mapped.identity is None:
        hint = "customer_id: {from: ..., identity: plain}, or msisdn, email"
        yield Problem(mapped.where, "`customer_id` needs the key `identity`", hint)
    if target != "customer_id" and mapped.identity is not None:
        yield Problem(place_of(mapped.identity), "only `customer_id` has an identity", "remove `identity`")
    if mapped.identity is not None and mapped.source is None:
        yield Problem(mapped.where, "`identity` needs `from`", "identities are made from a source column")


def _identity_elsewhere(source: Source) -> Iterator[Problem]:
    """A raw id becomes a pseudonym; in any other column it would be published as it came."""
    ids = {m.source.lower() for m in source.columns if m.identity is not None and m.source is not None}
    mapped = [*source.columns, *(m for m, _ in source.extra)]
    taken = [m.source for m in mapped if m.source is not None and m.identity is None]
    uses = [(place_of(name), {name}) for name in taken]
    computed = [m.value for m in mapped if m.value is not None] + [e for e in (source.event_type,) if e is not None]
    uses += [(text.where, set(mentioned(text.words))) for text in computed]
    for where, names in uses:
        for name in sorted(n for n in names if n.lower() in ids):
            what = f"`{name}` holds ids of persons (`identity`), which may be used nowhere else but in `key`"
            yield Problem(where, what, "remove it: as `customer_id` it is a pseudonym")


def _missing(source: Source, core: Iterable[Column]) -> Iterator[Problem]:
    mapped = {m.name for m in source.columns}
    dated = {"valid_from"} if source.feeds == "customers" else set()
    lacking = [str(c) for c in core if not c.nullable and c not in mapped | dated]
    if lacking:
        what = f"silver.{source.feeds} needs {', '.join(f'`{name}`' for name in lacking)}, which nothing is mapped to"
        yield Problem(source.where, what, "map it in `columns:`")
    if (source.feeds == "events") != (source.event_type is not None):
        where: Location = source.event_type.where if source.event_type else source.where
        needs = "a source of events needs the key `event_type`"
        yield Problem(where, needs if source.feeds == "events" else "only a source of events has an `event_type`")


def _is_a(kind: Type, value: str) -> bool:
    if kind not in _SHAPES or not re.fullmatch(_SHAPES[kind], value):
        return False
    if kind is Type.DATE:
        return _is_day(value)
    if kind is Type.BIGINT:
        return -(2**63) <= int(value) < 2**63
    return kind is not Type.DOUBLE or math.isfinite(float(value))


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _with_unit(declared: Column) -> str:
    return f"{declared.type.name}{f' in {declared.unit}' if declared.unit else ''}"
