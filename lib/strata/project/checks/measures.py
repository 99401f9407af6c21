"""Segmentations by a measure of groups: what is measured exists, and limits say which group falls where."""

from collections.abc import Iterator, Mapping

from strata.contract.columns import Type
from strata.errors import Problem
from strata.expression import Name
from strata.project.models import Segment, Segmentation
from strata.project.notes import Notes
from strata.project.words import place_of

ADDED_UP = frozenset({Type.MONEY, Type.BIGINT})
"""What groups add up to exactly."""


def check_measure(segmentation: Segmentation, features: Mapping[str, Name], notes: Notes) -> None:
    """Note what is wrong with a measure, with the limits of segments, or with limits where nothing is measured."""
    if segmentation.measure is None:
        for segment in (s for s in segmentation.segments if s.has_limits):
            what = f"the segment `{segment.segment}` has limits, but nothing is measured"
            notes.add(segment.where, what, "say what is, with `measure:`")
        return
    for name in segmentation.measure.features:
        if notes.expect_known(name, features, "feature") and features[name].type not in ADDED_UP:
            notes.add(place_of(name), f"`{name}` is {features[name].type.name}, expected MONEY or BIGINT")
    special = (segmentation.otherwise, segmentation.unknown)
    for segment in segmentation.segments:
        notes.problems.extend(_limits(segment, is_rest=segment.segment in special))
    if not any(segment.has_limits for segment in segmentation.segments):
        notes.add(segmentation.where, "no segment has limits, so that no group falls into one", "write at_least")


def _limits(segment: Segment, *, is_rest: bool) -> Iterator[Problem]:
    if segment.values:
        what = f"found `values` in the segment `{segment.segment}`, whose groups are measured"
        yield Problem(segment.where, what, "write at_least or at_most")
    elif segment.has_limits and is_rest:
        what = f"the segment `{segment.segment}` is that of all others, and has limits"
        yield Problem(segment.where, what, "remove them, or name another segment in `otherwise`")
    elif not segment.has_limits and not is_rest:
        what = f"the segment `{segment.segment}` needs `at_least` or `at_most`"
        yield Problem(segment.where, what, f"or declare otherwise: {segment.segment}")
    if segment.at_least is not None and segment.at_most is not None and segment.at_least > segment.at_most:
        what = f"found at_least {segment.at_least:g} above at_most {segment.at_most:g}"
        yield Problem(segment.where, what, "no group lies between them")
