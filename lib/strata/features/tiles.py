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
from strata.project.names import PLACE_NAMES, PRODUCT_NAMES, events_extra, names_of_events

_SCALES: Mapping[Type, int] = {Type.MONEY: 2, Type.DOUBLE: 6}
_UNITS: Mapping[int, str] = {0: "", 2: "minor units", 6: "millionths"}
_WORDS: Mapping[PartialKind, str] = {"n": "Events with", "sum": "Sum of", "min": "Least", "max": "Greatest"}


@dataclass(frozen=True, slots=True)
class Partial:
    """A mergeable number per customer and day (and value): `kind` of the column `of` over events that fulfil `when`.

    Sums are whole numbers whatever they add up: money in minor units, doubles in millionths. Whole numbers add up to
    the same in every order, and money does so twice as fast as DECIMAL.
    """

    kind: PartialKind
    of: str | None
    of_type: Type
    when: Expression | None

    @property
    def name(self) -> str:
        """Name of its column in the tiles; the number of all events is there in any case."""
        if (self.kind, self.of, self.when) == ("n", None, None):
            return str(daily.event_count)
        return f"{self.kind}_{self.of or 'events'}" + (f"__{self.condition_id}" if self.when else "")

    @property
    def condition_id(self) -> str:
        """Hash of the condition, the same however it is written; empty without one."""
        return hashlib.sha256(self.when.canonical.encode()).hexdigest()[:8] if self.when else ""

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
        what = f"{_WORDS[self.kind]} {self.of}" if self.of else "Events"
        where = f" where {self.when.canonical}" if self.when else ""
        return column(
            Type.BIGINT if self.is_whole else Type.DOUBLE, what + where,
            unit="" if self.kind == "n" else _UNITS[self.scale],
            nullable=not counts_from_zero(merge_of(self.kind)), personal=Personal.BEHAVIOUR, name=self.name,
        )  # fmt: skip


def merge_of(kind: PartialKind) -> Merge:
    """How partials of this kind come together when tiles are rolled up: counts and sums add up."""
    return "sum" if kind == "n" else kind


@dataclass(frozen=True, slots=True)
class Measure:
    """Tiles of a window merged: of the days as_of-offset-days+1 ... as_of-offset, or of all when `days` is None."""

    merge: Merge
    partial: Partial
    days: int | None
    offset: int

    @property
    def name(self) -> str:
        """Column name, the same for every feature that needs this number."""
        return f"{self.merge}__{self.partial.name}__{self.days or 'all'}_{self.offset}"


@dataclass(frozen=True, slots=True)
class TilePlan:
    """What the tiles hold, where it comes from, and which features are merged from it.

    Attributes:
        features: every feature of the project, as declared.
        measures: feature -> what it is finished from; of attributes and expressions: nothing.
        presence: feature with `by ... keep` -> what says that a customer has a value: events that it is about.
        partials: every partial but the number of all events, by name.
        by: columns of `by` features: cells are per customer, day and value of these.
        products, places: what partials and `by` read beside events, as name -> column of products or places.
        kept: feature with `by ... keep` -> its values, most customers first; filled by `keep_values`.
    """

    features: tuple[Feature, ...]
    measures: Mapping[str, tuple[Measure, ...]]
    presence: Mapping[str, Measure]
    partials: tuple[Partial, ...]
    by: tuple[str, ...]
    products: Mapping[str, str]
    places: Mapping[str, str]
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def measured(self, *, by: bool) -> tuple[Feature, ...]:
        """The features merged from tiles: those with `by`, or those without."""
        return tuple(f for f in self.features if self.measures[f.name] and (f.by is not None) == by)

    def daily_partials(self) -> tuple[Partial, ...]:
        """The partials that features without `by` need."""
        needed = {m.partial.name for f in self.measured(by=False) for m in self.measures[f.name]}
        return tuple(p for p in self.partials if p.name in needed)


def plan_tiles(project: Project) -> TilePlan:
    """The distinct partials and columns that the features of `project` need."""
    names = names_of_events(project.sources)
    measures = {f.name: tuple(_measure(f, i, names) for i in recipe(f)) for f in project.features}
    presence = {f.name: _measure(f, PRESENCE, names) for f in project.features if f.keep is not None}
    used = [*(m for listed in measures.values() for m in listed), *presence.values()]
    partials = {m.partial.name: m.partial for m in used}
    partials.pop(str(daily.event_count), None)
    by = tuple(sorted({f.by for f in project.features if f.by is not None}))
    own = {*map(str, events.columns), *map(str, events_extra(project.sources))}
    joined = sorted({*by, *_columns_read(partials.values())} - own)
    return TilePlan(
        features=project.features,
        measures=measures,
        presence=presence,
        partials=tuple(partials[name] for name in sorted(partials)),
        by=by,
        products={name: str(PRODUCT_NAMES[name]) for name in joined if name in PRODUCT_NAMES},
        places={name: str(PLACE_NAMES[name]) for name in joined if name not in PRODUCT_NAMES},
    )


def tile_columns(plan: TilePlan) -> tuple[Column, ...]:
    """The columns of features.daily after customer_id, event_date and event_count."""
    return tuple(p.column for p in plan.daily_partials())


def cell_columns(plan: TilePlan) -> tuple[Column, ...]:
    """The columns of features.pairs after customer_id, event_date and event_count: values, then every partial."""
    return (*map(_by_column, plan.by), *(p.column for p in plan.partials))


def _by_column(name: str) -> Column:
    return column(
        Type.STRING, f"Value of {name}; NULL: events without", nullable=True, personal=Personal.BEHAVIOUR, name=name
    )


def _measure(feature: Feature, ingredient: Ingredient, names: Mapping[str, Name]) -> Measure:
    of = str(feature.of) if ingredient.of_column else None
    text = feature.condition if ingredient.filtered else None
    when = compile_expression(text, names, Type.BOOLEAN) if text else None
    of_type = names[of].type if of else Type.BIGINT
    return Measure(ingredient.merge, Partial(ingredient.kind, of, of_type, when), feature.days, feature.offset)


def _columns_read(partials: Iterable[Partial]) -> set[str]:
    return {name for p in partials for name in ({p.of} if p.of else set()) | (p.when.names if p.when else frozenset())}
