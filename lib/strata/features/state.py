"""What the stored tiles hold, kept as a note on the commit that wrote them. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from strata.features.tiles import TilePlan

MARK = "tile-state "


@dataclass(frozen=True, slots=True)
class TileState:
    """What a table of tiles was made of.

    Attributes:
        grain: hash of what decides which rows there are and what they are joined with.
        columns: the partials that are right.
        known_at: what had arrived by then is in them.
        oldest: the oldest day this commit has changed; None: all of them.
    """

    grain: str
    columns: frozenset[str]
    known_at: datetime
    oldest: date | None = None

    def note(self) -> str:
        """The state as one line for a commit."""
        said = {
            "grain": self.grain, "columns": sorted(self.columns), "known_at": self.known_at.isoformat(),
            "oldest": self.oldest and self.oldest.isoformat(),
        }  # fmt: skip
        return MARK + json.dumps(said, separators=(",", ":"))


def read_state(metadata: str) -> TileState | None:
    """The state that a commit's metadata tells; None when it tells none."""
    _, mark, written = metadata.partition(MARK)
    if not mark:
        return None
    said = json.loads(written)
    oldest = date.fromisoformat(said["oldest"]) if said["oldest"] else None
    known_at = datetime.fromisoformat(said["known_at"])
    return TileState(said["grain"], frozenset(said["columns"]), known_at, oldest)


def grain_of(plan: TilePlan) -> str:
    """Hash of the tables that rows come from, the columns that tell cells apart, and what events are joined with."""
    content = [plan.tables, plan.by, sorted(plan.products.items()), sorted(plan.places.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def unchanged_through(states: Iterable[TileState | None], through: date) -> bool:
    """Whether none of these commits has changed a day up to `through`."""
    return all(state is not None and state.oldest is not None and state.oldest > through for state in states)
