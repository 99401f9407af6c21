"""Features: lines become one feature per window, and every feature gets its type."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from strata.contract.columns import Type
from strata.errors import Location, Problem, ProjectError
from strata.expression import Name
from strata.project.checks.expressions import Compiler
from strata.project.checks.units import check_units, unit_problems
from strata.project.models import Feature
from strata.project.names import (
    AS_OF_NAMES,
    DATED_TABLES,
    USABLE,
    column_names,
    names_of_customers,
    names_of_dated,
    names_of_features,
    names_of_places,
    slug,
)
from strata.project.notes import Notes
from strata.project.order import order_features
from strata.project.scalars import NAME, RESERVED
from strata.project.shapes.features import FeatureFile, FeatureLine
from strata.project.sources import Source
from strata.project.units import Unit
from strata.project.words import place_of

NUMERIC = frozenset({Type.BIGINT, Type.MONEY, Type.DOUBLE})
WEEK = 7
_TAKEN = frozenset({"as_of_date", "customer_id", "release_id"})
_TAKEN_WITH_UNITS = frozenset({"unit", "unit_id", "from_date", "to_date"})


@dataclass(frozen=True, slots=True)
class Result:
    """What a kind of feature yields; `type` None: the type of the column it is `of`."""

    type: Type | None
    nullable: bool


RESULTS: Mapping[str, Result] = {
    "count": Result(Type.BIGINT, nullable=False),
    "active_days": Result(Type.BIGINT, nullable=False),
    "sum": Result(None, nullable=False),
    "min": Result(None, nullable=True),
    "max": Result(None, nullable=True),
    "mean": Result(Type.DOUBLE, nullable=True),
    "mean_gap": Result(Type.DOUBLE, nullable=True),
    "share": Result(Type.DOUBLE, nullable=True),
    "days_since": Result(Type.BIGINT, nullable=True),
    "first_on": Result(Type.DATE, nullable=True),
    "last_on": Result(Type.DATE, nullable=True),
    "distinct": Result(Type.BIGINT, nullable=False),
    "top": Result(None, nullable=True),
    "last": Result(None, nullable=True),
    "stopped": Result(Type.BOOLEAN, nullable=False),
    "restarted": Result(Type.BOOLEAN, nullable=False),
    "regular": Result(Type.BOOLEAN, nullable=False),
    "sequence": Result(Type.BIGINT, nullable=False),
    "distance_to": Result(Type.DOUBLE, nullable=True),
    "attribute": Result(None, nullable=True),
}
"""Kind -> result.

`share` is the sum of `of` over the events for which `where` holds, divided by its sum over all events of the window;
NULL when that is 0. `sequence` counts the days of the window with a `then` that came after a `first`: later on that
day, or up to `within` days later.
"""
OF_VALUES = frozenset({"distinct", "top", "last"})
"""Kinds that look at values rather than add them up."""
OF_NUMBERS = frozenset({"sum", "min", "max", "mean", "share"})
"""Kinds that may be `of` an expression over the columns of a row."""


def check_features(file: FeatureFile, sources: Sequence[Source], compiler: Compiler) -> tuple[Feature, ...]:
    """The features of a file, spread over their windows and typed; those with problems are noted and doubted.

    Those of customers and those per unit: the latter have the window of their unit, and an expression of theirs may
    use features of the same unit and of the customer.
    """
    notes = compiler.notes
    units = check_units(file, sources, compiler)
    spread = [feature for line in file.features for feature in _spread(line, units, notes)]
    compiler.per.update({f.name: f.per for f in spread if f.per})
    _check_names(spread, notes)
    unique = {feature.name: feature for feature in spread}
    customers = names_of_customers(sources)
    dated = {table: names_of_dated(table, sources) for table in DATED_TABLES}
    typed: dict[str, Feature] = {}
    for feature in _in_order(unique.values(), notes):
        if feature.kind == "expression":
            usable = [f for f in typed.values() if f.per in (None, feature.per)]
            done = _typed_expression(feature, {**AS_OF_NAMES, **names_of_features(usable)}, compiler)
        else:
            done = _typed_aggregate(
                feature, customers if feature.kind == "attribute" else dated[feature.table], compiler
            )
        if done is None:
            notes.doubt(feature.name.replace("{value}", "*"))
        else:
            typed[feature.name] = done
    return tuple(typed[name] for name in unique if name in typed)


def _in_order(features: Iterable[Feature], notes: Notes) -> tuple[Feature, ...]:
    """Dependencies first; when there is a circle it is noted, and the expressions are left out."""
    listed = tuple(features)
    try:
        return order_features(listed)
    except ProjectError as error:
        notes.extend(error)
        for feature in listed:
            if feature.kind == "expression":
                notes.doubt(feature.name)
        return tuple(feature for feature in listed if feature.kind != "expression")


def _spread(line: FeatureLine, units: Mapping[str, Unit], notes: Notes) -> Iterator[Feature]:
    problems = [*_line_problems(line), *unit_problems(line)]
    notes.problems.extend(problems)
    if line.per and not problems and not notes.expect_known(line.per, units, "unit"):
        notes.doubt(line.name)
        return
    window = (units[line.per].days,) if line.per and line.per in units else (None,)
    for days in line.days or window:
        name = line.name.replace("{days}", str(days)) if days else line.name
        if problems:
            notes.doubt(re.sub(r"\{\w*\}", "*", name))
            continue
        yield Feature(
            name=name, kind=line.kind, type=Type.DOUBLE, nullable=True, of=line.of, condition=line.condition,
            days=days, offset=line.offset, by=line.by, keep=line.keep, values=line.values, unit=line.unit,
            description=line.description, where=line.where, table=line.table, share_at_least=line.share_at_least,
            before=line.before, periods=line.periods, at_least=line.at_least, then=line.then, within=line.within,
            to=line.to, per=line.per,
        )  # fmt: skip


def _line_problems(line: FeatureLine) -> Iterator[Problem]:
    where = place_of(line.name) or line.where
    held = set(re.findall(r"\{(\w*)\}", line.name))
    for unknown in sorted(held - {"days", "value"}):
        yield Problem(where, f"found {{{unknown}}} in a name, expected {{days}} or {{value}}")
    if "days" in held and not line.days:
        yield Problem(where, "{days} in the name without `days`", "add days: [28, 84]")
    if len(line.days) > 1 and "days" not in held:
        yield Problem(where, f"{len(line.days)} windows would share the name `{line.name}`", "put {days} into the name")
    if ("value" in held) != (line.by is not None):
        yield Problem(where, "{value} in the name and `by` belong together", 'for example name: "spend_{value}_182d"')
    if line.by is not None and (line.keep is None) == (line.values is None):
        yield Problem(where, "`by` needs either `keep` or `values`", "how many of the most frequent values, or which")
    if line.by is None and (line.keep or line.values):
        yield Problem(where, "`keep` and `values` belong to `by`", "add by: <column>")
    if line.offset and not line.days:
        yield Problem(where, "`offset` without `days`", "the whole history cannot be moved")
    if line.periods and line.at_least and line.at_least > line.periods:
        yield Problem(where, f"found at_least: {line.at_least} of {line.periods} periods", "ask for fewer")
    yield from _window_problems(line, where)
    yield from _value_problems(line, where)


def _window_problems(line: FeatureLine, where: Location) -> Iterator[Problem]:
    for days in line.days:
        if days % WEEK and not line.any_window:
            below, above = days - days % WEEK, days - days % WEEK + WEEK
            near = f"{below} or {above}" if below else str(above)
            what = f"found a window of {days} days, expected a multiple of {WEEK}: {near}"
            yield Problem(where, what, "other windows follow the day of the week; any_window: true allows them")


def _value_problems(line: FeatureLine, where: Location) -> Iterator[Problem]:
    slugs: dict[str, str] = {}
    for value in line.values or ():
        first = slugs.setdefault(slug(value), value)
        if not slug(value):
            yield Problem(place_of(value) or where, f"`{value}` has no letter or digit to name a column by")
        elif first is not value:
            yield Problem(place_of(value) or where, f"`{value}` and `{first}` would share a column")


def _check_names(features: Sequence[Feature], notes: Notes) -> None:
    seen: dict[str, Feature] = {}
    taken = _TAKEN | _TAKEN_WITH_UNITS if any(feature.per for feature in features) else _TAKEN
    for feature in features:
        where = feature.where
        probe = feature.name.replace("{value}", "x")
        if probe in RESERVED or probe in taken or not NAME.fullmatch(probe):
            notes.add(where, f"`{feature.name}` cannot be the name of a column", "take another name")
        for name in {feature.name, *column_names(feature)}:
            first = seen.setdefault(name, feature)
            if first is not feature:
                notes.add(where, f"a second feature `{name}`, the first is at line {first.where.line}", "rename one")


def _typed_aggregate(feature: Feature, names: Mapping[str, Name], compiler: Compiler) -> Feature | None:
    """The feature with the type its kind yields; `names` are the columns it may be `of`."""
    notes, before = compiler.notes, len(compiler.notes.problems)
    result = RESULTS[feature.kind]
    kind = result.type
    for condition in (feature.condition, feature.then):
        if condition is not None:
            compiler.compile(condition, names, Type.BOOLEAN)
    if feature.to is not None:
        compiler.compile(feature.to, names_of_places(), Type.BOOLEAN)
    if feature.by is not None:
        _expect_words(feature.by, feature.table, names, notes)
    if feature.of is not None and feature.kind != "days_since":
        found = _type_of_value(feature, names, compiler)
        kind = kind or found
    if len(notes.problems) > before or kind is None:
        return None
    return replace(feature, type=kind, nullable=result.nullable)


def _type_of_value(feature: Feature, names: Mapping[str, Name], compiler: Compiler) -> Type | None:
    """The type of what a feature is `of`: a column, or a number computed from the columns of a row."""
    assert feature.of is not None
    if feature.kind not in OF_NUMBERS or NAME.fullmatch(feature.of.words):
        return _type_of_column(feature, names, compiler.notes)
    value = compiler.compile(feature.of, names, None)
    if value is None or value.type in NUMERIC:
        return value.type if value else None
    compiler.notes.add(feature.of.where, f"`{feature.of}` is {value.type.name}, {feature.kind} expects a number")
    return None


def _type_of_column(feature: Feature, names: Mapping[str, Name], notes: Notes) -> Type | None:
    """The type of the column a feature is `of`; notes when there is none, or none that the kind can use."""
    assert feature.of is not None
    table = "customers" if feature.kind == "attribute" else feature.table
    if not notes.expect_known(feature.of.words, names, f"column of {table}", feature.of.where):
        return None
    found = names[feature.of.words].type
    if feature.kind in OF_VALUES and found not in USABLE:
        notes.add(feature.of.where, f"`{feature.of}` is {found.name}, which features do not use", "take its day")
    if feature.kind not in OF_VALUES and table != "customers" and found not in NUMERIC:
        what = f"`{feature.of}` is {found.name}, {feature.kind} expects a number"
        notes.add(feature.of.where, what, "count, active_days, first_on and last_on need no number")
    return found


def _expect_words(column: str, table: str, names: Mapping[str, Name], notes: Notes) -> None:
    if notes.expect_known(column, names, f"column of {table}") and names[column].type is not Type.STRING:
        notes.add(place_of(column), f"`{column}` is {names[column].type.name}, `by` expects STRING")


def expect_number(feature: str, features: Mapping[str, Name], notes: Notes) -> None:
    """Note when there is no such feature, or when it is no number."""
    if notes.expect_known(feature, features, "feature") and features[feature].type not in NUMERIC:
        notes.add(place_of(feature), f"`{feature}` is {features[feature].type.name}, expected a number")


def _typed_expression(feature: Feature, names: Mapping[str, Name], compiler: Compiler) -> Feature | None:
    compiled = compiler.compile(feature.of, names, None) if feature.of else None
    return None if compiled is None else replace(feature, type=compiled.type, nullable=compiled.nullable)
