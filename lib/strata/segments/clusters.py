"""Segments by clusters: the sample a clustering is fitted on, and the nearest centre for everybody."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.project.models import Segmentation
from strata.segments.assignment import Assignment, helper, helper_name
from strata.segments.columns import prepared_columns, ranked_centres
from strata.segments.model import ClusterModel
from strata.segments.preparation import GRID
from strata.segments.sampling import sample_of

SALT = "clusters"
"""Keeps this sample independent of other samples by hash of the same ids."""


def sample_for_fit(snapshot: DataFrame, segmentation: Segmentation) -> DataFrame:
    """The sample of one as-of date (`sampling.sample_of`) with the features of the clustering, in declared order."""
    return sample_of(snapshot, [f.feature for f in segmentation.features], SALT)


def assign_by_clusters(segmentation: Segmentation, model: ClusterModel) -> Assignment:
    """Segments of kind `clusters`: the nearest centre of `model`, of two equally near the one with the lower id.

    The membership's score is 1 - d/d', d and d' being the distances to the nearest and the second nearest centre:
    1 at the centre, 0 on the border to the neighbour, NULL where there is no second centre.
    """
    prepared = {helper_name(segmentation, i): c for i, c in enumerate(prepared_columns(model.preparation))}
    point = [helper(segmentation, i) for i in range(len(prepared))]
    distances = {helper_name(segmentation, "centres"): ranked_centres(point, model.centres)}
    ranked = helper(segmentation, "centres")
    nearest, second = F.get(ranked, F.lit(0)), F.get(ranked, F.lit(1))
    return Assignment(
        segment=F.get(F.array(*map(F.lit, model.segments)), nearest["index"]),
        score=_certainty(nearest["distance"], second["distance"]),
        layers=(prepared, distances),
    )


def _certainty(own: Column, second: Column) -> Column:
    score = F.lit(1.0) - F.sqrt(own) / F.sqrt(second)
    return F.when(second > 0, F.rint(score * F.lit(GRID)) / F.lit(GRID))
