"""How an audience comes to its size, condition by condition: the query, and what its answer says. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from strata.preview.audiences import AudienceSQL, seed_column
from strata.project.audiences import Audience
from strata.segments.literals import quoted


@dataclass(frozen=True, slots=True)
class Refused:
    """A reason in its place: for how many it holds, whom it takes out that none before it has, who is left then."""

    reason: str
    alone: int
    takes: int
    left: int


@dataclass(frozen=True, slots=True)
class AudienceFunnel:
    """What becomes of the base.

    Attributes:
        seed: None but for look-alikes.
        meets: who meets the rule, is listed, is a candidate.
        picked: the first of them by order; of a look-alike all candidates, as nobody has learned yet who is best.
        refused: who of the picked is taken out, and why.
        members: whom nothing refuses; `held_out`: of these.
        released: of a look-alike: members as the release of the date has them; None: it has none.
        remaining: of these, whom nothing refuses now.
    """

    base: int
    seed: int | None
    meets: int
    picked: int
    refused: tuple[Refused, ...]
    members: int
    held_out: int
    released: int | None
    remaining: int | None


def audience_funnel_query(everybody: str, audience: Audience, sql: AudienceSQL) -> str:
    """One row for `read_audience_funnel`; `everybody`: a query with the columns of `sql`."""
    picked = quoted(_picked(audience, sql))
    counts = {"base": "true", "meets": quoted(sql.meets), "picked": picked, "found": quoted(sql.found)}
    if audience.likeness is not None:
        counts["seed"] = quoted(seed_column(audience))
    before = picked
    for place, column in enumerate(map(quoted, sql.refusals.values())):
        counts[f"alone {place}"] = f"{picked} AND {column}"
        counts[f"takes {place}"] = f"{before} AND {column}"
        before += f" AND NOT {column}"
    counts |= {"members": before, "held out": f"{before} AND {quoted(sql.held_out)}", "still": quoted(sql.member)}
    columns = ", ".join(f"count(*) FILTER ({what}) AS {quoted(name)}" for name, what in counts.items())
    return f"SELECT {columns}, bool_or({quoted(sql.found)} IS NOT NULL) AS is_known FROM ({everybody})"


def read_audience_funnel(row: Mapping[str, Any], audience: Audience, sql: AudienceSQL) -> AudienceFunnel:
    """The answer to `audience_funnel_query`."""
    refused, left = [], row["picked"]
    for place, reason in enumerate(sql.refusals):
        left -= row[f"takes {place}"]
        refused.append(Refused(reason, row[f"alone {place}"], row[f"takes {place}"], left))
    is_released = audience.kind == "lookalike" and bool(row["is_known"])
    released, still = (row["found"], row["still"]) if is_released else (None, None)
    base, seed = row["base"], row.get("seed")
    return AudienceFunnel(
        base, seed, row["meets"], row["picked"], tuple(refused), row["members"], row["held out"], released, still
    )


def picked_of(audience: Audience, candidates: int) -> int | None:
    """How many of the candidates a look-alike takes; None where a score decides."""
    size = audience.size
    if size is None:
        return candidates
    if size.customers is not None:
        return min(size.customers, candidates)
    return None if size.share is None else ceil(round(size.share * candidates, 6))


def against_size(audience: Audience, members: int, last: int | None) -> list[str]:
    """Why an audience of this size would be withheld.

    Args:
        audience: its floor and its band.
        members: how many it would have.
        last: how many the release before has; None: it has no such audience.
    """
    found = []
    if members < audience.publish_at_least:
        found.append(f"{members:,} members are fewer than the {audience.publish_at_least:,} it is published from")
    if last:
        low, high = audience.band.at_least * last, audience.band.at_most * last
        if not low <= members <= high:
            ends = [f"at least {low:,.0f}" * (low > 0), f"at most {high:,.0f}" * (high != float("inf"))]
            told = " and ".join(filter(None, ends))
            found.append(f"{members:,} members are outside of its band: {told}, as the last size is {last:,}")
    return found


def _picked(audience: Audience, sql: AudienceSQL) -> str:
    return sql.meets if audience.kind == "lookalike" else sql.found
