"""Units within a customer: their features from events, in one scan and one shuffle for all units and as-of dates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract import columns as contract
from strata.contract.columns import Type
from strata.contract.feature_tables import units as unit_table
from strata.expression import Expression, Name, compile_expression
from strata.expression.spark import to_column
from strata.features.as_of import KEYS
from strata.features.cells import build_cells, with_names
from strata.features.merging import finished, measures_of, merge_days, merge_spans, spans_of
from strata.features.recipes import Merge
from strata.features.snapshot import with_expressions
from strata.features.tiles import Key, Measure, Partial, TilePlan, joined_names, plan_tiles
from strata.project.models import Feature, Project
from strata.project.names import AS_OF_NAMES, feature_columns, names_of_events, names_of_features
from strata.project.units import Unit

# No column of a project begins with an underscore.
_UNIT, _UNIT_ID = "_unit", "_unit_id"
_OF_UNIT = (_UNIT, _UNIT_ID)


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """What the units of a project are made of.

    Attributes:
        units: as declared.
        conditions: unit -> which events are of it; a unit of all events is not among them.
        cells: the partials and measures of their features; told apart by unit and its id.
        products, places: what conditions, ids and features read beside events, as name -> column.
        names: what their features and conditions may use: features of customers and of units.
        from_customers: the features of customers that expressions over units read.
    """

    units: tuple[Unit, ...]
    conditions: Mapping[str, Expression]
    cells: TilePlan
    products: Mapping[str, str]
    places: Mapping[str, str]
    names: Mapping[str, Name]
    from_customers: tuple[str, ...]

    @property
    def features(self) -> tuple[Feature, ...]:
        """Those of all units, as declared."""
        return self.cells.features


def plan_units(project: Project) -> UnitPlan:
    """What has to be read and merged for the units of `project`."""
    tiles = plan_tiles(replace(project, features=project.unit_features))
    of_events = names_of_events(project.sources)
    written = {u.name: u.condition for u in project.units if u.condition is not None}
    conditions = {name: compile_expression(text, of_events, Type.BOOLEAN) for name, text in written.items()}
    read = {*tiles.products, *tiles.places, *(u.of.words for u in project.units)}
    products, places = joined_names(read.union(*(c.names for c in conditions.values())), project.sources)
    names = names_of_features((*project.features, *project.unit_features))
    of_customers = names_of_features(project)
    return UnitPlan(
        units=project.units,
        conditions=conditions,
        cells=replace(tiles, keys={name: Key("events", name) for name in _OF_UNIT}, products={}, places={}),
        products=products,
        places=places,
        names=names,
        from_customers=tuple(sorted(_read_by_expressions(project.unit_features, names) & of_customers.keys())),
    )


def unit_columns(features: Iterable[Feature]) -> tuple[contract.Column, ...]:
    """The columns of features.units after the core ones; NULL in the rows of another unit."""
    return tuple(
        contract.column(c.type, c.description, unit=c.unit, nullable=True, personal=c.personal, name=str(c))
        for c in feature_columns(features)
    )


def build_units(
    silver: Mapping[str, DataFrame], plan: UnitPlan, as_ofs: Sequence[date], customers: DataFrame
) -> DataFrame:
    """Every unit with an event in its window, of every customer of the base.

    Args:
        silver: valid rows of `events`, and of `products` and `places` where the plan reads them.
        plan: the units and their features.
        as_ofs: the dates.
        customers: as_of_date, customer_id and `plan.from_customers`: the base of each date.

    Returns:
        The columns of `contract.feature_tables.units` and `unit_columns(plan.features)`; one row per as-of date,
        customer, unit and id. Counts and sums without an event are 0; features of other units are NULL.
    """
    cells = build_cells({"events": _events_of_units(silver, plan, as_ofs)}, plan.cells, by_customer=True)
    presence = [_presence(unit, merge) for unit in plan.units for merge in _FIRST_AND_LAST]
    measures = measures_of(plan.cells.plain(), plan.cells, *presence)
    spans = spans_of(measures, as_ofs)
    merged = merge_spans(merge_days(cells, _OF_UNIT, measures, spans), _OF_UNIT, measures, spans)
    dated = merged.withColumns({"from_date": _day(plan, "first"), "to_date": _day(plan, "last")})
    base = customers.select(*KEYS, *plan.from_customers)
    # A window of another unit may reach further back than this one's.
    own = dated.where(F.col("from_date").isNotNull()).join(base, list(KEYS), "inner")
    core = {"unit": F.col(_UNIT), "unit_id": F.col(_UNIT_ID)}
    named = own.withColumns(core).select(
        *map(str, unit_table.columns), *plan.from_customers, *(_finished(f, plan) for f in plan.cells.plain())
    )
    whole = with_expressions(named, plan.features, plan.names)
    return whole.select(*map(str, unit_table.columns), *(_of_its_unit(f).alias(f.name) for f in plan.features))


_FIRST_AND_LAST: tuple[Merge, Merge] = ("first", "last")


def _events_of_units(silver: Mapping[str, DataFrame], plan: UnitPlan, as_ofs: Sequence[date]) -> DataFrame:
    """The events that are of a unit, once for each they are of, with its name and id."""
    events = silver["events"]
    own = set(events.columns)
    # What a product or place decides is asked again behind the join, for as few events as can be.
    near = events.where(_any(_is_of(unit, plan, as_ofs, own) for unit in plan.units))
    named = with_names(near, silver, plan.products, plan.places)
    whole = set(named.columns)
    each = [
        F.when(
            _is_of(unit, plan, as_ofs, whole),
            F.struct(F.lit(unit.name).alias(_UNIT), F.col(unit.of.words).cast("string").alias(_UNIT_ID)),
        )
        for unit in plan.units
    ]
    return named.select(*named.columns, F.explode(F.array_compact(F.array(*each))).alias("_of")).select(
        *named.columns, "_of.*"
    )


def _is_of(unit: Unit, plan: UnitPlan, as_ofs: Sequence[date], known: set[str]) -> Column:
    """Whether an event may be of a unit in a window of one of the dates, as far as `known` columns tell."""
    day, condition = F.col("event_date"), plan.conditions.get(unit.name)
    holds = [(day > F.lit(min(as_ofs) - timedelta(days=unit.days))) & (day <= F.lit(max(as_ofs)))]
    if unit.of.words in known:
        holds.append(F.col(unit.of.words).isNotNull())
    if condition is not None and condition.names <= known:
        holds.append(to_column(condition))
    return reduce(Column.__and__, holds)


def _any(conditions: Iterable[Column]) -> Column:
    return reduce(Column.__or__, conditions)


def _presence(unit: Unit, merge: Merge) -> Measure:
    """The first or last day of a unit in its window."""
    return Measure(merge, Partial("n", None, Type.BIGINT, None), unit.days, 0)


def _day(plan: UnitPlan, merge: Merge) -> Column:
    of_each = [F.when(F.col(_UNIT) == unit.name, F.col(_presence(unit, merge).name)) for unit in plan.units]
    return F.coalesce(*of_each)


def _finished(feature: Feature, plan: UnitPlan) -> Column:
    measures = [F.col(m.name) for m in plan.cells.measures[feature.name]]
    return finished(feature, measures, plan.cells).alias(feature.name)


def _of_its_unit(feature: Feature) -> Column:
    return F.when(F.col("unit") == F.lit(feature.per), F.col(feature.name))


def _read_by_expressions(features: Iterable[Feature], names: Mapping[str, Name]) -> set[str]:
    texts = [f.of for f in features if f.kind == "expression" and f.of is not None]
    return {name for text in texts for name in compile_expression(text, {**AS_OF_NAMES, **names}).names}
