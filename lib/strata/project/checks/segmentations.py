"""Segmentations: conditions compile, what they name exists, and every combination of scores has its segment."""

from collections.abc import Collection, Mapping
from itertools import pairwise

from strata.contract.columns import Type
from strata.contract.published import customer_segments
from strata.expression import Expression, Name
from strata.project.checks.expressions import Compiler
from strata.project.checks.features import expect_number
from strata.project.checks.scores import LARGEST_SPACE, cover, score_values, space_size
from strata.project.models import Segment, Segmentation
from strata.project.names import names_of_scores
from strata.project.shapes.segmentations import ERROR
from strata.project.words import place_of

Names = Mapping[str, Name]


def check_segmentation(
    segmentation: Segmentation, features: Names | None, offers: Collection[str] | None, compiler: Compiler
) -> None:
    """Everything about one segmentation; `features` or `offers` None: not known, because their file cannot be read."""
    notes = compiler.notes
    if segmentation.name in customer_segments.columns:
        what = f"`{segmentation.name}` is a column of members.customer_segments already"
        notes.add(place_of(segmentation.name), what, "take another name")
    if segmentation.name in (features or ()):
        notes.add(place_of(segmentation.name), f"`{segmentation.name}` is a feature already", "take another name")
    if features is not None:
        _check_cluster_features(segmentation, features, compiler)
        _check_scores(segmentation, features, compiler)
    names = features
    if features is not None and segmentation.kind == "scores":
        names = names_of_scores(segmentation, features)
    ruled = [(s, s.when) for s in segmentation.segments if s.when is not None]
    rules = [(s.segment, compiler.compile(when, names, Type.BOOLEAN)) for s, when in ruled]
    _check_segments(segmentation, offers, compiler)
    sound = [(segment, rule) for segment, rule in rules if rule is not None]
    are_scored = bool(segmentation.scores) and all(s.of in (features or ()) for s in segmentation.scores)
    if names is not None and are_scored and len(sound) == len(rules):
        _check_space(segmentation, sound, names, compiler)


def _check_segments(segmentation: Segmentation, offers: Collection[str] | None, compiler: Compiler) -> None:
    notes = compiler.notes
    first: dict[str, Segment] = {}
    for segment in segmentation.segments:
        before = first.setdefault(segment.segment, segment)
        if before is not segment:
            what = f"a second segment `{segment.segment}`, the first is at line {before.where.line}"
            notes.add(place_of(segment.segment), what, "rename one")
        if segment.segment == ERROR:
            notes.add(place_of(segment.segment), f"a segment cannot be called `{ERROR}`", "take another name")
        if segment.when is None and segment.segment not in _ruleless(segmentation):
            what = f"the segment `{segment.segment}` needs the key `when`"
            notes.add(segment.where, what, f"or declare otherwise: {segment.segment}")
        if segment.offer is not None and offers is not None:
            notes.expect_known(segment.offer, offers, "offer in offers.yml")
    if segmentation.segments and segmentation.otherwise != ERROR:
        notes.expect_known(segmentation.otherwise, first, "segment")


def _ruleless(segmentation: Segmentation) -> tuple[str, ...]:
    """The segments that nobody gets by a rule: the rest, and that of customers without a unit."""
    roll_up = segmentation.roll_up
    return (segmentation.otherwise, *((roll_up.without,) if roll_up else ()))


def _check_scores(segmentation: Segmentation, features: Names, compiler: Compiler) -> None:
    notes = compiler.notes
    seen: set[str] = set()
    for score in segmentation.scores:
        if score.score in seen:
            notes.add(place_of(score.score), f"a second score `{score.score}`", "rename one")
        seen.add(score.score)
        if any(low >= high for low, high in pairwise(score.thresholds)):
            found = ", ".join(f"{threshold:g}" for threshold in score.thresholds)
            hint = "`better` says which end is best"
            notes.add(score.where, f"found the thresholds {found}, expected ascending ones", hint)
        expect_number(score.of, features, notes)


def _check_cluster_features(segmentation: Segmentation, features: Names, compiler: Compiler) -> None:
    seen: set[str] = set()
    for part in segmentation.features:
        if part.feature in seen:
            compiler.notes.add(part.where, f"the feature `{part.feature}` again", "keep one of them")
        seen.add(part.feature)
        expect_number(part.feature, features, compiler.notes)


def _check_space(
    segmentation: Segmentation, rules: list[tuple[str, Expression]], names: Names, compiler: Compiler
) -> None:
    notes, values = compiler.notes, score_values(segmentation, names)
    size = space_size(values)
    if size > LARGEST_SPACE:
        what = f"found {size:,} combinations of scores, expected at most {LARGEST_SPACE:,}"
        notes.add(segmentation.where, what, "use fewer thresholds")
        return
    coverage = cover(values, rules)
    if coverage.uncovered and segmentation.otherwise == ERROR:
        what = f"{coverage.uncovered} of {size} combinations of scores have no segment: {'; '.join(coverage.examples)}"
        where = segmentation.segments[-1].where
        notes.add(where, what, "add a rule for them, or say which segment they get with `otherwise`")
    for segment in segmentation.segments:
        is_rest = segment.segment == segmentation.otherwise and coverage.uncovered > 0
        is_without = segmentation.roll_up is not None and segment.segment == segmentation.roll_up.without
        if segment.segment not in coverage.reached and not is_rest and not is_without:
            what = f"no combination of scores falls into `{segment.segment}`"
            notes.add(segment.where, what, "an earlier rule takes them all, or its own rule never holds")
