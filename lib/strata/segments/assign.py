"""Every segmentation of a run in one pass over the snapshot."""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import zip_longest
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.errors import Problem, ProjectError
from strata.expression import Name, compile_expression
from strata.expression.spark import to_column
from strata.project.models import Segmentation
from strata.project.references import generations, names_of_segmentations
from strata.segments.assignment import (
    Assignment,
    helper,
    helper_name,
    no_score,
    permission_name,
    rolled_up_name,
)
from strata.segments.attribute import assign_by_attribute
from strata.segments.clusters import assign_by_clusters
from strata.segments.model import ClusterModel
from strata.segments.rules import assign_by_rules, assign_by_scores

Names = Mapping[str, Name]
Models = Mapping[str, ClusterModel]
Columns = Mapping[str, Column]
NO_MODELS: Models = {}
KEYS = ("as_of_date", "customer_id")
SEGMENT, SCORE, BASE = "segment", "score", "base"


def assign_all(
    snapshot: DataFrame,
    segmentations: Sequence[Segmentation],
    names: Names,
    models: Models = NO_MODELS,
    keys: Sequence[str] = KEYS,
) -> DataFrame:
    """The segment of every customer of the snapshot in every segmentation of whose base the customer is.

    Computed side by side and then turned into rows, so the snapshot is read once however many there are.

    Args:
        snapshot: as_of_date, customer_id and a column per feature, one row per customer and date; where conditions
            look back, a column `previous.<segmentation>` each; for each purpose a `permission_name` column; for each
            segmentation per unit what `units.roll_up` adds.
        segmentations: what to compute, at least one; with all that their conditions name. Cuts of the population
            have been filled in (`cuts.resolve`).
        names: the features that conditions may use.
        models: for each segmentation of kind clusters, by its name, the centres to use.
        keys: the columns that tell what a row is.

    Returns:
        `keys`, segmentation, version (BIGINT), segment, score (DOUBLE, NULL except for clusters):
        as many rows as customers in the bases; segment NULL where no rule holds and the definition says
        `otherwise: error`.

    Raises:
        ProjectError: conditions that do not compile, of all segmentations at once.
        KeyError: a clustering has no model.
    """
    return to_rows(with_segments(snapshot, segmentations, names, models), segmentations, keys)


def with_segments(
    snapshot: DataFrame, segmentations: Sequence[Segmentation], names: Names, models: Models = NO_MODELS
) -> DataFrame:
    """The snapshot with, for each segmentation, the helper columns SEGMENT and SCORE, and BASE where it is not all.

    Args and errors as for `assign_all`. Segmentations that name others read the columns of these.
    """
    usable, columns = {**names_of_segmentations(segmentations), **names}, references(segmentations)
    made = _all_assignments(segmentations, usable, columns, models)
    frame = snapshot
    for group in generations(segmentations):
        bases = {helper_name(s, BASE): base for s in group if (base := in_base(s, usable, columns)) is not None}
        layers = [*zip_longest(*(made[s.name].layers for s in group), fillvalue={})]
        outcomes = [_outcome(s, made[s.name], helper_name(s, BASE) in bases) for s in group]
        for layer in ([bases], *layers, outcomes):
            frame = frame.withColumns({name: column for helpers in layer for name, column in helpers.items()})
    return frame


def to_rows(assigned: DataFrame, segmentations: Sequence[Segmentation], keys: Sequence[str] = KEYS) -> DataFrame:
    """A row per customer and segmentation, as `assign_all` returns them, from what `with_segments` gave."""
    rows = F.array(*[_row(s, helper_name(s, BASE) in assigned.columns) for s in segmentations])
    listed = assigned.select(*keys, F.inline(rows))
    return listed.where(F.col("segmentation").isNotNull())


def to_columns(assigned: DataFrame, names: Sequence[str]) -> DataFrame:
    """A row per customer: as_of_date, customer_id and a STRING per name, NULL for those that were not computed."""
    there = set(assigned.columns)
    columns = [
        (helper(name, SEGMENT) if helper_name(name, SEGMENT) in there else F.lit(None).cast("string")).alias(name)
        for name in names
    ]
    return assigned.select("as_of_date", "customer_id", *columns)


def in_base(segmentation: Segmentation, names: Names, columns: Columns) -> Column | None:
    """Who is split, as a BOOLEAN that may be NULL for no; None: everybody.

    Args:
        segmentation: its base and its purpose say who.
        names: what its base may use.
        columns: what these names stand for, where not for the column of that name.
    """
    parts = []
    if segmentation.base is not None:
        parts.append(to_column(compile_expression(segmentation.base, names, Type.BOOLEAN), columns))
    if segmentation.purpose is not None:
        parts.append(F.col(f"`{permission_name(segmentation.purpose)}`"))
    return reduce(and_, parts) if parts else None


def references(segmentations: Sequence[Segmentation]) -> Columns:
    """What the names of segmentations stand for in a frame of `with_segments`."""
    return {s.name: helper(s, SEGMENT) for s in segmentations}


def _all_assignments(
    segmentations: Sequence[Segmentation], names: Names, columns: Columns, models: Models
) -> dict[str, Assignment]:
    assignments: dict[str, Assignment] = {}
    problems: list[Problem] = []
    for segmentation in segmentations:
        try:
            assignments[segmentation.name] = _assignment(segmentation, names, columns, models)
        except ProjectError as error:
            problems.extend(error.problems)
    if problems:
        raise ProjectError(problems)
    return assignments


def _assignment(segmentation: Segmentation, names: Names, columns: Columns, models: Models) -> Assignment:
    if segmentation.per is not None:
        return Assignment(segment=F.col(f"`{rolled_up_name(segmentation)}`"), score=no_score())
    match segmentation.kind:
        case "rules":
            return assign_by_rules(segmentation, names, columns)
        case "scores":
            return assign_by_scores(segmentation, names)
        case "attribute":
            return assign_by_attribute(segmentation, columns)
        case "clusters":
            return assign_by_clusters(segmentation, models[segmentation.name])


def _outcome(segmentation: Segmentation, assignment: Assignment, is_partial: bool) -> dict[str, Column]:
    found = {SEGMENT: assignment.segment, SCORE: assignment.score}
    if is_partial:
        found = {part: F.when(helper(segmentation, BASE), column) for part, column in found.items()}
    return {helper_name(segmentation, part): column for part, column in found.items()}


def _row(segmentation: Segmentation, is_partial: bool) -> Column:
    row = F.struct(
        F.lit(segmentation.name).alias("segmentation"),
        F.lit(segmentation.version).cast("bigint").alias("version"),
        helper(segmentation, SEGMENT).alias("segment"),
        helper(segmentation, SCORE).alias("score"),
    )
    return F.when(helper(segmentation, BASE), row) if is_partial else row
