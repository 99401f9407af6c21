"""Segments by clusters: the nearest centre for everybody."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.project.models import Segmentation
from strata.segments.assignment import Assignment, helper, helper_name
from strata.segments.columns import index_of, known_column, least, least_but, prepared_columns, squared_distance
from strata.segments.model import ClusterModel
from strata.segments.preparation import GRID


def assign_by_clusters(segmentation: Segmentation, model: ClusterModel) -> Assignment:
    """Segments of kind `clusters`: the nearest centre of `model`, of two equally near the one with the lower id.

    The membership's score is 1 - d/d', d and d' being the distances to the nearest and the second nearest centre:
    1 at the centre, 0 on the border to the neighbour, NULL where there is no second centre. A column per distance:
    making and sorting an array of them took 1.7 times as long (2 M customers, 32 features, 12 centres).
    """
    features, numbers = dict.fromkeys(d.feature for d in model.preparation.dimensions), range(len(model.centres))
    known = {helper_name(segmentation, f"known {f}"): known_column(f) for f in features}
    columns = prepared_columns(model.preparation, lambda feature: helper(segmentation, f"known {feature}"))
    prepared = {helper_name(segmentation, i): column for i, column in enumerate(columns)}
    point = [helper(segmentation, i) for i in range(len(prepared))]
    far = {
        helper_name(segmentation, f"to {n}"): squared_distance(point, centre) for n, centre in enumerate(model.centres)
    }
    distances = [helper(segmentation, f"to {n}") for n in numbers]
    own, index = helper(segmentation, "own"), helper(segmentation, "index")
    return Assignment(
        segment=F.get(F.array(*map(F.lit, model.segments)), index),
        score=_certainty(own, least_but(index, distances)),
        layers=(
            known,
            prepared,
            far,
            {helper_name(segmentation, "own"): least(distances)},
            {helper_name(segmentation, "index"): index_of(own, distances)},
        ),
    )


def _certainty(own: Column, second: Column) -> Column:
    score = F.lit(1.0) - F.sqrt(own) / F.sqrt(second)
    return F.when(second > 0, F.rint(score * F.lit(GRID)) / F.lit(GRID))
