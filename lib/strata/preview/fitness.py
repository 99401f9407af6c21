"""`strata check --data`: which definitions, of the project and of its catalogue, are fit for its data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from strata.console import Console
from strata.contract.silver import FED_TABLES, customers, events
from strata.preview.coverage import Stored, coverage_query
from strata.project.fed import Reads
from strata.project.models import Project
from strata.project.techniques import Technique, read_techniques
from strata.storage.local import LocalTables, open_local

ENOUGH_KNOWN, ENOUGH_SEEN = 0.5, 0.02
"""Shares of the base from which on a definition fits: of whom an attribute is known, and who have an event.

An unknown attribute tells nothing of a customer, that there is no event does: so few may have one.
"""


@dataclass(frozen=True, slots=True)
class Fitness:
    """How a definition fits: `coverage` is the smallest share of what it reads and sources fill; None: not measured."""

    technique: Technique
    fits: Literal["yes", "partly", "no"]
    coverage: float | None
    lacks: tuple[str, ...]


def show_fitness(project: Project, console: Console) -> None:
    """One table: every definition, whether it fits, its coverage, and what is missing.

    Raises:
        ProjectError: the tables are not in a local folder, or a definition of the catalogue cannot be read.
        InputError: a table is there and cannot be read.
    """
    techniques = read_techniques(project)
    kinds = sorted({reads for t in techniques for reads in t.reads.values()}, key=str)
    base, shares = _measured(open_local(project.storage), kinds)
    sheet = [judge(technique, shares) for technique in techniques]
    sheet.sort(key=lambda f: (f.technique.segmentation.technique, f.technique.segmentation.name))
    on = "the sources that it declares" if base is None else f"{base:,} customers in the base"
    console.say(f"{project.name}: {len(sheet)} definitions on {on}\n")
    header = ["technique", "definition", "in", "fits", "coverage %", "missing, or known of few"]
    console.table(header, [_row(fitness) for fitness in sheet])
    console.say()
    if base is None:
        console.say("  nothing is ingested yet: run strata ingest")
    for line in _legend():
        console.say(f"  {line}")


def judge(technique: Technique, shares: Mapping[Reads, float] | None) -> Fitness:
    """How a definition fits.

    Args:
        technique: the definition, and what no source fills.
        shares: of the base, of whom what features read is known; None: nothing is ingested.
    """
    there = {name: reads for name, reads in technique.reads.items() if name not in technique.lacks}
    covered = {} if shares is None else {name: shares[reads] for name, reads in there.items()}
    missing = technique.lacks.keys() | {name for name, share in covered.items() if not share}
    few = {reads: covered[name] for name, reads in there.items() if name in covered and _is_few(reads, covered[name])}
    fits: Literal["yes", "partly"] = "partly" if missing or few else "yes"
    unfilled = sorted({column for columns in technique.lacks.values() for column in columns})
    return Fitness(
        technique=technique,
        fits=fits if technique.works_without(missing) else "no",
        coverage=min(covered.values(), default=None),
        lacks=(technique.problem,) if technique.problem else (*unfilled, *_told(few)),
    )


def _is_few(reads: Reads, share: float) -> bool:
    return share < (ENOUGH_KNOWN if reads.table == customers.__name__ else ENOUGH_SEEN)


def _told(few: Mapping[Reads, float]) -> list[str]:
    """What is known of few; a kind of event once, as long as its columns do not make it fewer."""
    told = {reads: share for reads, share in few.items() if not any(_explains(r, reads, few) for r in few)}
    said = {f"{reads}: {100 * share:.1f} %" if share else f"{reads}: nobody" for reads, share in told.items()}
    return sorted(said)


def _explains(one: Reads, other: Reads, shares: Mapping[Reads, float]) -> bool:
    same = (one.table, one.event_types, shares[one]) == (other.table, other.event_types, shares[other])
    return same and one.columns < other.columns


def _measured(tables: LocalTables, kinds: Sequence[Reads]) -> tuple[int | None, dict[Reads, float] | None]:
    """How large the base is, and of which share of it each kind is known; None where nothing is ingested."""
    stored = {
        name: Stored(tables.relation(table), tables.columns(table))
        for name, table in FED_TABLES.items()
        if tables.exists(table)
    }
    if not stored.keys() & {customers.__name__, events.__name__}:
        return None, None
    (row,) = tables.rows(coverage_query(kinds, stored))
    base = row["customers"]
    return base, {kind: row[f"k{place}"] / base if base else 0.0 for place, kind in enumerate(kinds)}


def _row(fitness: Fitness) -> list[object]:
    said = fitness.technique.segmentation
    share = None if fitness.coverage is None else 100 * fitness.coverage
    place = "project" if fitness.technique.is_own else "catalogue"
    return [said.technique, said.name, place, fitness.fits, share, "; ".join(fitness.lacks)]


def _legend() -> Iterable[str]:
    yield "yes: everything that its rules read is there for enough of the base. Enough is"
    known, seen = f"{100 * ENOUGH_KNOWN:.0f} %", f"{100 * ENOUGH_SEEN:.0f} %"
    yield f"     {known} of whom an attribute is known, {seen} who have an event of the kind"
    yield "partly: something is missing, or is known of fewer; some rules can be decided"
    yield "no: none of its rules can be decided"
    yield "coverage: the smallest share of the base, of all that a source fills and its rules read"
