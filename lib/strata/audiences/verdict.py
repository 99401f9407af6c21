"""Whether a look-alike has earned its place, and the line of the catalogue that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from strata.audiences.backtest import LOOKALIKE, RIVALS, Backtest
from strata.audiences.definition import Lookalike
from strata.audiences.sampled import Counts
from strata.project.audiences import Audience

SMALL_SEED = 1000
"""Seeds below this are published with a warning; published work sees look-alikes degrade below 500."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Published or withheld; `reason` says why it was withheld, or what to know."""

    status: Literal["published", "withheld"]
    reason: str | None

    @property
    def published(self) -> bool:
        """Whether the members found now are the ones to publish."""
        return self.status == "published"


def against_publishing(
    lookalike: Lookalike, counts: Counts, seed_floor: int, tried: Backtest | None
) -> tuple[str, ...]:
    """Reasons to withhold that are known before anybody is picked.

    Args:
        lookalike: its reach is that at which rivals must be beaten.
        counts: customers on the as-of date.
        seed_floor: least size of a seed.
        tried: the backtest; None where it could not be made.
    """
    if counts.seed < max(1, seed_floor):
        return (f"the seed has {counts.seed:,} customers, expected at least {max(1, seed_floor):,}",)
    if not counts.candidates:
        return ("nobody is a candidate",)
    if tried is None:
        days = lookalike.audience.looks_like.backtest_days
        return (f"cannot be tried: {days} days before, seed or candidates were empty",)
    return tuple(filter(None, (_beaten(lookalike.reach(counts.candidates), tried),)))


def lapsed(excluded: Mapping[str, int]) -> tuple[str, ...]:
    """Reasons to withhold by what is excluded: an audience without members would exclude nobody, though it is meant to.

    Args:
        excluded: how many members the audiences have that exclusions name; a published one is never empty.
    """
    empty = sorted(name for name, customers in excluded.items() if not customers)
    return tuple(f"excluded audience {name} is withheld and has no members" for name in empty)


def worth_knowing(counts: Counts, leaking: Sequence[str]) -> tuple[str, ...]:
    """Notes for a look-alike that was fitted.

    Args:
        counts: customers on the as-of date.
        leaking: features that were left out because they alone tell the seed from the rest.
    """
    notes = [f"not learned from, as each alone tells the seed from the rest: {', '.join(leaking)}"] if leaking else []
    if counts.seed < SMALL_SEED:
        notes.append(f"the seed has {counts.seed:,} customers; below {SMALL_SEED:,} a look-alike is less sure")
    return tuple(notes)


def verdict(
    audience: Audience, withheld: Sequence[str], notes: Sequence[str], picked: int | None, audience_floor: int
) -> Verdict:
    """The verdict, when it is known how many customers were picked.

    Args:
        audience: as declared; `publish_at_least` is the least size.
        withheld: reasons against it so far.
        notes: what to know.
        picked: members after exclusions; None when nobody was picked because of `withheld`.
        audience_floor: the project's least size of any audience.
    """
    floor = max(audience.publish_at_least, audience_floor, 1)
    reasons = list(withheld)
    if picked is not None and picked < floor:
        reasons.append(f"{picked:,} customers are left after exclusions, expected at least {floor:,}")
    if reasons:
        return Verdict("withheld", "; ".join(reasons))
    return Verdict("published", "; ".join(notes) or None)


def catalog_row(
    audience: Audience, definition_hash: str, as_of: date, counts: Counts, customers: int, outcome: Verdict
) -> dict[str, Any]:
    """A row of `publish.audience_catalog`, without release_id; `customers` are those in audience_membership."""
    return {
        "as_of_date": as_of,
        "audience": audience.name,
        "kind": audience.kind,
        "owner": audience.owner,
        "purpose": audience.purpose,
        "definition_hash": definition_hash,
        "seed_customers": counts.seed,
        "candidate_customers": counts.candidates,
        "customers": customers,
        "status": outcome.status,
        "status_reason": outcome.reason,
    }


def _beaten(reach: float, tried: Backtest) -> str | None:
    """Why the backtest speaks against it; None when the look-alike finds more than every rival."""
    own = tried.lift(LOOKALIKE, reach)
    since = f"backtest from {tried.train_as_of_date}"
    if own is None:
        return f"{since}: none of {tried.candidates:,} candidates joined the seed, so nothing shows that it works"
    rivals = {model: tried.lift(model, reach) or 0.0 for model in RIVALS}
    best = max(rivals, key=lambda model: rivals[model])
    if own > rivals[best]:
        return None
    return f"{since}: lift at {reach:.0%} is {own:.2f}, not above {rivals[best]:.2f} of {best.replace('_', ' ')}"
