"""Segments by clusters: the nearest centre for everybody."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.project.models import Segmentation
from strata.segments.assignment import Assignment, helper, helper_name
from strata.segments.columns import known_column, prepared_columns, ranked_centres
from strata.segments.model import ClusterModel
from strata.segments.preparation import GRID


def assign_by_clusters(segmentation: Segmentation, model: ClusterModel) -> Assignment:
    """Segments of kind `clusters`: the nearest centre of `model`, of two equally near the one with the lower id.

    The membership's score is 1 - d/d', d and d' being the distances to the nearest and the second nearest centre:
    1 at the centre, 0 on the border to the neighbour, NULL where there is no second centre.
    """
    features = dict.fromkeys(d.feature for d in model.preparation.dimensions)
    known = {helper_name(segmentation, f"known {f}"): known_column(f) for f in features}
    columns = prepared_columns(model.preparation, lambda feature: helper(segmentation, f"known {feature}"))
    prepared = {helper_name(segmentation, i): column for i, column in enumerate(columns)}
    point = [helper(segmentation, i) for i in range(len(prepared))]
    distances = {helper_name(segmentation, "centres"): ranked_centres(point, model.centres)}
    ranked = helper(segmentation, "centres")
    nearest, second = F.get(ranked, F.lit(0)), F.get(ranked, F.lit(1))
    return Assignment(
        segment=F.get(F.array(*map(F.lit, model.segments)), nearest["index"]),
        score=_certainty(nearest["distance"], second["distance"]),
        layers=(known, prepared, distances),
    )


def _certainty(own: Column, second: Column) -> Column:
    score = F.lit(1.0) - F.sqrt(own) / F.sqrt(second)
    return F.when(second > 0, F.rint(score * F.lit(GRID)) / F.lit(GRID))
