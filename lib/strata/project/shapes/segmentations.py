"""segmentations/<name>.yml: rules, scores or clusters that split the base."""

from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.models import ClusterFeature, Score, Segment, Segmentation
from strata.project.reading import Field, Reader, list_of, optional, record, required, tagged
from strata.project.units import RollUp

ERROR = "error"


def _segmentation(segmentation: str, where: Location, **values: Any) -> Segmentation:
    absent: dict[str, Any] = {
        "segments": (), "otherwise": ERROR, "scores": (), "clusters": None, "features": (), "seed": 0,
    }  # fmt: skip
    return Segmentation(name=segmentation, where=where, **{**absent, **values})


_COMMON: dict[str, Field] = {
    "segmentation": required(s.identifier),
    "version": required(s.whole(1, 1_000_000)),
    "technique": required(s.phrase),
    "owner": required(s.phrase),
    "task": required(s.phrase),
    "kind": required(s.phrase),
}
_SEGMENT = record(
    "a segment",
    Segment,
    {
        "segment": required(s.name),
        "label": required(s.phrase),
        "when": optional(s.text),
        "description": optional(s.phrase),
        "offer": optional(s.name),
    },
)
_SEGMENTS = {
    "segments": required(list_of(_SEGMENT, unique=False)),
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
        "thresholds": required(list_of(s.number(), unique=False)),
        "better": required(s.choice("low", "high")),
    },
)
_CLUSTER_FEATURE = record(
    "a feature of a clustering",
    ClusterFeature,
    {"feature": required(s.name), "transform": optional(s.choice("log1p", "none"), "none")},
)

SEGMENTATION: Reader[Segmentation] = tagged(
    "a segmentation",
    "kind",
    {
        "rules": record("a segmentation by rules", _segmentation, {**_COMMON, **_SEGMENTS, **_PER_UNIT}),
        "scores": record(
            "a segmentation by scores",
            _segmentation,
            {**_COMMON, **_SEGMENTS, **_PER_UNIT, "scores": required(list_of(_SCORE, unique=False))},
        ),
        "clusters": record(
            "a segmentation by clusters",
            _segmentation,
            {
                **_COMMON,
                "clusters": required(s.whole(2, 50)),
                "seed": required(s.whole(0, 2**31 - 1)),
                "features": required(list_of(_CLUSTER_FEATURE, unique=False)),
            },
        ),
    },
)
