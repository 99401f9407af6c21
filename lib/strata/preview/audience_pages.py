"""What a plan says of audiences. Pure; counts below the floor of cells are not told, as in `pages`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from strata.contract.outside import NOT_IN_BASE
from strata.preview.moves import Move
from strata.preview.pages import Section, Terms

Become = Literal["new", "changed", "removed", "unchanged"]
Ways = Mapping[str, tuple[int, Decimal | None]]
"""Way -> customers and what they spent."""


@dataclass(frozen=True, slots=True)
class AudienceChange:
    """What becomes of an audience.

    Attributes:
        before: members that the release has.
        parts: of the definition, which are not as released; empty where that is not kept.
        moves: of rules and lists: who comes in, who goes out, who stays.
        sizes: of look-alikes: what is counted, how many the release counted, how many there are now.
        notes: what else a reviewer should know.
    """

    audience: str
    state: Become
    before: int | None = None
    parts: tuple[str, ...] = ()
    moves: tuple[Move, ...] | None = None
    sizes: tuple[tuple[str, int | None, int], ...] = ()
    notes: tuple[str, ...] = ()


def audience_section(change: AudienceChange, terms: Terms) -> Section:
    """What is said about one audience that is not as released."""
    head = f"audience {change.audience}: {change.state}"
    if change.state == "removed":
        gone = f"its {_told(change.before or 0, terms.floor)} members are removed with the next release"
        return Section(head, (gone,), notes=change.notes)
    sentences = [f"not as released: {', '.join(change.parts)}"] if change.parts else []
    if change.sizes:
        counted = tuple((what, _known(then, terms.floor), _told(now, terms.floor)) for what, then, now in change.sizes)
        return Section(head, tuple(sentences), ("", "released", "now"), counted, change.notes)
    if change.moves is None:
        return Section(head, tuple(sentences), notes=change.notes)
    ways = _ways(change.moves)
    # How many stay is not told: beside the size before it would give away who goes out.
    rows = tuple(_row(way, ways[way], terms) for way in ("comes in", "goes out") if way in ways)
    sentences.append(_sizes(change, ways, terms.floor))
    header = ("", "customers", *filter(None, (terms.revenue,)))
    return Section(head, tuple(sentences), header if rows else (), rows, change.notes)


def _ways(moves: Sequence[Move]) -> Ways:
    found = {}
    for move in moves:
        way = "stays"
        if move.is_one:
            way = "comes in" if move.origin == NOT_IN_BASE else "goes out"
        found[way] = (move.customers, move.revenue)
    return found


def _sizes(change: AudienceChange, ways: Ways, floor: int) -> str:
    """Sizes before and after; one of them would give away a way that is too small to be told."""
    customers = {way: found[0] for way, found in ways.items()}
    if not customers.keys() & {"comes in", "goes out"}:
        return "nobody comes in or goes out"
    after = customers.get("stays", 0) + customers.get("comes in", 0)
    if any(n < floor for way, n in customers.items() if way != "stays"):
        return f"{_told(change.before or 0, floor)} members before; some ways are of too few to tell how many after"
    return f"{change.before or 0:,} members before, {after:,} after"


def _row(way: str, found: tuple[int, Decimal | None], terms: Terms) -> tuple[str, ...]:
    customers, revenue = found
    spent = ("" if revenue is None or customers < terms.floor else f"{revenue:,.2f}",) if terms.revenue else ()
    return (way, _told(customers, terms.floor), *spent)


def _told(count: int, floor: int) -> str:
    return f"{count:,}" if count >= floor or not count else f"<{floor}"


def _known(count: int | None, floor: int) -> str:
    return "-" if count is None else _told(count, floor)
