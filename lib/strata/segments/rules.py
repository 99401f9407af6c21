"""Segments by rules: the first rule that holds decides.

A condition that is unknown is not fulfilled, so nobody is put somewhere by what is not known. Nobody is dropped
either: whom no rule takes gets the segment `otherwise`, or with `otherwise: error` the segment NULL, at which the
gate stops.
"""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.expression import Name, compile_expression
from strata.expression.spark import to_column
from strata.project.models import Segmentation
from strata.project.names import names_of_scores
from strata.segments.assignment import Assignment, helper, helper_name, no_score
from strata.segments.columns import score_column

ERROR = "error"
NO_HELPERS: Mapping[str, Column] = {}


def assign_by_rules(
    segmentation: Segmentation, names: Mapping[str, Name], columns: Mapping[str, Column] = NO_HELPERS
) -> Assignment:
    """Segments of kind `rules`, whose conditions read `names`: features, or what `columns` holds for a name.

    Raises:
        ProjectError: a condition does not compile.
    """
    return Assignment(segment=_first_that_holds(segmentation, names, columns), score=no_score())


def assign_by_scores(segmentation: Segmentation, names: Mapping[str, Name]) -> Assignment:
    """Segments of kind `scores`: features cut into scores, then rules over the scores.

    The membership carries no number: a mean of unlike scores would be read as a measure it is not.

    Raises:
        ProjectError: a condition does not compile.
    """
    cuts = {helper_name(segmentation, s.score): score_column(s) for s in segmentation.scores}
    scores = {s.score: helper(segmentation, s.score) for s in segmentation.scores}
    segment = _first_that_holds(segmentation, names_of_scores(segmentation, names), scores)
    return Assignment(segment=segment, score=no_score(), layers=(cuts,))


def _first_that_holds(
    segmentation: Segmentation, names: Mapping[str, Name], helpers: Mapping[str, Column] = NO_HELPERS
) -> Column:
    conditions = {
        s.segment: to_column(compile_expression(s.when, names, Type.BOOLEAN), helpers)
        for s in segmentation.segments
        if s.when is not None
    }
    otherwise = F.lit(None if segmentation.otherwise == ERROR else segmentation.otherwise).cast("string")
    if not conditions:
        return otherwise
    branches = [(condition, F.lit(segment)) for segment, condition in conditions.items()]
    chosen = F.when(*branches[0])
    for branch in branches[1:]:
        chosen = chosen.when(*branch)
    return chosen.otherwise(otherwise)
