"""Features with `by`: one column per value, from cells instead of days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.features.as_of import KEYS
from strata.features.cells import DAY, merged_partial
from strata.features.merging import aged, finished, in_window, measures_of, merged
from strata.features.tiles import Measure, TilePlan
from strata.features.wide import value_columns
from strata.project.models import Feature

_BY, _VALUE, _SLOT = "by_column", "by_value", "slot"


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


def spread_features(cells: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame | None:
    """Measures of `by` features per customer, in one scan and one shuffle of the cells.

    A pivot, because it finds the place of a value by hash: 150 look-ups in a map cost 2 to 3 times as much where
    customers have many of the values (measured: 1 M pairs of 15,000 customers).

    Returns:
        as_of_date, customer_id and a column per value and measure, for `spread_columns`; None when there is no value.
    """
    features = plan.measured(by=True)
    values = {by: sorted({v for f in features if f.by == by for v in value_columns(f, plan)}) for by in plan.by}
    slots = [(by, value) for by, listed in values.items() for value in listed]
    if not slots:
        return None
    measures = measures_of(features, plan)
    tiles = aged(_by_value(cells, features, values, plan), measures, as_ofs)
    found = tiles.groupBy(*KEYS, _BY, _VALUE).agg(*map(merged, measures))
    keyed = found.withColumn(_SLOT, F.concat_ws("=", _BY, _VALUE))
    wide = (
        keyed.groupBy(*KEYS).pivot(_SLOT, ["=".join(slot) for slot in slots]).agg(*(F.first(m.name) for m in measures))
    )
    return wide.toDF(*KEYS, *(_spread_name(by, value, m) for by, value in slots for m in measures))


def spread_columns(feature: Feature, plan: TilePlan) -> tuple[Column, ...]:
    """The columns of a `by` feature over what `spread_features` returns."""
    by, measures = str(feature.by), plan.measures[feature.name]
    return tuple(
        finished(feature, [F.col(_quoted(_spread_name(by, value, m))) for m in measures], plan).alias(name)
        for value, name in value_columns(feature, plan).items()
    )


def _customers_per_value(cells: DataFrame, feature: Feature, plan: TilePlan, as_of: date) -> DataFrame:
    """feature, value, customers: the `feature.keep` values with most customers as of the date."""
    present, by = plan.presence[feature.name], F.col(str(feature.by))
    tiles = aged(cells.where(by.isNotNull() & (F.col(present.partial.name) > 0)), [present], [as_of])
    pairs = tiles.where(in_window(present)).select("customer_id", by.alias("value")).distinct()
    counted = pairs.groupBy("value").agg(F.count(F.lit(1)).alias("customers"))
    most = counted.orderBy(F.desc("customers"), "value").limit(feature.keep or 0)
    return most.select(F.lit(feature.name).alias("feature"), "value", "customers")


def _by_value(
    cells: DataFrame, features: Iterable[Feature], values: Mapping[str, Sequence[str]], plan: TilePlan
) -> DataFrame:
    """Tiles per customer, day, by_column and by_value, of the values that are asked for; partitioned by customer."""
    partials = {m.partial.name: m.partial for f in features for m in plan.measures[f.name]}
    if len(plan.by) == 1:
        (by,) = plan.by
        keys = (*DAY, F.lit(by).alias(_BY), F.col(by).alias(_VALUE))
        return cells.where(F.col(by).isin(*values[by])).select(*keys, *partials).repartition("customer_id")
    pairs = F.explode(F.array(*(F.struct(F.lit(by).alias(_BY), F.col(by).alias(_VALUE)) for by in plan.by)))
    long = cells.select(*DAY, pairs.alias("pair"), *partials).select(*DAY, "pair.*", *partials)
    asked = reduce(Column.__or__, [(F.col(_BY) == by) & F.col(_VALUE).isin(*listed) for by, listed in values.items()])
    # A day has several cells of a value when another column splits it: they come together before days are counted.
    grouped = long.where(asked).repartition("customer_id").groupBy(*DAY, _BY, _VALUE)
    return grouped.agg(*map(merged_partial, partials.values()))


def _spread_name(by: str, value: str, measure: Measure) -> str:
    return f"{by}={value}={measure.name}"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
