"""Who goes from where to where when edited definitions replace the released ones: the query and its answer. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from strata.contract.outside import NO_SEGMENT, NOT_IN_BASE
from strata.project.audiences import Audience
from strata.project.models import Segmentation
from strata.project.words import mentioned
from strata.publish.catalog import live_rows
from strata.publish.versions import changed_under_their_version, reads_as_released
from strata.segments.duckdb import base_column
from strata.segments.literals import quoted, text

Row = Mapping[str, Any]
State = Literal["new", "changed", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Move:
    """Customers who go from one segment to another or stay, and what they spent (None: not known)."""

    origin: str
    goal: str
    customers: int
    revenue: Decimal | None

    @property
    def is_one(self) -> bool:
        """False for those who stay."""
        return self.origin != self.goal


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a segmentation.

    Attributes:
        version: as it is written now; of a removed one, as released.
        released_version: None for a new one.
        moves: of a changed one, with those who stay; of a new one everybody comes from outside.
        audiences: audience -> which names of the segmentation its conditions share.
        notes: what else a reviewer should know.
    """

    segmentation: str
    state: State
    version: int
    released_version: int | None
    moves: tuple[Move, ...] = ()
    audiences: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def moves_query(segments: str, membership: str, name: str, revenue: str | None) -> str:
    """A row per way: origin, goal, customers, revenue.

    Args:
        segments: a query made by `select_segments`, with the features of `revenue`.
        membership: members.segment_membership as released, in parentheses.
        name: the segmentation.
        revenue: the SQL of what is summed.
    """
    spent = revenue or "CAST(NULL AS DECIMAL(18,2))"
    goal = f"CASE WHEN {quoted(base_column(name))} THEN coalesce({quoted(name)}, '{NO_SEGMENT}') END"
    now = f"SELECT customer_id, {goal} AS goal, {spent} AS revenue FROM ({segments})"
    before = f"SELECT customer_id, coalesce(segment, '{NO_SEGMENT}') AS origin FROM {membership}"
    before = f"{before} WHERE segmentation = {text(name)}"
    ways = f"coalesce(origin, '{NOT_IN_BASE}') AS origin, coalesce(goal, '{NOT_IN_BASE}') AS goal"
    joined = f"({before}) AS released FULL JOIN ({now}) AS working USING (customer_id)"
    either = "WHERE origin IS NOT NULL OR goal IS NOT NULL"
    return f"SELECT {ways}, count(*) AS customers, sum(revenue) AS revenue FROM {joined} {either} GROUP BY 1, 2"


def read_moves(rows: Iterable[Row]) -> tuple[Move, ...]:
    """The answer to `moves_query`, the largest ways first."""
    found = [Move(row["origin"], row["goal"], row["customers"], row["revenue"]) for row in rows]
    return tuple(sorted(found, key=lambda move: (-move.customers, move.origin, move.goal)))


def state_of(segmentation: Segmentation, definition_hash: str, released: Sequence[Row]) -> State:
    """New, changed or unchanged against the live rows of its released catalogue."""
    if not released:
        return "new"
    return "unchanged" if {row["definition_hash"] for row in released} == {definition_hash} else "changed"


def notes_on(segmentation: Segmentation, definition_hash: str, catalog: Sequence[Row]) -> list[str]:
    """What is to be said about a new or changed definition beside who moves; `catalog`: its rows, retired ones too."""
    hashes = {f"segmentation.{segmentation.name}": definition_hash}
    refused = changed_under_their_version([segmentation], hashes, catalog)
    notes = [f"`strata run` refuses this: {problem.what}; {problem.next_step} ({problem.where})" for problem in refused]
    if reads_as_released(segmentation, live_rows(catalog)):
        notes.append(
            "its rules read as released; where a feature under them is computed differently now, what is"
            " stored of it is the old one until `strata features` has run"
        )
    return notes


def touched(audiences: Iterable[Audience], name: str, features: frozenset[str]) -> dict[str, list[str]]:
    """The audiences whose conditions name a segmentation or one of its features, and which of them."""
    found = {}
    for audience in audiences:
        shared = {word for text_ in audience.conditions for word in mentioned(text_.words)} & {name, *features}
        if shared:
            found[audience.name] = sorted(shared)
    return found
