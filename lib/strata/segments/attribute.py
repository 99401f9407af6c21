"""Segments by the value of one feature: groups of listed values, or a segment per value that the data has."""

from collections.abc import Mapping
from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.project.models import Segmentation
from strata.segments.assignment import Assignment, no_score
from strata.segments.rules import ERROR


def assign_by_attribute(segmentation: Segmentation, columns: Mapping[str, Column]) -> Assignment:
    """The segment whose values have the customer's; `otherwise` for any other value (NULL: error), `unknown` for none.

    Values are compared as text: true and false, whole numbers without a point. One look into a map, however many
    values there are.

    Args:
        segmentation: of kind attribute.
        columns: what the names of segmentations stand for.
    """
    of = str(segmentation.of)
    value = columns.get(of, F.col(of)).cast("string")
    pairs = [(F.lit(v), F.lit(s.segment)) for s in segmentation.segments for v in s.values]
    rest = F.lit(None if segmentation.otherwise == ERROR else segmentation.otherwise).cast("string")
    found = F.coalesce(F.create_map(*chain.from_iterable(pairs))[value], rest) if pairs else rest
    return Assignment(segment=F.when(value.isNull(), segmentation.unknown).otherwise(found), score=no_score())
