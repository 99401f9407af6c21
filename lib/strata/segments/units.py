"""Segments of units, and how they come together to one segment of the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.expression import Name, compile_expression
from strata.project.models import Segmentation
from strata.segments.assign import KEYS, assign_all
from strata.segments.assignment import rolled_up_name

UNIT_KEYS = (*KEYS, "unit", "unit_id", "from_date", "to_date")


def assign_units(
    units: DataFrame, customers: DataFrame, segmentations: Sequence[Segmentation], names: Mapping[str, Name]
) -> DataFrame:
    """The segment of every unit in every segmentation that is per such a unit.

    Args:
        units: as_of_date, customer_id, unit, unit_id, from_date, to_date and features of units.
        customers: as_of_date, customer_id and features of customers; units of others are left out.
        segmentations: of kind rules or scores, each `per` a unit; at least one. Their bases are the caller's.
        names: what conditions may use: features of customers and of units.

    Returns:
        as_of_date, segmentation, customer_id, unit_id, from_date, to_date, segment, score. Segment NULL where no rule
        holds and the definition says `otherwise: error`.

    Raises:
        ProjectError: conditions that do not compile, of all segmentations at once.
    """
    read = sorted(_names_read(segmentations, names) & set(customers.columns) - set(KEYS))
    rows = units.join(customers.select(*KEYS, *read), list(KEYS), "inner")
    whole = [replace(s, per=None, roll_up=None, base=None, purpose=None) for s in segmentations]
    found = assign_all(rows, whole, names, keys=UNIT_KEYS)
    is_per = [(F.col("segmentation") == s.name) & (F.col("unit") == s.per) for s in segmentations]
    own = found.where(reduce(Column.__or__, is_per))
    return own.select(
        "as_of_date", "segmentation", "customer_id", "unit_id", "from_date", "to_date", "segment", "score"
    )


def roll_up(unit_segments: DataFrame, customers: DataFrame, segmentations: Sequence[Segmentation]) -> DataFrame:
    """One segment per customer and segmentation from those of the customer's units.

    Args:
        unit_segments: from `assign_units`.
        customers: as_of_date, customer_id and other columns.
        segmentations: the same; `roll_up` of each says which unit decides, and what who has none gets.

    Returns:
        `customers` with a column `rolled_up_name` for each segmentation, which `assign.with_segments` reads.
    """
    per_segment = unit_segments.groupBy(*KEYS, "segmentation", "segment").agg(
        F.count(F.lit(1)).alias("_units"), F.max(F.struct("to_date", "unit_id")).alias("_last")
    )
    # The segment itself stands last: what decides differs between any two segments before it is looked at.
    best = F.struct(_rank(segmentations).alias("rank"), F.col("segment").alias("segment"))
    names = {s.name: rolled_up_name(s) for s in segmentations}
    decided = per_segment.groupBy(*KEYS).agg(
        *(F.max(F.when(F.col("segmentation") == name, best)).alias(column) for name, column in names.items())
    )
    joined = customers.join(decided, list(KEYS), "left")
    return joined.withColumns({names[s.name]: _rolled_up(s) for s in segmentations})


def _rolled_up(segmentation: Segmentation) -> Column:
    best, without = F.col(f"`{rolled_up_name(segmentation)}`"), segmentation.roll_up and segmentation.roll_up.without
    return F.when(best.isNull(), F.lit(without)).otherwise(best["segment"])


def _rank(segmentations: Sequence[Segmentation]) -> Column:
    """What the segment that decides has most of; the same four parts for every way to roll up.

    last: -, last day, id of the last unit, -. most_frequent: units, last day, -, place. highest: place, and no ties.
    """
    by = _per_segmentation({s.name: s.roll_up.by for s in segmentations if s.roll_up is not None})
    place = _place(segmentations)
    first = F.when(by == "most_frequent", F.col("_units")).when(by == "highest", place).otherwise(F.lit(0))
    return F.struct(
        first.cast("bigint").alias("first"),
        F.col("_last.to_date").alias("day"),
        F.when(by == "last", F.col("_last.unit_id")).alias("unit_id"),
        place.alias("place"),
    )


def _per_segmentation(values: Mapping[str, str]) -> Column:
    return _chosen([(F.col("segmentation") == name, F.lit(value)) for name, value in values.items()])


def _place(segmentations: Sequence[Segmentation]) -> Column:
    """-1 for the segment declared first, -2 for the second."""
    return _chosen(
        [
            ((F.col("segmentation") == s.name) & (F.col("segment") == segment.segment), F.lit(-place))
            for s in segmentations
            for place, segment in enumerate(s.segments, 1)
        ]
    ).cast("bigint")


def _chosen(branches: Sequence[tuple[Column, Column]]) -> Column:
    chosen = F.when(*branches[0])
    for branch in branches[1:]:
        chosen = chosen.when(*branch)
    return chosen


def _names_read(segmentations: Sequence[Segmentation], names: Mapping[str, Name]) -> set[str]:
    """The features that segmentations read."""
    cut = {score.of for s in segmentations for score in s.scores}
    ruled = [p.when for s in segmentations if s.kind == "rules" for p in s.segments if p.when is not None]
    return cut.union(*(compile_expression(when, names, Type.BOOLEAN).names for when in ruled))
