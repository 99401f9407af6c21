"""Segmentations that stand in conditions: what their names mean there, and which are computed first.

`rfm = 'lost'` asks for the segment of the same release, `previous.rfm` for that of the release looked back at (unknown
for newcomers and where there is none).
"""

import re
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from strata.contract.cluster_ids import cluster_ids
from strata.contract.columns import Type
from strata.errors import Problem, ProjectError
from strata.expression import Name
from strata.project.models import Segment, Segmentation
from strata.project.words import Text

PREVIOUS = "previous."
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


def known_segments(segmentation: Segmentation) -> tuple[str, ...] | None:
    """The ids of its segments; None where the data decides."""
    if segmentation.kind == "clusters":
        return cluster_ids(segmentation.clusters or 0)
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


def needs_of(segmentation: Segmentation, known: Iterable[str]) -> frozenset[str]:
    """The segmentations of `known` that must be computed before this one."""
    return mentioned_in(segmentation.conditions, known)


def mentioned_in(texts: Iterable[Text], known: Iterable[str]) -> frozenset[str]:
    """The segmentations of `known` that conditions mention as they are now."""
    return frozenset(name for text in texts for prefix, name in _names(text) if not prefix) & frozenset(known)


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


def generations(segmentations: Sequence[Segmentation]) -> tuple[tuple[Segmentation, ...], ...]:
    """The segmentations in groups, each needing only groups before it; the given order within a group.

    Raises:
        ProjectError: segmentations that need each other, with the way round.
    """
    by_name = {s.name: s for s in segmentations}
    sorter = TopologicalSorter({s.name: sorted(needs_of(s, by_name)) for s in segmentations})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ProjectError([_circle(by_name[name] for name in error.args[1][:0:-1])]) from error
    groups = []
    while sorter.is_active():
        ready = set(sorter.get_ready())
        groups.append(tuple(s for s in segmentations if s.name in ready))
        sorter.done(*ready)
    return tuple(groups)


def relative_names(segmentations: Sequence[Segmentation]) -> frozenset[str]:
    """Those in which a customer's segment depends on the other customers, by itself or by what it needs."""
    found: set[str] = set()
    for group in generations(segmentations):
        found |= {s.name for s in group if s.is_relative or needs_of(s, found)}
    return frozenset(found)


def _circle(members: Iterable[Segmentation]) -> Problem:
    way = list(members)
    first = min(way, key=lambda s: s.name)
    turn = way.index(first)
    words = " needs ".join(f"`{s.name}`" for s in (*way[turn:], *way[:turn], first))
    names = [s.name for s in way]
    where = next((text.where for text in first.conditions if mentioned_in([text], names)), first.where)
    return Problem(where, f"segmentations need each other: {words}", "break the circle, or look at previous.<name>")


def _names(text: Text) -> list[tuple[str, str]]:
    return _NAME.findall(_QUOTED.sub("''", text.words))
