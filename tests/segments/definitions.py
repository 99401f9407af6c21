"""Short ways to write definitions and small frames in tests."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from strata.contract.cluster_ids import cluster_ids
from strata.errors import Location
from strata.project.clusterings import ClusterFeature
from strata.project.models import Score, Segment, Segmentation
from strata.project.words import Text
from strata.segments.model import Cluster, ClusterModel, Reference
from strata.segments.preparation import Dimension, Preparation

GROCERY = Path(__file__).parents[2] / "conf" / "grocery"
HERE = Location("test.yml", 1, 1)
AS_OF = date(2017, 12, 31)
KNOWN_AT = datetime(2018, 1, 1, tzinfo=UTC)


def score(name: str, of: str, thresholds: Sequence[float], better: str) -> Score:
    return Score(name, of, tuple(thresholds), better, HERE)


def segment(name: str, when: str | None = None, offer: str | None = None) -> Segment:
    text = None if when is None else Text(when, HERE)
    return Segment(name, name.title(), text, None, offer, HERE)


def segmentation(name: str, kind: str = "rules", segments: Sequence[Segment] = (), **changes: Any) -> Segmentation:
    parts: dict[str, Any] = {"otherwise": "error", "scores": (), "clusters": None, "features": (), "seed": 17}
    parts = {"version": 1, "technique": name, "owner": "crm", "task": "test", **parts, **changes}
    return Segmentation(name=name, kind=kind, segments=tuple(segments), where=HERE, **parts)


def clustering(features: dict[str, str], clusters: int | None, seed: int = 17) -> Segmentation:
    declared = tuple(ClusterFeature(name, transform, HERE) for name, transform in features.items())
    return segmentation("style", "clusters", features=declared, clusters=clusters, seed=seed)


def plain_preparation(*features: str) -> Preparation:
    """The values as they are."""
    return Preparation(features, tuple(Dimension(feature, "value", "none") for feature in features))


def cluster_model(
    preparation: Preparation, *centres: tuple[float, ...], labels: Sequence[str] = (), **changes: Any
) -> ClusterModel:
    """A model as if fitted; its clusters are called Cluster c1 and so on."""
    ids = cluster_ids(len(centres))
    clusters = tuple(map(Cluster, ids, labels or [f"Cluster {i}" for i in ids], repeat(None), repeat(None)))
    parts: dict[str, Any] = {
        "segmentation": "style", "version": 1, "definition_hash": "0" * 32, "as_of_date": AS_OF, "known_at": KNOWN_AT,
        "inertia": 1.0, "fitted_rows": 1, "customers": 1, "found_by": "both", "fitted_because": "no released model",
        "selection": (), "lineage": (), "reference": Reference((), (), 1),
    }  # fmt: skip
    return ClusterModel(preparation=preparation, centres=centres, clusters=clusters, **{**parts, **changes})


def customer(number: int) -> str:
    return f"{number:032x}"


def snapshot(spark: SparkSession, columns: dict[str, Sequence[Any] | pa.Array], as_of: date = AS_OF) -> DataFrame:
    count = len(next(iter(columns.values())))
    keys = {"as_of_date": [as_of] * count, "customer_id": [customer(i) for i in range(count)]}
    return spark.createDataFrame(pa.table({**keys, **columns}))
