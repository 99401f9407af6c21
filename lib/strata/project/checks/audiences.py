"""Audiences: conditions compile, and what a look-alike learns from and serves exists."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from strata.contract.columns import Type
from strata.project.checks.expressions import Compiler
from strata.project.checks.features import expect_number
from strata.project.checks.segmentations import check_segments_named
from strata.project.models import Audience, Feature, Segmentation
from strata.project.names import column_names, names_of_features
from strata.project.policies import Privacy
from strata.project.references import known_segments, names_of_audiences, names_of_segmentations
from strata.project.words import place_of


def check_audience(
    audience: Audience,
    features: tuple[Feature, ...] | None,
    segmentations: Sequence[Segmentation],
    audiences: Sequence[Audience],
    privacy: Privacy | None,
    compiler: Compiler,
) -> None:
    """Everything about one audience; `features` or `privacy` None: not known, because their file cannot be read."""
    notes = compiler.notes
    names = None if features is None else names_of_features(features)
    others = {**names_of_segmentations(segmentations), **names_of_audiences(audiences)}
    usable = None if names is None else {**others, **names}
    known = {s.name: known_segments(s) for s in segmentations}
    for condition in audience.conditions:
        compiler.compile(condition, usable, Type.BOOLEAN)
        check_segments_named(condition, known, compiler)
    for pattern in () if features is None else (*audience.learn_from, *audience.leave_out):
        if not matching(pattern, features or ()) and not notes.doubts(pattern):
            hint = "names and patterns with * of features; `by` features match by their name"
            notes.add(place_of(pattern), f"`{pattern}` matches no feature", hint)
    if names is not None:
        expect_number(audience.activity, names, notes)
    if privacy is not None:
        notes.expect_known(audience.purpose, {p.name for p in privacy.purposes}, "purpose in privacy.yml")
        if audience.publish_at_least < privacy.audience_floor:
            what = f"publish_at_least: found {audience.publish_at_least}, expected at least {privacy.audience_floor}"
            notes.add(audience.where, what, "floors of privacy.yml can only be raised")


def matching(pattern: str, features: Iterable[Feature]) -> tuple[Feature, ...]:
    """The features a pattern of `learn_from` or `leave_out` means: by column, `by … keep` ones by {value} as *.

    A full name such as spend_domestic_wine_182d matches the feature "spend_{value}_182d" that may have that column.
    """
    return tuple(f for f in features if any(_meets(pattern, name) for name in _possible_names(f)))


def _possible_names(feature: Feature) -> tuple[str, ...]:
    return column_names(feature) or (feature.name.replace("{value}", "*"),)


def _meets(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(pattern, name)
