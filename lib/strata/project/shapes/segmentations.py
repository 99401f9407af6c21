"""segmentations/<name>.yml: rules, scores, values of an attribute or clusters that split the base."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.clusterings import SMALLEST, USUAL_REFIT, ClusterFeature, Refit
from strata.project.measures import Growth, Index, Measure
from strata.project.models import Score, Segment, Segmentation
from strata.project.notes import Notes
from strata.project.policies import SPECIAL_CATEGORIES
from strata.project.reading import (
    Field,
    Reader,
    list_of,
    mapping_of,
    optional,
    plain_record,
    record,
    required,
    tagged,
)
from strata.project.shapes.features import LINES, UNITS, FeatureLine
from strata.project.units import RollUp, Unit
from strata.project.yaml import Entries, Node

ERROR, OTHER, UNKNOWN = "error", "other", "unknown"
MOST_QUANTILES, MOST_CLUSTERS = 100, 50
NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Definition:
    """A file of segmentations/: the segmentation, the features and the units it brings along."""

    segmentation: Segmentation
    needs: tuple[FeatureLine, ...]
    units: tuple[Unit, ...] = ()


def _definition(
    segmentation: str,
    where: Location,
    needs: tuple[FeatureLine, ...] = (),
    units: tuple[Unit, ...] = (),
    how_many: int | tuple[int, int] | None = None,
    **values: Any,
) -> Definition:
    absent: dict[str, Any] = {
        "segments": (), "otherwise": ERROR, "scores": (), "features": (), "seed": 0,
        "clusters": how_many if isinstance(how_many, int) else None,
        "search": how_many if isinstance(how_many, tuple) else None,
    }  # fmt: skip
    return Definition(Segmentation(name=segmentation, where=where, **{**absent, **values}), needs, units)


def _segment(where: Location, **values: Any) -> Segment:
    return Segment(where=where, **{"when": None, **values})


def score(node: Node, notes: Notes) -> Score:
    """A score, cut in exactly one of three ways."""
    read = _SCORE(node, notes)
    ways = [way for way in ("thresholds", "quantiles", "covers") if getattr(read, way)]
    if len(ways) != 1:
        found = " and ".join(ways) or "neither of them"
        raise notes.refuse(node.where, f"found {found}, expected thresholds, quantiles or covers", "keep one of them")
    if read.covers and read.better != "high":
        raise notes.refuse(node.where, f"covers with `better: {read.better}`", "the largest values cover: better: high")
    return read


_COMMON: dict[str, Field] = {
    "segmentation": required(s.identifier),
    "version": required(s.whole(1, 1_000_000)),
    "technique": required(s.phrase),
    "owner": required(s.phrase),
    "task": required(s.phrase),
    "kind": required(s.phrase),
    "base": optional(s.text),
    "purpose": optional(s.name),
    "special_category": optional(s.choice(*SPECIAL_CATEGORIES)),
    "needs": optional(LINES, ()),
    "units": optional(UNITS, ()),
}
_WORDS: dict[str, Field] = {
    "segment": required(s.name),
    "label": required(s.phrase),
    "description": optional(s.phrase),
    "offer": optional(s.name),
}
_SEGMENTS = {
    "segments": required(list_of(record("a segment", _segment, {**_WORDS, "when": optional(s.text)}), unique=False)),
    "otherwise": optional(s.name, ERROR),
}
_PER_UNIT = {
    "per": optional(s.name),
    "roll_up": optional(
        record(
            "a roll-up",
            RollUp,
            {"by": required(s.choice("last", "most_frequent", "highest")), "without": required(s.name)},
        )
    ),
}
_SCORE = record(
    "a score",
    Score,
    {
        "score": required(s.identifier),
        "of": required(s.name),
        "thresholds": optional(list_of(s.number(), unique=False), ()),
        "quantiles": optional(s.whole(2, MOST_QUANTILES)),
        "covers": optional(list_of(s.number(0, 1), unique=False), ()),
        "better": required(s.choice("low", "high")),
    },
)
_CLUSTER_FEATURE = record(
    "a feature of a clustering",
    ClusterFeature,
    {
        "feature": required(s.name),
        "transform": optional(s.choice("log1p", "none", "rank"), "none"),
        "weight": optional(s.number(0, 1_000), 1.0),
        "zeros": optional(s.choice("plain", "apart"), "plain"),
        "unknown": optional(s.choice("median", "zero", "apart"), "median"),
        "high": optional(s.phrase),
        "low": optional(s.phrase),
    },
)
_HOW_MANY = s.whole(2, MOST_CLUSTERS)
_SEARCH: Reader[tuple[int, int]] = plain_record(
    "a search for the number of clusters",
    lambda first, last: (first, last),
    {"from": required(_HOW_MANY, into="first"), "to": required(_HOW_MANY, into="last")},
)
_REFIT = plain_record(
    "a refit",
    Refit,
    {
        "every_days": optional(s.whole(1, 10_000)),
        "psi": optional(s.number(0, 100), USUAL_REFIT.psi),
        "misfits": optional(s.number(0, 1), USUAL_REFIT.misfits),
    },
)
_GROUP = record(
    "a segment",
    _segment,
    {
        **_WORDS,
        "values": optional(list_of(s.phrase, at_least=0), ()),
        "at_least": optional(s.number()),
        "at_most": optional(s.number()),
    },
)
_MEASURED: dict[str, Reader[Measure]] = {
    "growth": record(
        "growth",
        Growth,
        {"now": required(s.name, into="latest"), "before": required(s.name), "earlier": required(s.name)},
    ),
    "index": record("an index", Index, {"of": required(s.name), "share_at_most": required(s.number(0, 1))}),
}
_MEASURES: Reader[list[Measure]] = plain_record(
    "a measure",
    lambda **said: [m for m in said.values() if m is not None],
    {k: optional(r) for k, r in _MEASURED.items()},
)


def measure(node: Node, notes: Notes) -> Measure:
    """What is measured of groups: one of growth and index."""
    measures = _MEASURES(node, notes)
    if len(measures) != 1:
        either = "growth: {now: ..., before: ..., earlier: ...} or index: {of: ..., share_at_most: ...}"
        hint = "keep one of them" if measures else either
        raise notes.refuse(node.where, f"found {len(measures)} measures, expected growth or index", hint)
    return measures[0]


def clusters(node: Node, notes: Notes) -> int | tuple[int, int]:
    """How many clusters: a number, or from which to which the best is looked for."""
    if not isinstance(node, Entries):
        return _HOW_MANY(node, notes)
    first, last = _SEARCH(node, notes)
    if first >= last:
        raise notes.refuse(node.where, f"found from {first} to {last}", "from below to, or one number: clusters: 5")
    return first, last


DEFINITION: Reader[Definition] = tagged(
    "a segmentation",
    "kind",
    {
        "rules": record("a segmentation by rules", _definition, {**_COMMON, **_SEGMENTS, **_PER_UNIT}),
        "scores": record(
            "a segmentation by scores",
            _definition,
            {**_COMMON, **_SEGMENTS, **_PER_UNIT, "scores": required(list_of(score, unique=False))},
        ),
        "attribute": record(
            "a segmentation by an attribute",
            _definition,
            {
                **_COMMON,
                "of": required(s.name),
                "measure": optional(measure),
                "segments": optional(list_of(_GROUP, unique=False), ()),
                "otherwise": optional(s.name, OTHER),
                "unknown": optional(s.name, UNKNOWN),
                "floor": optional(s.whole(1, 10**9), 0),
            },
        ),
        "clusters": record(
            "a segmentation by clusters",
            _definition,
            {
                **_COMMON,
                "clusters": required(clusters, into="how_many"),
                "smallest": optional(s.whole(1, 10**9), SMALLEST),
                "seed": required(s.whole(0, 2**31 - 1)),
                "features": required(list_of(_CLUSTER_FEATURE, unique=False)),
                "refit": optional(_REFIT, USUAL_REFIT),
                "names": optional(mapping_of(s.cluster_id, s.phrase), NO_NAMES),
            },
        ),
    },
)
