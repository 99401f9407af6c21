"""Features with `by`: one column per value, from cells instead of days."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.features.as_of import KEYS
from strata.features.cells import DAY, merged_partial
from strata.features.merging import aged, finished, in_window, measures_of, merged
from strata.features.tiles import TilePlan
from strata.features.wide import value_columns
from strata.project.models import Feature

_BY, _VALUE = "by_column", "by_value"


def keep_values(cells: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> TilePlan:
    """The plan with the values that `by ... keep` features are spread over: those with most customers.

    Decided as of the latest date, so that the columns of all dates agree; a customer counts for a value when an event
    that the feature is about lies in its window. Of values with equally many customers the first by value is kept.
    The one action among the transforms: it brings a row per kept value to the driver, and nothing if none is to keep.
    """
    keeping = [f for f in plan.measured(by=True) if f.keep is not None]
    if not keeping:
        return plan
    counted = [_customers_per_value(cells, feature, plan, max(as_ofs)) for feature in keeping]
    rows = reduce(DataFrame.unionByName, counted).toArrow().to_pylist()
    rows.sort(key=lambda row: (-row["customers"], row["value"]))
    kept = {f.name: tuple(row["value"] for row in rows if row["feature"] == f.name) for f in keeping}
    return replace(plan, kept=kept)


def spread_features(cells: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame:
    """Measures of `by` features per customer, in one scan of the cells.

    Returns:
        as_of_date, customer_id and a map per column of `plan.by`: value -> measures. A row of a map per value that the
        customer has costs less than a conditional aggregate per value (measured: 150 values, a third of the time).
    """
    features = plan.measured(by=True)
    measures = measures_of(features, plan)
    tiles = aged(_by_value(cells, features, plan), measures, as_ofs)
    found = tiles.groupBy(*KEYS, _BY, _VALUE).agg(*map(merged, measures))
    entry = F.struct(_VALUE, F.struct(*(m.name for m in measures)))
    maps = [F.map_from_entries(F.collect_list(F.when(F.col(_BY) == by, entry))).alias(_map(by)) for by in plan.by]
    return found.groupBy(*KEYS).agg(*maps)


def spread_columns(feature: Feature, plan: TilePlan) -> tuple[Column, ...]:
    """The columns of a `by` feature over what `spread_features` returns."""
    found, measures = F.col(_map(str(feature.by))), plan.measures[feature.name]
    entries = {name: F.try_element_at(found, F.lit(value)) for value, name in value_columns(feature, plan).items()}
    return tuple(
        finished(feature, [entry[m.name] for m in measures], plan).alias(name) for name, entry in entries.items()
    )


def _customers_per_value(cells: DataFrame, feature: Feature, plan: TilePlan, as_of: date) -> DataFrame:
    """feature, value, customers: the `feature.keep` values with most customers as of the date."""
    present, by = plan.presence[feature.name], F.col(str(feature.by))
    tiles = aged(cells.where(by.isNotNull() & (F.col(present.partial.name) > 0)), [present], [as_of])
    pairs = tiles.where(in_window(present)).select("customer_id", by.alias("value")).distinct()
    counted = pairs.groupBy("value").agg(F.count(F.lit(1)).alias("customers"))
    most = counted.orderBy(F.desc("customers"), "value").limit(feature.keep or 0)
    return most.select(F.lit(feature.name).alias("feature"), "value", "customers")


def _by_value(cells: DataFrame, features: Iterable[Feature], plan: TilePlan) -> DataFrame:
    """Tiles per customer, day, by_column and by_value, of the values that are asked for; partitioned by customer."""
    partials = {m.partial.name: m.partial for f in features for m in plan.measures[f.name]}
    asked = {by: sorted({v for f in features if f.by == by for v in value_columns(f, plan)}) for by in plan.by}
    if len(plan.by) == 1:
        (by,) = plan.by
        keys = (*DAY, F.lit(by).alias(_BY), F.col(by).alias(_VALUE))
        return cells.where(F.col(by).isin(asked[by])).select(*keys, *partials).repartition("customer_id")
    pairs = F.explode(F.array(*(F.struct(F.lit(by).alias(_BY), F.col(by).alias(_VALUE)) for by in plan.by)))
    long = cells.select(*DAY, pairs.alias("pair"), *partials).select(*DAY, "pair.*", *partials)
    of_interest = reduce(Column.__or__, [(F.col(_BY) == by) & F.col(_VALUE).isin(asked[by]) for by in plan.by])
    grouped = long.where(of_interest).repartition("customer_id").groupBy(*DAY, _BY, _VALUE)
    return grouped.agg(*map(merged_partial, partials.values()))


def _map(by: str) -> str:
    return f"_values_of_{by}"
