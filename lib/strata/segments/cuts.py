"""What a segmentation takes from the base of its date: cuts of scores, values that get a segment. Pure rules.

They are measured once per release (`cutting`), kept in models.population_cuts, and filled into the definition, which
then is one of fixed cuts and listed values.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any

from strata.errors import Location
from strata.project.models import Score, Segment, Segmentation
from strata.project.names import slug
from strata.segments.groups import Group

MOST_SEGMENTS = 1_000
"""Of an attribute whose values nobody listed, and groups that are measured; the rest goes to `otherwise`."""
FOUND = Location("", 0, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """A segment that the data has: its id, its label, and the values that fall into it."""

    segment: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cuts:
    """`thresholds`: score -> its ascending cuts. `found`: the segments of an attribute, the largest first.

    `groups`: what was measured of the groups of an attribute; last those that are not listed, together.
    """

    thresholds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    found: tuple[Found, ...] = ()
    groups: tuple[Group, ...] = ()

    def to_json(self) -> str:
        """As it stands in models.population_cuts; floats survive the way there and back."""
        kept = {"thresholds": self.thresholds, "found": [asdict(f) for f in self.found]}
        measured = {"groups": [asdict(g) for g in self.groups]} if self.groups else {}
        return json.dumps({**kept, **measured}, allow_nan=False)

    def in_words(self) -> str:
        """The cuts as a person reads them."""
        cuts = [f"{score} at {', '.join(f'{c:g}' for c in found)}" for score, found in self.thresholds.items()]
        listed = sum(group.value is not None for group in self.groups)
        return "; ".join(cuts) or (f"{listed} groups" if self.groups else f"{len(self.found)} values")

    @classmethod
    def from_json(cls, text: str) -> "Cuts":
        """The cuts that `to_json` wrote."""
        read: dict[str, Any] = json.loads(text)
        thresholds = {score: tuple(cuts) for score, cuts in read["thresholds"].items()}
        found = tuple(Found(**{**f, "values": tuple(f["values"])}) for f in read["found"])
        return cls(thresholds, found, tuple(Group(**g) for g in read.get("groups", ())))


def needs_cuts(segmentation: Segmentation) -> bool:
    """Whether the definition is whole only with what its base says."""
    return segmentation.is_relative and segmentation.kind != "clusters"


def resolve(segmentation: Segmentation, cuts: Cuts | None) -> Segmentation:
    """The definition with the cuts filled in."""
    if cuts is None:
        return segmentation
    scores = tuple(replace(s, thresholds=cuts.thresholds.get(s.score, s.thresholds)) for s in segmentation.scores)
    segments = segmentation.segments
    if segmentation.measure is not None:
        segments = tuple(replace(s, values=_taken_by(s, cuts.groups)) for s in segments)
    elif segmentation.kind == "attribute":
        segments = tuple(Segment(f.segment, f.label, None, None, None, FOUND, f.values) for f in cuts.found)
    return replace(segmentation, scores=scores, segments=segments)


def _taken_by(segment: Segment, groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(sorted(g.value for g in groups if g.value is not None and g.segment == segment.segment))


def quantile_cuts(values: Sequence[float], score: Score) -> tuple[float, ...]:
    """The cuts between equal parts of known values, by nearest rank.

    Of `better: high` a cut is the smallest value of the part above it, of `better: low` the largest of the part
    below: a value on a cut has the better score, as with thresholds. Equal values never part, so that parts of tied
    values are larger or empty.
    """
    ordered, parts = sorted(values), score.quantiles or 1
    if not ordered:
        return (0.0,) * (parts - 1)
    ends = [-(-i * len(ordered) // parts) for i in range(1, parts)]
    places = ends if score.better == "high" else [end - 1 for end in ends]
    return tuple(float(ordered[min(place, len(ordered) - 1)]) for place in places)


def covering_cut(histogram: Sequence[tuple[int, int]], needed: Fraction) -> int:
    """The largest value such that all values from it on add up to `needed`: a place in the histogram.

    Args:
        histogram: value, above 0, and how often it occurs, by ascending value; of a coarse one the sum of a bin, and 1.
        needed: above 0, at most the sum of all; exact, so that no rounding moves a cut.
    """
    covered, place = 0, len(histogram)
    while covered < needed:
        place -= 1
        value, count = histogram[place]
        covered += value * count
    return place


def values_cuts(segmentation: Segmentation, counts: Sequence[tuple[str, int]]) -> Cuts:
    """The segments of an attribute from the customers of each of its values."""
    return Cuts(found=found_segments(counts, segmentation.floor, (segmentation.otherwise, segmentation.unknown)))


def found_segments(counts: Sequence[tuple[str, int]], floor: int, reserved: Sequence[str]) -> tuple[Found, ...]:
    """The segments of values that at least `floor` customers have, largest first, then by id.

    Args:
        counts: value and its customers; values that share an id (`names.slug`) share a segment, which is labelled
            by the most frequent of them.
        floor: in customers.
        reserved: ids of other segments; values of such an id stay without a segment of their own.
    """
    by_id: dict[str, list[tuple[int, str]]] = {}
    for value, customers in counts:
        by_id.setdefault(slug(value), []).append((-customers, value))
    sizes = {name: -sum(n for n, _ in members) for name, members in by_id.items() if name and name not in reserved}
    kept = sorted((name for name, size in sizes.items() if size >= floor), key=lambda name: (-sizes[name], name))
    return tuple(
        Found(name, min(by_id[name])[1], tuple(sorted(value for _, value in by_id[name])))
        for name in kept[:MOST_SEGMENTS]
    )
