"""What the tiles must hold so that every feature of a project can be merged from them. Pure.

A partial is named after what it is, not after the feature that asks for it: `sum_amount__4f1c09ab` ends in a hash of
its condition. So features share partials, and a changed definition asks for another column, never for a stale one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from strata.contract.columns import Column, Personal, Type, column
from strata.contract.feature_tables import daily
from strata.contract.silver import events
from strata.expression import Expression, Name, compile_expression
from strata.features.recipes import PRESENCE, Ingredient, Merge, PartialKind, counts_from_zero, recipe
from strata.project.models import Feature, Project
from strata.project.names import PLACE_NAMES, PRODUCT_NAMES, events_extra, names_of_dated
from strata.project.recommendations import Recommendation
from strata.project.sources import Source
from strata.project.words import Text

MOMENT = "moment"
"""What a partial of the time within a day is `of`: microseconds since the day's midnight in UTC."""
_SCALES: Mapping[Type, int] = {Type.MONEY: 2, Type.DOUBLE: 6}
_UNITS: Mapping[int, str] = {0: "", 2: "minor units", 6: "millionths"}
_WORDS: Mapping[PartialKind, str] = {"n": "Events with", "sum": "Sum of", "min": "Least", "max": "Greatest"}


@dataclass(frozen=True, slots=True)
class Partial:
    """A mergeable number per customer and day (and value): `kind` of the column `of` over rows that fulfil `when`.

    Sums are whole numbers whatever they add up: money in minor units, doubles in millionths. Whole numbers add up to
    the same in every order, and money does so twice as fast as DECIMAL. `value`: what `of` stands for, where that is no
    column but computed from columns.
    """

    kind: PartialKind
    of: str | None
    of_type: Type
    when: Expression | None
    table: str = "events"
    value: Expression | None = None

    @property
    def name(self) -> str:
        """Name of its column in the tiles; the number of all events is there in any case."""
        of = self.of or "events"
        if self.table != "events":
            of = f"{self.table}_{self.of}" if self.of else self.table
        elif (self.kind, self.of, self.when) == ("n", None, None):
            return str(daily.event_count)
        return f"{self.kind}_{of}" + (f"__{self.condition_id}" if self.when else "")

    @property
    def condition_id(self) -> str:
        """Hash of the condition, the same however it is written; empty without one."""
        return _short(self.when) if self.when else ""

    @property
    def reads(self) -> frozenset[str]:
        """The columns that it is computed from."""
        value = self.value.names if self.value else frozenset({self.of} if self.of else ())
        return value | (self.when.names if self.when else frozenset())

    @property
    def is_whole(self) -> bool:
        """False for the least and greatest of doubles: these need no adding and stay doubles."""
        return self.of_type != Type.DOUBLE or self.kind in ("n", "sum")

    @property
    def scale(self) -> int:
        """Decimal places by which values of `of` are shifted to become whole numbers."""
        return _SCALES.get(self.of_type, 0) if self.is_whole else 0

    @property
    def column(self) -> Column:
        """The declaration of its column in the tiles; n and sum are 0 where there is nothing, min and max NULL."""
        rows = self.table.capitalize()
        of = self.value.canonical if self.value else self.of
        what = f"{_WORDS[self.kind]} {of}" if of else rows
        where = f" where {self.when.canonical}" if self.when else ""
        unit = "microseconds" if self.of == MOMENT else _UNITS[self.scale]
        return column(
            Type.BIGINT if self.is_whole else Type.DOUBLE, what + where, unit="" if self.kind == "n" else unit,
            nullable=not counts_from_zero(merge_of(self.kind)), personal=Personal.BEHAVIOUR, name=self.name,
        )  # fmt: skip


def merge_of(kind: PartialKind) -> Merge:
    """How partials of this kind come together when tiles are rolled up: counts and sums add up."""
    return "sum" if kind == "n" else kind


@dataclass(frozen=True, slots=True)
class Follow:
    """Whether on a day something came after something else: later on that day, or up to `within` days later.

    Attributes:
        first_at: the earliest moment of what comes first; NULL on days without it.
        then_at: the latest moment of what follows.
        within: days between the two, at most.
    """

    first_at: Partial
    then_at: Partial
    within: int

    @property
    def name(self) -> str:
        """Name of the column that is computed from tiles when they are read."""
        return f"follows__{self.first_at.name}__{self.then_at.name}__{self.within}"


@dataclass(frozen=True, slots=True)
class Measure:
    """Tiles of a window merged: of the days as_of-offset-days+1 ... as_of-offset, or of all when `days` is None."""

    merge: Merge
    partial: Partial | Follow
    days: int | None
    offset: int

    @property
    def base(self) -> str:
        """Name of what is merged over days that all windows treat alike; measures over other windows share it."""
        return f"{self.merge}__{self.partial.name}"

    @property
    def name(self) -> str:
        """Column name, the same for every feature that needs this number."""
        return f"{self.base}__{self.days or 'all'}_{self.offset}"

    @property
    def partials(self) -> tuple[Partial, ...]:
        """The columns of the tiles that it is merged from."""
        return (self.partial,) if isinstance(self.partial, Partial) else (self.partial.first_at, self.partial.then_at)


SEEN = Measure("first", Partial("n", None, Type.BIGINT, None), None, 0)
"""The first day with an event: who has one belongs to the base."""


@dataclass(frozen=True, slots=True)
class Key:
    """A column by whose values cells are told apart, as text."""

    table: str
    column: str

    @property
    def name(self) -> str:
        """Its name in features.pairs."""
        return self.column if self.table == "events" else f"{self.table}_{self.column}"


@dataclass(frozen=True, slots=True)
class TilePlan:
    """What the tiles hold, where it comes from, and which features are merged from it.

    Attributes:
        features: every feature of the project, as declared.
        measures: feature -> what it is finished from; of attributes and expressions: nothing.
        presence: feature with `by ... keep` -> what says that a customer has a value: events that it is about.
        tables: the silver tables that tiles are made from, events first: they decide which tiles there are.
        partials: every partial but the number of all events, by name.
        keys: feature or recommendation that looks at values -> the column it looks at.
        products, places: what partials and keys read beside events, as name -> column of products or places.
        kept: feature with `by ... keep` -> its values, most customers first; filled by `keep_values`.
    """

    features: tuple[Feature, ...]
    measures: Mapping[str, tuple[Measure, ...]]
    presence: Mapping[str, Measure]
    tables: tuple[str, ...]
    partials: tuple[Partial, ...]
    keys: Mapping[str, Key]
    products: Mapping[str, str]
    places: Mapping[str, str]
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def by(self) -> tuple[str, ...]:
        """The columns by which cells are told apart, beside customer and day."""
        return tuple(sorted({key.name for key in self.keys.values()}))

    def plain(self) -> tuple[Feature, ...]:
        """The features merged from days."""
        return tuple(f for f in self.features if self.measures[f.name] and f.name not in self.keys)

    def spread(self) -> tuple[Feature, ...]:
        """The features with a column per value."""
        return tuple(f for f in self.features if f.by is not None)

    def chosen(self) -> tuple[Feature, ...]:
        """The features that count, choose or find a value: distinct, top, last."""
        return tuple(f for f in self.features if f.name in self.keys and f.by is None)

    def daily_partials(self) -> tuple[Partial, ...]:
        """The partials that features of days need."""
        needed = {p.name for f in self.plain() for m in self.measures[f.name] for p in m.partials}
        return tuple(p for p in self.partials if p.name in needed)


def plan_tiles(project: Project) -> TilePlan:
    """The distinct partials and columns that the features of `project` need."""
    measures = {f.name: tuple(_measure(f, i, project.sources) for i in recipe(f)) for f in project.features}
    presence = {f.name: _presence(f, project.sources) for f in project.features if f.keep is not None}
    used = [*(m for listed in measures.values() for m in listed), *presence.values()]
    partials = {p.name: p for m in used for p in m.partials}
    counted = [items_partial(r, project.sources) for r in project.recommendations]
    partials |= {p.name: p for p in counted}
    partials.pop(str(daily.event_count), None)
    keys = {f.name: Key(f.table, key) for f in project.features if (key := _key(f)) is not None}
    keys |= {f"recommendation.{r.name}": Key("events", r.of) for r in project.recommendations}
    asked = {key.column for key in keys.values() if key.table == "events"}
    asked |= {name for p in partials.values() if p.table == "events" for name in p.reads}
    products, places = joined_names(asked, project.sources)
    return TilePlan(
        features=project.features,
        measures=measures,
        presence=presence,
        tables=("events", *sorted({f.table for f in project.features} - {"events"})),
        partials=tuple(partials[name] for name in sorted(partials)),
        keys=keys,
        products=products,
        places=places,
    )


def joined_names(names: Iterable[str], sources: Iterable[Source]) -> tuple[dict[str, str], dict[str, str]]:
    """Of names that events are asked for those that are joined to them: name -> column of products, of places."""
    joined = sorted({*names} - {*map(str, events.columns), *map(str, events_extra(sources)), MOMENT})
    return (
        {name: str(PRODUCT_NAMES[name]) for name in joined if name in PRODUCT_NAMES},
        {name: str(PLACE_NAMES[name]) for name in joined if name not in PRODUCT_NAMES},
    )


def items_partial(recommendation: Recommendation, sources: Iterable[Source]) -> Partial:
    """The column of features.pairs that counts the events in which a customer had an item."""
    return Partial("n", None, Type.BIGINT, _compiled(recommendation.condition, names_of_dated("events", sources)))


def tile_columns(plan: TilePlan) -> tuple[Column, ...]:
    """The columns of features.daily after customer_id, event_date, event_month and event_count."""
    return tuple(p.column for p in plan.daily_partials())


def cell_columns(plan: TilePlan) -> tuple[Column, ...]:
    """The columns of features.pairs after customer_id, event_date, event_month and event_count: values, partials."""
    return (*map(_by_column, plan.by), *(p.column for p in plan.partials))


def _by_column(name: str) -> Column:
    return column(
        Type.STRING, f"Value of {name}; NULL: events without", nullable=True, personal=Personal.BEHAVIOUR, name=name
    )


def _key(feature: Feature) -> str | None:
    if feature.kind in ("distinct", "top", "last"):
        return str(feature.of)
    return feature.by


def _presence(feature: Feature, sources: Iterable[Source]) -> Measure:
    return Measure("sum", _measure(feature, PRESENCE, sources).partials[0], feature.days, feature.offset)


def _measure(feature: Feature, ingredient: Ingredient, sources: Iterable[Source]) -> Measure:
    names = names_of_dated(feature.table, sources)
    if ingredient.merge == "follows":
        return _follow(feature, ingredient, names)
    when = _compiled(feature.condition, names) if ingredient.filtered else None
    of, of_type, value = str(feature.of) if ingredient.of_column else None, Type.BIGINT, None
    if ingredient.merge == "latest":
        of, of_type = MOMENT, Type.INSTANT
    elif of in names:
        of_type = names[of].type
    elif of is not None and feature.of is not None:
        value = compile_expression(feature.of, names)
        of, of_type = f"value_{_short(value)}", value.type
    partial = Partial(ingredient.kind, of, of_type, when, feature.table, value)
    return Measure(ingredient.merge, partial, ingredient.days, ingredient.offset)


def _follow(feature: Feature, ingredient: Ingredient, names: Mapping[str, Name]) -> Measure:
    first_at = Partial("min", MOMENT, Type.INSTANT, _compiled(feature.condition, names), feature.table)
    then_at = Partial("max", MOMENT, Type.INSTANT, _compiled(feature.then, names), feature.table)
    return Measure("follows", Follow(first_at, then_at, feature.within or 0), ingredient.days, ingredient.offset)


def _short(expression: Expression) -> str:
    return hashlib.sha256(expression.canonical.encode()).hexdigest()[:8]


def _compiled(text: Text | None, names: Mapping[str, Name]) -> Expression | None:
    return compile_expression(text, names, Type.BOOLEAN) if text else None
