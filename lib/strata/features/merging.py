"""Tiles to features: measures over windows, and how a feature is finished from them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.features.as_of import at_dates
from strata.features.recipes import counts_from_zero
from strata.features.tiles import Measure, TilePlan
from strata.project.models import Feature


def measures_of(features: Iterable[Feature], plan: TilePlan) -> tuple[Measure, ...]:
    """The distinct measures of `features`, by name."""
    distinct = {m.name: m for f in features for m in plan.measures[f.name]}
    return tuple(distinct[name] for name in sorted(distinct))


def aged(tiles: DataFrame, measures: Sequence[Measure], as_ofs: Sequence[date]) -> DataFrame:
    """The tiles that count for `measures`, once per as-of date, with as_of_date and their age in days."""
    reaches = [m.offset + m.days - 1 if m.days else None for m in measures]
    bounded = [reach for reach in reaches if reach is not None]
    if len(bounded) == len(reaches) and bounded:
        tiles = tiles.where(F.col("event_date") >= F.lit(min(as_ofs) - timedelta(days=max(bounded))))
    return at_dates(tiles, as_ofs, "event_date").withColumn("age", F.datediff("as_of_date", "event_date"))


def merged(measure: Measure) -> Column:
    """The aggregate of `measure` over aged tiles, under its name."""
    partial = F.col(measure.partial.name)
    held = F.col("event_date") if measure.merge in ("first", "last") else partial
    counts = measure.merge in ("first", "last", "days")
    holds = in_window(measure) & (partial > 0) if counts else in_window(measure)
    match measure.merge:
        case "sum":
            found = F.sum(F.when(holds, held).otherwise(F.lit(0)))
        case "days":
            found = F.count(F.when(holds, F.lit(1)))
        case "min" | "first":
            found = F.min(F.when(holds, held))
        case "max" | "last":
            found = F.max(F.when(holds, held))
    return found.alias(measure.name)


def in_window(measure: Measure) -> Column:
    """Whether a tile's age lies in the window of `measure`; tiles are never younger than their as-of date."""
    age, oldest = F.col("age"), measure.offset + (measure.days or 0) - 1
    not_too_young = age >= measure.offset if measure.offset else F.lit(True)
    return not_too_young & (age <= oldest) if measure.days else not_too_young


def finished(feature: Feature, measures: Sequence[Column], plan: TilePlan) -> Column:
    """The feature in its own type from its measures (in the order of its recipe), NULL where there were no tiles."""
    declared = plan.measures[feature.name]
    filled = [
        F.coalesce(value, F.lit(0)) if counts_from_zero(m.merge) else value
        for m, value in zip(declared, measures, strict=True)
    ]
    return _combined(feature, filled, declared[0]).cast(feature.type.value)


def _combined(feature: Feature, values: Sequence[Column], first: Measure) -> Column:
    match feature.kind:
        case "sum" | "min" | "max":
            return _unscaled(values[0], first)
        case "mean":
            return F.try_divide(_unscaled(values[0], first).cast("double"), values[1].cast("double"))
        case "share":
            return F.try_divide(values[0].cast("double"), values[1].cast("double"))
        case "mean_gap":
            start, end, days = values
            return F.try_divide(F.datediff(end, start).cast("double"), (days - 1).cast("double"))
        case "days_since":
            return F.datediff("as_of_date", values[0])
        case _:
            return values[0]


def _unscaled(value: Column, measure: Measure) -> Column:
    scale = measure.partial.scale
    if not scale:
        return value
    if measure.partial.of_type == Type.DOUBLE:
        return value.cast("double") / F.lit(10.0**scale)
    return value.cast("decimal(20,0)") * F.lit(Decimal(1).scaleb(-scale))
