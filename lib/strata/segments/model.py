"""A fitted clustering as plain values: what `models.cluster_models` holds, and enough to assign customers again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from strata.contract.cluster_ids import cluster_ids
from strata.segments.preparation import Preparation


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """Centres of a clustering in prepared units, in the order of the segment ids c1 ... ck."""

    segmentation: str
    version: int
    definition_hash: str
    as_of_date: date
    known_at: datetime
    preparation: Preparation
    centres: tuple[tuple[float, ...], ...]
    inertia: float
    fitted_rows: int

    @property
    def model_id(self) -> str:
        """32 hex digits: hash of definition, as_of and known_at, as a fit depends on nothing else."""
        return model_id(self.definition_hash, self.as_of_date, self.known_at)

    @property
    def segments(self) -> tuple[str, ...]:
        """Segment ids in the order of the centres."""
        return cluster_ids(len(self.centres))

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
            "inertia": self.inertia,
            "fitted_rows": self.fitted_rows,
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
            inertia=row["inertia"],
            fitted_rows=row["fitted_rows"],
        )
        if model.model_id != row["model_id"]:
            raise ValueError(f"cluster model {row['model_id']}: its definition and dates give {model.model_id}")
        return model


def model_id(definition_hash: str, as_of_date: date, known_at: datetime) -> str:
    """32 hex digits that name the model of a definition, fitted on what was known about a date at a moment.

    A moment without a zone is one in UTC, as Spark hands it out.
    """
    moment = known_at.replace(tzinfo=UTC) if known_at.tzinfo is None else known_at.astimezone(UTC)
    words = f"{definition_hash}|{as_of_date.isoformat()}|{moment.isoformat(timespec='microseconds')}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]
