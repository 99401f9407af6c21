"""Segmentations: conditions compile, what they name exists, every segment can be reached."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from strata.contract.columns import Type
from strata.contract.published import customer_segments
from strata.errors import ProjectError
from strata.expression import Expression, Name
from strata.expression.parse import Problems
from strata.expression.tree import Node
from strata.project.audiences import Audience
from strata.project.checks.expressions import Compiler
from strata.project.checks.features import expect_number
from strata.project.checks.measures import check_measure
from strata.project.checks.reachable import unreachable
from strata.project.checks.scores import LARGEST_SPACE, cover, score_values, space_size
from strata.project.fed import missing_for
from strata.project.models import Feature, Segment, Segmentation
from strata.project.names import names_of_scores
from strata.project.policies import Privacy
from strata.project.references import (
    generations,
    known_segments,
    named_columns,
    names_of_audiences,
    names_of_segmentations,
)
from strata.project.shapes.segmentations import ERROR
from strata.project.sources import Source
from strata.project.units import Unit
from strata.project.words import Text, mentioned, nearest, place_of

Names = Mapping[str, Name]
OF_ATTRIBUTE = frozenset({Type.STRING, Type.BOOLEAN, Type.BIGINT})
_COMPARED = frozenset({"=", "!=", "in", "not in"})


def check_segmentations(
    segmentations: Sequence[Segmentation],
    audiences: Sequence[Audience],
    features: Names | None,
    of_units: Mapping[str, Names],
    offers: Collection[str] | None,
    compiler: Compiler,
) -> None:
    """Everything about all segmentations but privacy; features or offers None: not known, as their file is unreadable.

    `of_units`: unit -> what the conditions of a segmentation per it may use; its base is about the customer.
    """
    definitions: list[Segmentation | Audience] = [*segmentations, *audiences]
    others = {**names_of_segmentations(segmentations), **names_of_audiences(audiences)}
    names = None if features is None else {**others, **features}
    for segmentation in segmentations:
        if segmentation.base is not None:
            compiler.compile(segmentation.base, names, Type.BOOLEAN)
        own = None if segmentation.per is None else of_units.get(segmentation.per)
        usable = (names, features) if segmentation.per is None else (own, own)
        _check_one(segmentation, *usable, offers, compiler)
    try:
        generations(definitions)
    except ProjectError as error:
        compiler.notes.extend(error)
    known = {s.name: known_segments(s) for s in segmentations}
    for text in (text for s in segmentations for text in s.conditions):
        check_segments_named(text, known, compiler)


def check_segments_named(text: Text, known: Mapping[str, tuple[str, ...] | None], compiler: Compiler) -> None:
    """Note where a condition compares a segmentation with a segment it does not have."""
    expression = compiler.compiled.get(text)
    if expression is None:
        return
    problems = Problems(text)
    for column, literal in _comparisons(expression.tree):
        segments = known.get(str(column.value))
        if segments is not None and str(literal.value) not in segments:
            what = f"`{column.value}` has no segment '{literal.value}'"
            problems.add(literal.at, what, nearest(str(literal.value), segments))
    try:
        problems.stop_if_any()
    except ProjectError as error:
        compiler.notes.extend(error)


def check_fed(
    definitions: Sequence[Segmentation | Audience],
    features: Sequence[Feature],
    units: Sequence[Unit],
    sources: Sequence[Source],
    compiler: Compiler,
) -> None:
    """Note each feature of a segmentation or an audience's conditions that reads what no source fills."""
    places = {f.name: f.where for f in features}
    for definition in definitions:
        lacking = missing_for(names_used(definition, compiler.compiled), features, sources, compiler.compiled, units)
        kind = "audience" if isinstance(definition, Audience) else "segmentation"
        for name, columns in lacking.items():
            what = f"`{definition.name}` needs `{name}`, but no source fills {', '.join(columns)}"
            compiler.notes.add(places[name], what, f"map it in a source, or leave the {kind} out")


def names_used(definition: Segmentation | Audience, compiled: Mapping[Text, Expression]) -> frozenset[str]:
    """Everything a definition names: features, and segmentations."""
    own = _named_by(definition) if isinstance(definition, Audience) else named_columns(definition)
    return frozenset(own).union(*(compiled[text].names for text in definition.conditions if text in compiled))


def _named_by(audience: Audience) -> frozenset[str]:
    """What an audience names outside of conditions."""
    ordered = mentioned(audience.order.words) if audience.order else frozenset[str]()
    return ordered.union({audience.likeness.activity} if audience.likeness else ())


def _comparisons(node: Node) -> list[tuple[Node, Node]]:
    """Every column and literal that are held against each other."""
    found = [pair for arg in node.args for pair in _comparisons(arg)]
    if node.op in _COMPARED:
        columns = [arg for arg in node.args if arg.op == "column"]
        found += [(column, arg) for column in columns for arg in node.args if arg.op == "literal"]
    return found


def _check_one(
    segmentation: Segmentation,
    names: Names | None,
    features: Names | None,
    offers: Collection[str] | None,
    compiler: Compiler,
) -> None:
    notes = compiler.notes
    if segmentation.name in customer_segments.columns:
        what = f"`{segmentation.name}` is a column of members.customer_segments already"
        notes.add(place_of(segmentation.name), what, "take another name")
    if segmentation.name in (features or ()):
        notes.add(place_of(segmentation.name), f"`{segmentation.name}` is a feature already", "take another name")
    if features is not None:
        _check_cluster_features(segmentation, features, compiler)
        _check_cluster_names(segmentation, compiler)
        _check_scores(segmentation, features, compiler)
        _check_attribute(segmentation, names or features, compiler)
        check_measure(segmentation, features, notes)
        names = names_of_scores(segmentation, features) if segmentation.kind == "scores" else names
    ruled = [(s, s.when) for s in segmentation.segments if s.when is not None]
    rules = [(s, compiler.compile(when, names, Type.BOOLEAN)) for s, when in ruled]
    _check_segments(segmentation, offers, compiler)
    sound = [(segment, rule) for segment, rule in rules if rule is not None]
    if names is None or len(sound) != len(rules) or not rules:
        return
    if segmentation.kind == "rules":
        _check_reachable(sound, names, compiler)
    elif segmentation.scores and all(s.of in (features or ()) for s in segmentation.scores):
        _check_space(segmentation, [(segment.segment, rule) for segment, rule in sound], names, compiler)


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
        if segmentation.kind != "attribute" and segment.when is None and segment.segment not in _ruleless(segmentation):
            what = f"the segment `{segment.segment}` needs the key `when`"
            notes.add(segment.where, what, f"or declare otherwise: {segment.segment}")
        if segment.offer is not None and offers is not None:
            notes.expect_known(segment.offer, offers, "offer in offers.yml", next_step="declare it there")
    if segmentation.kind != "attribute" and segmentation.segments and segmentation.otherwise != ERROR:
        notes.expect_known(segmentation.otherwise, first, "segment")


def _ruleless(segmentation: Segmentation) -> tuple[str, ...]:
    """The segments that nobody gets by a rule: the rest, and that of customers without a unit."""
    roll_up = segmentation.roll_up
    return (segmentation.otherwise, *((roll_up.without,) if roll_up else ()))


def _check_attribute(segmentation: Segmentation, names: Names, compiler: Compiler) -> None:
    notes, of = compiler.notes, segmentation.of
    if of is None:
        return
    if (
        notes.expect_known(of, names, "feature or segmentation", next_step=_of_its_own(segmentation))
        and names[of].type not in OF_ATTRIBUTE
    ):
        what = f"`{of}` is {names[of].type.name}, expected STRING, BOOLEAN or BIGINT"
        notes.add(place_of(of), what, "cut numbers with kind: scores or rules")
    if segmentation.segments and segmentation.floor and segmentation.measure is None:
        notes.add(segmentation.where, "found `floor` beside `segments`", "a floor is for values that nobody listed")
    taken: dict[str, Segment] = {}
    for segment in segmentation.segments:
        special = segment.segment in (segmentation.otherwise, segmentation.unknown)
        if not segment.values and not special and segmentation.measure is None:
            notes.add(segment.where, f"the segment `{segment.segment}` needs the key `values`")
        for value in segment.values:
            before = taken.setdefault(value, segment)
            if before is not segment:
                notes.add(
                    place_of(value), f"`{value}` is in the segment `{before.segment}` already", "keep one of them"
                )


def _of_its_own(segmentation: Segmentation) -> str:
    """What to do where the catalogue says `of` what the project does not have."""
    own, said = place_of(segmentation.name), place_of(segmentation.of)
    if own is None or said is None or own.file == said.file:
        return ""
    return f"include it too, or write `of:` in {own.file}"


def check_privacy(segmentation: Segmentation, privacy: Privacy | None, compiler: Compiler) -> None:
    """Its purpose is declared, and a special category has its legal basis; privacy None: its file is unreadable."""
    notes = compiler.notes
    if privacy is None:
        return
    if segmentation.purpose is not None:
        notes.expect_known(segmentation.purpose, {p.name for p in privacy.purposes}, "purpose in privacy.yml")
    category = segmentation.special_category
    if category is not None and category not in privacy.special_categories:
        what = f"`{segmentation.name}` is about {category}, a special category without a legal basis"
        notes.add(place_of(category), what, f"privacy.yml: special_categories: {{{category}: <legal basis>}}")


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
        if any(low <= high for low, high in pairwise(score.covers)):
            found = ", ".join(f"{share:g}" for share in score.covers)
            hint = "the worst score first, as thresholds: covers: [0.8, 0.5]"
            notes.add(score.where, f"found covers {found}, expected descending ones", hint)
        expect_number(score.of, features, notes)


def _check_cluster_features(segmentation: Segmentation, features: Names, compiler: Compiler) -> None:
    seen: set[str] = set()
    for part in segmentation.features:
        if part.feature in seen:
            compiler.notes.add(part.where, f"the feature `{part.feature}` again", "keep one of them")
        seen.add(part.feature)
        expect_number(part.feature, features, compiler.notes)


def _check_cluster_names(segmentation: Segmentation, compiler: Compiler) -> None:
    first: dict[str, str] = {}
    for segment, label in segmentation.names.items():
        before = first.setdefault(label.casefold(), segment)
        if before != segment:
            compiler.notes.add(place_of(label), f"`{label}` names {before} already", "another name for one of them")


def _check_reachable(rules: Sequence[tuple[Segment, Expression]], names: Names, compiler: Compiler) -> None:
    by_place = [(str(place), rule) for place, (_, rule) in enumerate(rules)]
    for place in unreachable(by_place, names) or ():
        segment = rules[int(place)][0]
        where = segment.when.where if segment.when else segment.where
        what = f"the rule of `{segment.segment}` can never decide: the rules before it take everybody it would"
        compiler.notes.add(where, what, "move it up, or remove it")


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
