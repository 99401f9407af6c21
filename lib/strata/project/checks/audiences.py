"""Audiences: conditions compile, and what they learn from, are ordered by and serve exists."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from strata.contract.columns import Type
from strata.expression import Name
from strata.project.audiences import Audience, Likeness, ListFile
from strata.project.checks.expressions import Compiler
from strata.project.checks.features import expect_number
from strata.project.checks.segmentations import check_segments_named
from strata.project.models import Feature, Segmentation
from strata.project.names import column_names, names_of_features
from strata.project.notes import Notes
from strata.project.policies import Privacy
from strata.project.references import known_segments, names_of_audiences, names_of_segmentations
from strata.project.words import Text, place_of

Names = Mapping[str, Name] | None
_NUMBERS = (Type.BIGINT, Type.MONEY, Type.DOUBLE)


def check_audiences(
    audiences: Sequence[Audience],
    features: tuple[Feature, ...] | None,
    segmentations: Sequence[Segmentation],
    privacy: Privacy | None,
    compiler: Compiler,
) -> None:
    """Everything about audiences; `features` or `privacy` None: not known, because their file cannot be read."""
    names = None if features is None else names_of_features(features)
    others = {**names_of_segmentations(segmentations), **names_of_audiences(audiences)}
    usable = None if names is None else {**others, **names}
    known = {s.name: known_segments(s) for s in segmentations}
    for audience in audiences:
        for condition in audience.conditions:
            compiler.compile(condition, usable, Type.BOOLEAN)
            check_segments_named(condition, known, compiler)
        if audience.likeness is not None:
            _check_likeness(audience.likeness, features, names, compiler.notes)
        if audience.list_file is not None:
            _check_list(audience.list_file, compiler.notes)
        _check_size(audience, usable, compiler)
        _check_exclusions(audience, compiler)
        if privacy is not None:
            _check_privacy(audience, privacy, compiler.notes)
    _check_priorities(audiences, compiler.notes)
    for name in privacy.protected if privacy and names is not None else ():
        if place_of(name):
            compiler.notes.expect_known(name, names or (), "feature")


def matching(pattern: str, features: Iterable[Feature]) -> tuple[Feature, ...]:
    """The features a pattern of `learn_from` or `leave_out` means: by column, `by … keep` ones by {value} as *.

    A full name such as spend_domestic_wine_182d matches the feature "spend_{value}_182d" that may have that column.
    """
    return tuple(f for f in features if any(_meets(pattern, name) for name in _possible_names(f)))


def _check_likeness(likeness: Likeness, features: tuple[Feature, ...] | None, names: Names, notes: Notes) -> None:
    for pattern in () if features is None else (*likeness.learn_from, *likeness.leave_out):
        if not matching(pattern, features or ()) and not notes.doubts(pattern):
            hint = "names and patterns with * of features; `by` features match by their name"
            notes.add(place_of(pattern), f"`{pattern}` matches no feature", hint)
    if names is not None:
        expect_number(likeness.activity, names, notes)


def _check_list(listed: ListFile, notes: Notes) -> None:
    if not listed.digest:
        hint = "paths are relative to the project's folder, or begin with a variable such as ${landing}"
        notes.add(place_of(listed.path) or listed.where, f"there is no file {listed.path}", hint)
    if not listed.path.endswith((".csv", ".parquet")):
        notes.add(place_of(listed.path), f"`{listed.path}` is no .csv and no .parquet", "a list is one of the two")


def _check_size(audience: Audience, usable: Names, compiler: Compiler) -> None:
    size, notes = audience.size, compiler.notes
    if audience.band.at_least > audience.band.at_most:
        found = f"found {audience.band.at_least:g} and {audience.band.at_most:g}"
        notes.add(audience.where, f"band: at_least is above at_most: {found}", "parts of the last size: 0.5 and 2")
    if size is None:
        return
    if audience.kind == "lookalike":
        if size.order is not None:
            notes.add(size.order.where, "a look-alike is ordered by its score", "leave `order` out")
        return
    if size.score is not None:
        notes.add(audience.where, f"size: an audience of kind {audience.kind} has no score", "customers or share")
    elif size.order is None:
        notes.add(audience.where, "size needs the key `order`: who comes first", "order: a number, e.g. spend_84d")
    else:
        order = compiler.compile(size.order, usable, None)
        if order is not None and order.type not in _NUMBERS:
            notes.add(size.order.where, f"order: found {order.type}, expected a number")


def _check_exclusions(audience: Audience, compiler: Compiler) -> None:
    """An exclusion that says the same as who is in it would exclude everybody."""
    own = {"include": audience.include}
    if audience.likeness is not None:
        own = {"seed": audience.likeness.seed, "candidates": audience.likeness.candidates}
    said = {_meaning(text, compiler): key for key, text in own.items() if text is not None}
    for condition in audience.exclude:
        key = said.get(_meaning(condition, compiler)) if condition in compiler.compiled else None
        if key == "seed":
            compiler.notes.add(
                condition.where, "exclude says the same as seed", "seed members are never returned anyway"
            )
        elif key:
            compiler.notes.add(condition.where, f"exclude says the same as {key}: everybody is excluded", "change one")


def _meaning(text: Text, compiler: Compiler) -> str:
    compiled = compiler.compiled.get(text)
    return compiled.canonical if compiled else ""


def _check_privacy(audience: Audience, privacy: Privacy, notes: Notes) -> None:
    notes.expect_known(audience.purpose, {p.name for p in privacy.purposes}, "purpose in privacy.yml")
    if audience.publish_at_least < privacy.audience_floor:
        what = f"publish_at_least: found {audience.publish_at_least}, expected at least {privacy.audience_floor}"
        notes.add(audience.where, what, "floors of privacy.yml can only be raised")
    if audience.size and audience.size.customers and audience.size.customers < audience.publish_at_least:
        what = f"size: {audience.size.customers} customers are fewer than publish_at_least {audience.publish_at_least}"
        notes.add(audience.where, what, "it would always be withheld")


def _check_priorities(audiences: Sequence[Audience], notes: Notes) -> None:
    first: dict[tuple[str, int], Audience] = {}
    for audience in audiences:
        if audience.priority is None:
            continue
        other = first.setdefault((audience.purpose, audience.priority), audience)
        if other is not audience:
            what = f"`{other.name}` and `{audience.name}` have the same priority {audience.priority}"
            notes.add(audience.where, f"{what} for {audience.purpose}", "say which of them comes first")


def _possible_names(feature: Feature) -> tuple[str, ...]:
    return column_names(feature) or (feature.name.replace("{value}", "*"),)


def _meets(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(pattern, name)
