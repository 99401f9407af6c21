"""Every segmentation of a run in one pass over the snapshot."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.errors import Problem, ProjectError
from strata.expression import Name
from strata.project.models import Segmentation
from strata.segments.assignment import Assignment
from strata.segments.clusters import assign_by_clusters
from strata.segments.model import ClusterModel
from strata.segments.rules import assign_by_rules, assign_by_scores

NO_MODELS: Mapping[str, ClusterModel] = {}


def assign_all(
    snapshot: DataFrame,
    segmentations: Sequence[Segmentation],
    names: Mapping[str, Name],
    models: Mapping[str, ClusterModel] = NO_MODELS,
    keys: Sequence[str] = ("as_of_date", "customer_id"),
) -> DataFrame:
    """The segment of every customer of the snapshot in every segmentation.

    Computed side by side and then turned into rows, so the snapshot is read once however many there are.

    Args:
        snapshot: as_of_date, customer_id and a column per feature; one row per customer and date.
        segmentations: what to compute, at least one.
        names: the features that conditions may use.
        models: for each segmentation of kind clusters, by its name, the centres to use.
        keys: the columns that tell what a row is; of units there are more than of customers.

    Returns:
        `keys`, segmentation, version (BIGINT), segment, score (DOUBLE, NULL except for clusters):
        exactly as many rows as snapshot rows times segmentations; segment NULL where no rule holds and the
        definition says `otherwise: error`.

    Raises:
        ProjectError: conditions that do not compile, of all segmentations at once.
        KeyError: a clustering has no model.
    """
    assignments = _all_assignments(segmentations, names, models)
    frame = snapshot
    for layer in zip_longest(*(a.layers for a in assignments.values()), fillvalue={}):
        frame = frame.withColumns({name: column for helpers in layer for name, column in helpers.items()})
    rows = F.array(*[_outcome(s, assignments[s.name]) for s in segmentations])
    return frame.select(*keys, F.inline(rows))


def _all_assignments(
    segmentations: Sequence[Segmentation], names: Mapping[str, Name], models: Mapping[str, ClusterModel]
) -> dict[str, Assignment]:
    assignments: dict[str, Assignment] = {}
    problems: list[Problem] = []
    for segmentation in segmentations:
        try:
            assignments[segmentation.name] = _assignment(segmentation, names, models)
        except ProjectError as error:
            problems.extend(error.problems)
    if problems:
        raise ProjectError(problems)
    return assignments


def _assignment(
    segmentation: Segmentation, names: Mapping[str, Name], models: Mapping[str, ClusterModel]
) -> Assignment:
    match segmentation.kind:
        case "rules":
            return assign_by_rules(segmentation, names)
        case "scores":
            return assign_by_scores(segmentation, names)
        case "clusters":
            return assign_by_clusters(segmentation, models[segmentation.name])


def _outcome(segmentation: Segmentation, assignment: Assignment) -> Column:
    return F.struct(
        F.lit(segmentation.name).alias("segmentation"),
        F.lit(segmentation.version).cast("bigint").alias("version"),
        assignment.segment.alias("segment"),
        assignment.score.alias("score"),
    )
