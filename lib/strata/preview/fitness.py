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
    """How a definition fits: `coverage`: of how many is known what is known of the fewest; None: not measured."""

    technique: Technique
    fits: Literal["yes", "partly", "no"]
    coverage: int | None
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of how many customers of the base each kind is known; `floor`: fewer are not counted before a reader's eyes."""

    base: int
    known: Mapping[Reads, int]
    floor: int

    def share(self, known: int) -> float:
        """Of the base."""
        return known / self.base if self.base else 0.0

    def hidden(self, known: int) -> str:
        """What is said instead of a share that would tell of a few persons; empty where it may be told."""
        few = f"fewer than {self.floor}"
        if 0 < known < self.floor:
            return few
        return f"all but {few}" if 0 < self.base - known < self.floor else ""


def show_fitness(project: Project, console: Console) -> None:
    """One table: every definition, whether it fits, its coverage, and what is missing.

    Raises:
        ProjectError: the tables are not in a local folder, or a definition of the catalogue cannot be read.
        InputError: a table is there and cannot be read.
    """
    techniques = read_techniques(project)
    kinds = sorted({reads for t in techniques for reads in t.reads.values()}, key=str)
    measured = _measured(open_local(project.storage), kinds, project.privacy.cell_floor)
    sheet = [judge(technique, measured) for technique in techniques]
    sheet.sort(key=lambda f: (f.technique.segmentation.technique, f.technique.segmentation.name))
    on = "the sources that it declares" if measured is None else f"{measured.base:,} customers in the base"
    console.say(f"{project.name}: {len(sheet)} definitions on {on}\n")
    header = ["technique", "definition", "in", "fits", "coverage %", "missing, or known of few"]
    console.table(header, [_row(fitness, measured) for fitness in sheet])
    console.say()
    if measured is None:
        console.say("  nothing is ingested yet: run strata ingest")
    for line in _legend():
        console.say(f"  {line}")


def judge(technique: Technique, measured: Measured | None) -> Fitness:
    """How a definition fits.

    Args:
        technique: the definition, and what no source fills.
        measured: of how many what features read is known; None: nothing is ingested.
    """
    there = {name: reads for name, reads in technique.reads.items() if name not in technique.lacks}
    covered = {} if measured is None else {name: measured.known[reads] for name, reads in there.items()}
    missing = technique.lacks.keys() | {name for name, known in covered.items() if not known}
    few = _known_of_few(there.values(), measured)
    fits: Literal["yes", "partly"] = "partly" if missing or few else "yes"
    unfilled = sorted({column for columns in technique.lacks.values() for column in columns})
    return Fitness(
        technique=technique,
        fits=fits if technique.works_without(missing) else "no",
        coverage=min(covered.values(), default=None),
        lacks=(technique.problem,) if technique.problem else (*unfilled, *few),
    )


def _known_of_few(looked_at: Iterable[Reads], measured: Measured | None) -> list[str]:
    if measured is None:
        return []
    few = {reads: measured.known[reads] for reads in looked_at if _is_few(reads, measured)}
    return _told(few, measured)


def _is_few(reads: Reads, measured: Measured) -> bool:
    return measured.share(measured.known[reads]) < (ENOUGH_KNOWN if reads.table == customers.__name__ else ENOUGH_SEEN)


def _told(few: Mapping[Reads, int], measured: Measured) -> list[str]:
    """What is known of few; a kind of event once, as long as its columns do not make it fewer."""
    told = {reads: known for reads, known in few.items() if not any(_explains(r, reads, few) for r in few)}
    return sorted({f"{reads}: {_in_words(known, measured)}" for reads, known in told.items()})


def _in_words(known: int, measured: Measured) -> str:
    share = f"{100 * measured.share(known):.1f} %" if known else "nobody"
    return measured.hidden(known) or share


def _explains(one: Reads, other: Reads, known: Mapping[Reads, int]) -> bool:
    same = (one.table, one.event_types, known[one]) == (other.table, other.event_types, known[other])
    return same and one.columns < other.columns


def _measured(tables: LocalTables, kinds: Sequence[Reads], floor: int) -> Measured | None:
    """How large the base is, and of how many of it each kind is known; None where nothing is ingested."""
    stored = {
        name: Stored(tables.relation(table), tables.columns(table))
        for name, table in FED_TABLES.items()
        if tables.exists(table)
    }
    if not stored.keys() & {customers.__name__, events.__name__}:
        return None
    (row,) = tables.rows(coverage_query(kinds, stored))
    return Measured(row["customers"], {kind: row[f"k{place}"] for place, kind in enumerate(kinds)}, floor)


def _row(fitness: Fitness, measured: Measured | None) -> list[object]:
    said, known = fitness.technique.segmentation, fitness.coverage
    share: object = None
    if measured is not None and known is not None:
        share = measured.hidden(known) or 100 * measured.share(known)
    place = "project" if fitness.technique.is_own else "catalogue"
    return [said.technique, said.name, place, fitness.fits, share, "; ".join(fitness.lacks)]


def _legend() -> Iterable[str]:
    yield "yes: everything that its rules read is there for enough of the base. Enough is"
    known, seen = f"{100 * ENOUGH_KNOWN:.0f} %", f"{100 * ENOUGH_SEEN:.0f} %"
    yield f"     {known} of whom an attribute is known, {seen} who have an event of the kind"
    yield "partly: something is missing, or is known of fewer; some rules can be decided"
    yield "no: none of its rules can be decided"
    yield "coverage: the smallest share of the base, of all that a source fills and its rules read"
