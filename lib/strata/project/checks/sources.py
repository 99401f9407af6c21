"""Is a source's way into its silver table complete, and does every part of it exist and fit?"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from strata.contract.columns import Column, OneOf, Type
from strata.contract.silver import FED_TABLES, MANAGED
from strata.errors import Location, Problem
from strata.project.checks.expressions import Compiler
from strata.project.models import Mapped, Source
from strata.project.names import (
    EVENT_MANAGED,
    USABLE,
    delivered_types,
    names_of_events,
    names_of_fed,
    names_of_source,
)
from strata.project.notes import Notes
from strata.project.words import nearest, place_of

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
_PARSERS: Mapping[Type, Callable[[str], object]] = {
    Type.BIGINT: int,
    Type.MONEY: float,
    Type.DOUBLE: float,
    Type.DATE: date.fromisoformat,
}


def check_source(source: Source, compiler: Compiler) -> None:
    """Everything about one source; problems go to the compiler's notes."""
    notes = compiler.notes
    managed = (*MANAGED, *EVENT_MANAGED) if source.feeds == "events" else MANAGED
    core = {str(c): c for c in FED_TABLES[source.feeds].columns if c not in managed}
    _check_read(source, notes)
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
        _check_mapped(source, mapped, declared, compiler)
    notes.problems.extend(_missing(source, core.values()))
    if source.event_type is not None:
        compiler.compile(source.event_type, names_of_source(source), Type.STRING)
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


def _check_read(source: Source, notes: Notes) -> None:
    if source.read.format == "jdbc" and len({"dbtable", "query"} & set(source.read.options)) != 1:
        notes.add(source.read.where, "read of format jdbc needs either `dbtable` or `query`", "a table, or a query")


def _check_record(source: Source, notes: Notes) -> None:
    types = delivered_types(source)
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
    if kind is Type.BOOLEAN:
        return value in ("true", "false")
    try:
        _PARSERS.get(kind, str)(value)
    except ValueError:
        return False
    return True


def _with_unit(declared: Column) -> str:
    return f"{declared.type.name}{f' in {declared.unit}' if declared.unit else ''}"
