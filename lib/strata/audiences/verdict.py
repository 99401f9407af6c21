"""Whether an audience may be published, and the line of the catalogue that says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import ceil, floor, isfinite
from typing import Any, Literal

from strata.audiences.sampled import Counts
from strata.project.audiences import Audience

SMALL_SEED = 1000
"""Seeds below this are published with a warning; published work sees look-alikes degrade below 500."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Published or withheld; `reason` says why it was withheld, or what to know.

    `failures`: in how many releases in a row the proof of a look-alike has failed; None for other kinds.
    """

    status: Literal["published", "withheld"]
    reason: str | None
    failures: int | None = None

    @property
    def published(self) -> bool:
        """Whether the members found now are the ones to publish."""
        return self.status == "published"


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of customers who were judged.

    Attributes:
        members: those whom nothing is against.
        refusals: reason -> how many were refused for it.
        holdout: of the members, those kept from the campaign.
        asked: of the members, those who were written to in the last 84 days; None: no source tells.
    """

    members: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)
    holdout: int = 0
    asked: int | None = 0

    @property
    def refused(self) -> int:
        """How many were refused, for whatever reason."""
        return sum(self.refusals.values())


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of an audience in numbers.

    Attributes:
        found: of those found now; None: nobody was looked for.
        members: of those in audience_membership.
        last: members of the last release in which it was published; None: there is none.
    """

    found: Tally | None
    members: Tally
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition by its hashes: of the whole, and `part=hash` of each of its parts."""

    digest: str
    parts: Sequence[str]


def tallies(judged: Iterable[Mapping[str, Any]], *, asked_is_known: bool) -> dict[tuple[str, bool], Tally]:
    """What `delivery.count_judged` gives, by audience and whether it is about its last members."""
    found: dict[tuple[str, bool], Tally] = {}
    for row in judged:
        key = (row["audience"], row["stale"])
        so_far = found.get(key, Tally(asked=0 if asked_is_known else None))
        if row["reason"] is None:
            asked = row["asked"] if asked_is_known else None
            found[key] = replace(so_far, members=row["customers"], holdout=row["holdout"], asked=asked)
        else:
            found[key] = replace(so_far, refusals={**so_far.refusals, row["reason"]: row["customers"]})
    return found


def last_published(line: Mapping[str, Any] | None) -> int | None:
    """How many members an audience had when it was last published, by its line of the catalogue before.

    Args:
        line: None: there is none. Lines of earlier versions of strata lack `published_customers`.
    """
    if line is None:
        return None
    size: int | None = line["customers"] if line["status"] == "published" else line.get("published_customers")
    return size


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
    audience: Audience,
    withheld: Sequence[str],
    notes: Sequence[str],
    tally: Tally | None,
    audience_floor: int,
    last: int | None = None,
) -> Verdict:
    """The verdict, when it is known how many customers are left.

    Args:
        audience: as declared; `publish_at_least` is the least size.
        withheld: reasons against it so far.
        notes: what to know.
        tally: what came of those found; None when nobody was picked because of `withheld`.
        audience_floor: the project's least size of any audience.
        last: members of the last release in which it was published; None: there is none.
    """
    reasons = list(withheld)
    if tally is not None and not reasons:
        least = max(audience.publish_at_least, audience_floor, 1)
        reasons += filter(None, [_too_few(tally, least) or _outside(audience, tally.members, last)])
    if reasons:
        return Verdict("withheld", "; ".join(reasons))
    return Verdict("published", "; ".join(notes) or None)


def catalog_row(
    audience: Audience,
    defined: Defined,
    as_of: date,
    counts: Counts,
    outcome: Verdict,
    delivered: Delivered,
) -> dict[str, Any]:
    """A row of `publish.audience_catalog`, without release_id."""
    members = delivered.members
    return {
        "as_of_date": as_of,
        "audience": audience.name,
        "kind": audience.kind,
        "owner": audience.owner,
        "purpose": audience.purpose,
        "definition_hash": defined.digest,
        "seed_customers": counts.seed if audience.kind == "lookalike" else None,
        "candidate_customers": counts.candidates,
        "customers": members.members,
        "status": outcome.status,
        "status_reason": outcome.reason,
        "refused_customers": delivered.found.refused if delivered.found else None,
        "holdout_customers": members.holdout,
        "asked_customers_84d": members.asked,
        "published_customers": members.members if outcome.published else delivered.last,
        "definition_parts": [*defined.parts],
        "failures": outcome.failures,
    }


def _too_few(tally: Tally, least: int) -> str | None:
    if tally.members >= least:
        return None
    if tally.members or not tally.refusals:
        return f"{tally.members:,} customers are left after exclusions, expected at least {least:,}"
    largest_first = sorted(tally.refusals.items(), key=lambda entry: (-entry[1], entry[0]))
    told = ", ".join(f"{count:,} {reason}" for reason, count in largest_first)
    return f"nobody is left of the {tally.refused:,} customers found: {told}"


def _outside(audience: Audience, members: int, last: int | None) -> str | None:
    """Why a size is not believed; None: it is within the band, or there is no size to hold it against."""
    band = audience.band
    if not last or band.at_least * last <= members <= band.at_most * last:
        return None
    limits = [f"at least {ceil(round(band.at_least * last, 6)):,}"] if band.at_least else []
    limits += [f"at most {floor(round(band.at_most * last, 6)):,}"] if isfinite(band.at_most) else []
    what = f"{members:,} customers, when last published {last:,}, and its band expects {' and '.join(limits)}"
    return f"{what}: if this is right, widen `band` or leave it out for this release"
