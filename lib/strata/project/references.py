"""Segmentations and audiences that stand in conditions: what their names mean there, and which are computed first.

`rfm = 'lost'` asks for the segment of the same release, `previous.rfm` for that of the release looked back at (unknown
for newcomers and where there is none). `audience.wine` asks whether the customer is a member in the same release.
"""

import re
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from strata.contract.cluster_ids import POSSIBLE_IDS
from strata.contract.columns import Type
from strata.errors import Problem, ProjectError
from strata.expression import Name
from strata.project.audiences import Audience
from strata.project.models import Project, Segment, Segmentation
from strata.project.names import names_of_features
from strata.project.words import Text

Definition = TypeVar("Definition", bound=Segmentation | Audience)
PREVIOUS, AUDIENCE = "previous.", "audience."
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r"(?<![\w.])(?:(previous|audience)\s*\.\s*)?([A-Za-z_]\w*)(?![\w(.])")


def names_of_segmentations(segmentations: Iterable[Segmentation]) -> dict[str, Name]:
    """What conditions may use besides features: each segmentation, and each as it was in the release before."""
    names: dict[str, Name] = {}
    for segmentation in segmentations:
        is_partial = segmentation.base is not None or segmentation.purpose is not None
        names[segmentation.name] = Name(Type.STRING, is_partial)
        names[PREVIOUS + segmentation.name] = Name(Type.STRING, True)
    return names


def names_of_audiences(audiences: Iterable[Audience]) -> dict[str, Name]:
    """What conditions may use of audiences: whether a customer is a member, which a release knows of everybody."""
    return {key_of(audience): Name(Type.BOOLEAN, False) for audience in audiences}


def usable_names(project: Project) -> dict[str, Name]:
    """What conditions about a customer may use: features, segmentations as they are and were, audiences."""
    others = {**names_of_segmentations(project.segmentations), **names_of_audiences(project.audiences)}
    return {**others, **names_of_features(project.features)}


def key_of(definition: Segmentation | Audience) -> str:
    """What conditions call it."""
    return AUDIENCE + definition.name if isinstance(definition, Audience) else definition.name


def known_segments(segmentation: Segmentation) -> tuple[str, ...] | None:
    """The ids its segments may have; None where the data decides."""
    if segmentation.kind == "clusters":
        return POSSIBLE_IDS
    is_open = segmentation.kind == "attribute" and not segmentation.segments
    return None if is_open else tuple(s.segment for s in declared_segments(segmentation))


def declared_segments(segmentation: Segmentation) -> tuple[Segment, ...]:
    """The segments that a definition lists, and those that an attribute has for other and for unknown values."""
    if segmentation.kind != "attribute":
        return segmentation.segments
    listed = {s.segment: s for s in segmentation.segments}
    for name in (segmentation.otherwise, segmentation.unknown):
        if name not in listed and name != "error":
            listed[name] = Segment(name, name.replace("_", " ").capitalize(), None, None, None, segmentation.where)
    return tuple(listed.values())


def looks_back_at(texts: Iterable[Text]) -> frozenset[str]:
    """The segmentations that conditions mention as they were before."""
    return frozenset(name for text in texts for prefix, name in _names(text) if prefix == "previous")


def needs_of(definition: Segmentation | Audience, known: Iterable[str]) -> frozenset[str]:
    """Those of `known` (`key_of`) that must be computed before this one."""
    there = frozenset(known)
    if isinstance(definition, Audience):
        return mentioned_in(definition.texts, there) | ({AUDIENCE + name for name in definition.ahead} & there)
    of = {definition.of} if definition.of else set()
    return mentioned_in(definition.conditions, there) | (of & there)


def named_columns(segmentation: Segmentation) -> frozenset[str]:
    """What a definition names outside of conditions: features, and of kind attribute it may be a segmentation."""
    named = {score.of for score in segmentation.scores} | {part.feature for part in segmentation.features}
    measured = segmentation.measure.features if segmentation.measure else ()
    return frozenset(named.union(measured, {segmentation.of} if segmentation.of else ()))


def mentioned_in(texts: Iterable[Text], known: Iterable[str]) -> frozenset[str]:
    """Those of `known` (`key_of`) that conditions mention as they are now."""
    keys = (f"{prefix}.{name}" if prefix else name for text in texts for prefix, name in _names(text))
    return frozenset(keys) & frozenset(known)


def audiences_in(texts: Iterable[Text]) -> frozenset[str]:
    """The names of the audiences that conditions mention."""
    return frozenset(name for text in texts for prefix, name in _names(text) if prefix == "audience")


def audiences_behind(texts: Iterable[Text], segmentations: Sequence[Segmentation]) -> frozenset[str]:
    """The names of the audiences that conditions mention, or that the segmentations do which they mention."""
    words = list(texts)
    needed = closure(mentioned_in(words, [s.name for s in segmentations]), segmentations)
    return audiences_in([*words, *(text for s in needed for text in s.conditions)])


def closure(wanted: Iterable[str], segmentations: Sequence[Segmentation]) -> tuple[Segmentation, ...]:
    """The segmentations of these names and all that they need, in the given order."""
    by_name = {s.name: s for s in segmentations}
    found: set[str] = set()
    pending = [name for name in wanted if name in by_name]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += needs_of(by_name[name], by_name)
    return tuple(s for s in segmentations if s.name in found)


def generations(definitions: Sequence[Definition]) -> tuple[tuple[Definition, ...], ...]:
    """Segmentations, audiences or both in groups, each needing only groups before it; the given order within a group.

    Raises:
        ProjectError: definitions that need each other, with the way round.
    """
    by_key = {key_of(d): d for d in definitions}
    sorter = TopologicalSorter({key: sorted(needs_of(d, by_key)) for key, d in by_key.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ProjectError([_circle(by_key[key] for key in error.args[1][:0:-1])]) from error
    groups = []
    while sorter.is_active():
        ready = set(sorter.get_ready())
        groups.append(tuple(d for d in definitions if key_of(d) in ready))
        sorter.done(*ready)
    return tuple(groups)


def audience_generations(
    audiences: Sequence[Audience], segmentations: Sequence[Segmentation]
) -> tuple[tuple[Audience, ...], ...]:
    """Audiences in groups, each needing only those of groups before it, be it through segmentations.

    Fewer groups than `generations` makes of both: segmentations between them are computed when they are needed.
    """
    by_name = {a.name: a for a in audiences}
    needed = {a.name: audiences_behind(a.texts, segmentations).union(a.ahead) & by_name.keys() for a in audiences}
    sorter = TopologicalSorter(needed)
    sorter.prepare()
    groups = []
    while sorter.is_active():
        ready = set(sorter.get_ready())
        groups.append(tuple(a for a in audiences if a.name in ready))
        sorter.done(*ready)
    return tuple(groups)


def relative_names(definitions: Sequence[Segmentation | Audience]) -> frozenset[str]:
    """Those (`key_of`) where what a customer gets depends on the other customers, by itself or by what it needs."""
    found: set[str] = set()
    for group in generations(definitions):
        found |= {key_of(d) for d in group if d.is_relative or needs_of(d, found)}
    return frozenset(found)


def _circle(members: Iterable[Segmentation | Audience]) -> Problem:
    way = list(members)
    first = min(way, key=key_of)
    turn = way.index(first)
    words = " needs ".join(f"`{key_of(d)}`" for d in (*way[turn:], *way[:turn], first))
    keys = [key_of(d) for d in way]
    where = next((text.where for text in first.conditions if mentioned_in([text], keys)), first.where)
    kinds = {"segmentations": Segmentation, "audiences": Audience}
    met = [what for what, kind in kinds.items() if any(isinstance(d, kind) for d in way)]
    hint = "break the circle" + (", or look at previous.<name>" if "segmentations" in met else "")
    return Problem(where, f"{' and '.join(met)} need each other: {words}", hint)


def _names(text: Text) -> list[tuple[str, str]]:
    # A name may stand in quotes, with its prefix or without it; no segmentation or audience needs them.
    return _NAME.findall(_QUOTED.sub("''", text.words).replace('"', ""))
