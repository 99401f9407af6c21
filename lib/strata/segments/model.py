"""A fitted clustering as plain values: what `models.cluster_models` holds, and enough to assign customers again."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from strata.project.models import Segment, Segmentation
from strata.segments.preparation import Preparation

Verdict = Literal["kept", "split", "merged", "new", "gone"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster is called.

    Attributes:
        segment: its permanent id.
        label: its name for people.
        description: what sets it apart, in figures.
        stability: bootstrap Jaccard at the fit, 0 to 1.
    """

    segment: str
    label: str
    description: str | None
    stability: float | None


@dataclass(frozen=True, slots=True)
class Tried:
    """A number of clusters that was tried, as `publish.cluster_selection` says it."""

    k: int
    inertia: float
    silhouette: float | None
    calinski_harabasz: float | None
    stability: float | None
    stability_mean: float | None
    bootstraps: int
    customers_smallest: int
    is_chosen: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a cluster, one row of `cluster_lineage`.

    Attributes:
        segment: its permanent id.
        matched_from: segment of the last release from which most members came: kept, split, merged (the largest part).
        jaccard: with `matched_from`, or of a gone one with `continued_in`; None without either.
        continued_in: of a gone one: segment of the new fit that took most of its members; None: they dispersed.
    """

    segment: str
    verdict: Verdict
    matched_from: str | None = None
    jaccard: float | None = None
    continued_in: str | None = None


@dataclass(frozen=True, slots=True)
class Bins:
    """How one prepared dimension was spread at the fit.

    Attributes:
        breakpoints: upper ends of all bins but the last; an end belongs to the bin below it. At most 9.
        shares: of the customers, one more than breakpoints.
    """

    dimension: str
    breakpoints: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What is stored with a model to tell drift: bins per dimension, and how far members lie from their centre.

    Attributes:
        far: per cluster the 99 % quantile of the squared distances of its members.
        customers: how many were sampled.
    """

    bins: tuple[Bins, ...]
    far: tuple[float, ...]
    customers: int

    def to_json(self) -> str:
        """As it is stored; floats survive the way there and back."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Reference":
        """The reference that `to_json` wrote."""
        stored = json.loads(text)
        bins = (Bins(b["dimension"], tuple(b["breakpoints"]), tuple(b["shares"])) for b in stored["bins"])
        return cls(tuple(bins), tuple(stored["far"]), stored["customers"])


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """A fitted clustering.

    Attributes:
        centres: in prepared units.
        clusters: what each is called, in the order of the centres.
        inertia: sum of squared distances on the fitted rows, by their weights.
        fitted_rows: rows it was fitted on, which stand for `customers`.
        found_by: whose centres were the better ones.
        fitted_because: why it was fitted.
        selection: every number of clusters that was tried.
        lineage: what became of the clusters of the release before.
        reference: what drift is measured against.
    """

    segmentation: str
    version: int
    definition_hash: str
    as_of_date: date
    known_at: datetime
    preparation: Preparation
    centres: tuple[tuple[float, ...], ...]
    clusters: tuple[Cluster, ...]
    inertia: float
    fitted_rows: int
    customers: int
    found_by: str
    fitted_because: str
    selection: tuple[Tried, ...]
    lineage: tuple[Line, ...]
    reference: Reference

    @property
    def model_id(self) -> str:
        """32 hex digits: hash of definition, as_of and known_at, as a fit depends on nothing else."""
        return model_id(self.definition_hash, self.as_of_date, self.known_at)

    @property
    def segments(self) -> tuple[str, ...]:
        """Segment ids in the order of the centres."""
        return tuple(cluster.segment for cluster in self.clusters)

    def to_row(self) -> dict[str, Any]:
        """One row of `models.cluster_models`."""
        return {
            "model_id": self.model_id,
            "segmentation": self.segmentation,
            "version": self.version,
            "definition_hash": self.definition_hash,
            "as_of_date": self.as_of_date,
            "known_at": self.known_at,
            "features": list(self.preparation.features),
            "preparation": self.preparation.to_json(),
            "centres": [list(centre) for centre in self.centres],
            "clusters": _to_json(self.clusters),
            "inertia": self.inertia,
            "fitted_rows": self.fitted_rows,
            "customers": self.customers,
            "found_by": self.found_by,
            "fitted_because": self.fitted_because,
            "selection": _to_json(self.selection),
            "lineage": _to_json(self.lineage),
            "reference": self.reference.to_json(),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ClusterModel":
        """The model of a row of `models.cluster_models`.

        Raises:
            ValueError: the row's id does not follow from its definition hash and dates.
        """
        model = cls(
            segmentation=row["segmentation"],
            version=row["version"],
            definition_hash=row["definition_hash"],
            as_of_date=row["as_of_date"],
            known_at=row["known_at"],
            preparation=Preparation.from_json(row["preparation"]),
            centres=tuple(tuple(centre) for centre in row["centres"]),
            clusters=tuple(Cluster(**values) for values in json.loads(row["clusters"])),
            inertia=row["inertia"],
            fitted_rows=row["fitted_rows"],
            customers=row["customers"],
            found_by=row["found_by"],
            fitted_because=row["fitted_because"],
            selection=tuple(Tried(**values) for values in json.loads(row["selection"])),
            lineage=tuple(Line(**values) for values in json.loads(row["lineage"])),
            reference=Reference.from_json(row["reference"]),
        )
        if model.model_id != row["model_id"]:
            raise ValueError(f"cluster model {row['model_id']}: its definition and dates give {model.model_id}")
        return model


def with_clusters(segmentation: Segmentation, model: ClusterModel) -> Segmentation:
    """The definition with the clusters of its model as segments; names that it gives itself win."""
    segments = [
        Segment(c.segment, segmentation.names.get(c.segment, c.label), None, c.description, None, segmentation.where)
        for c in model.clusters
    ]
    return replace(segmentation, segments=tuple(segments))


def _to_json(parts: Iterable[Cluster | Tried | Line]) -> str:
    return json.dumps([asdict(part) for part in parts], allow_nan=False)


def model_id(definition_hash: str, as_of_date: date, known_at: datetime) -> str:
    """32 hex digits that name the model of a definition, fitted on what was known about a date at a moment.

    A moment without a zone is one in UTC, as Spark hands it out.
    """
    moment = known_at.replace(tzinfo=UTC) if known_at.tzinfo is None else known_at.astimezone(UTC)
    words = f"{definition_hash}|{as_of_date.isoformat()}|{moment.isoformat(timespec='microseconds')}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]
