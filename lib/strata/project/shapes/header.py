"""project.yml: what holds for the whole project."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from strata.errors import Location
from strata.project import scalars as s
from strata.project.models import Identity, Keep, Storage
from strata.project.notes import Notes
from strata.project.reading import Reader, mapping_of, optional, plain_record, record, required
from strata.project.shapes.storage import storage
from strata.project.yaml import Entries, Node

SHORTEST_RETENTION = 7
LONGEST = 36_500


@dataclass(frozen=True, slots=True)
class Header:
    """project.yml as read."""

    project: str
    description: str | None
    currency: str
    time_zone: str
    starts_on: date
    identity: Identity
    retention_days: int
    storage: Storage
    variables: Mapping[str, str]
    keep: Keep
    where: Location
    includes: str | None = None


_USUAL = Keep()
_KEEP = plain_record(
    "keep",
    Keep,
    {
        "daily_days": optional(s.whole(1, LONGEST), _USUAL.daily_days),
        "then": optional(s.choice("month_ends", "nothing"), _USUAL.then),
        "rollback_days": optional(s.whole(1, LONGEST), _USUAL.rollback_days),
    },
)

VARIABLES: Reader[Mapping[str, str]] = mapping_of(s.name, s.phrase)

_HEADER: Reader[Header] = record(
    "project.yml",
    Header,
    {
        "project": required(s.name),
        "description": optional(s.phrase),
        "currency": required(s.currency),
        "time_zone": required(s.time_zone),
        "starts_on": required(s.day),
        "identity": required(
            plain_record(
                "identity",
                Identity,
                {"key_id": required(s.phrase), "key_env": required(s.phrase), "key_file": optional(s.phrase)},
            )
        ),
        "retention_days": required(s.whole(SHORTEST_RETENTION, LONGEST)),
        "storage": required(storage),
        "variables": optional(VARIABLES, {}),
        "includes": optional(s.phrase),
        "keep": optional(_KEEP, _USUAL),
    },
)


def header(node: Node, notes: Notes) -> Header:
    """project.yml, its promises held against each other."""
    read = _HEADER(node, notes)
    promised = read.keep.rollback_days
    if read.retention_days < promised:
        kept = node.value("keep") if isinstance(node, Entries) else None
        told = kept.value("rollback_days") if isinstance(kept, Entries) else None
        what = f"rollback_days: found {promised}, but versions are kept for {read.retention_days} days"
        notes.add(
            told.where if told else read.where, f"{what} (retention_days)",
            f"retention_days: {promised} or more, or promise less",
        )  # fmt: skip
    return read


HEADER: Reader[Header] = header
