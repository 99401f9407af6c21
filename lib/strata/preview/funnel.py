"""How many customers a segmentation puts where, rule by rule: the query, and what its answer says. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strata.project.models import Segmentation
from strata.project.references import declared_segments
from strata.segments.duckdb import SegmentSQL, base_column, score_column
from strata.segments.literals import quoted, text

BASE, OVERLAP, REST = "base", "overlap", "rest"
OUTSIDE = "~outside of the base"


@dataclass(frozen=True, slots=True)
class Step:
    """A rule in its place.

    Attributes:
        alone: customers for whom it holds.
        takes: those whom no rule before it has taken.
        remaining: customers whom neither it nor a rule before it takes.
    """

    segment: str
    alone: int
    takes: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """What rules do to the base.

    Attributes:
        overlap: customers for whom more than one rule holds.
        rest: customers for whom none holds.
        unknown: feature -> customers of whom it is not known.
    """

    base: int
    steps: tuple[Step, ...]
    overlap: int
    rest: int
    unknown: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Size:
    """A segment (None: no rule holds), its customers, the mean score of their membership where there is one."""

    segment: str | None
    customers: int
    score: float | None = None


def funnel_query(segments: str, name: str, sql: SegmentSQL) -> str:
    """One row about the base of a segmentation by rules or scores; `segments`: a query made by `select_segments`."""
    flags = [quoted(flag) for flag in sql.rules.values()]
    counts = {BASE: "count(*)"}
    for place, flag in enumerate(flags):
        before = "".join(f" AND {earlier} IS NOT TRUE" for earlier in flags[:place])
        counts[f"alone {place}"] = f"count(*) FILTER ({flag})"
        counts[f"takes {place}"] = f"count(*) FILTER ({flag}{before})"
    holding = " + ".join(f"CAST(coalesce({flag}, false) AS INTEGER)" for flag in flags) or "0"
    counts[OVERLAP] = f"count(*) FILTER ({holding} > 1)"
    counts[REST] = f"count(*) FILTER ({holding} = 0)"
    counts |= {f"unknown {read}": f"count(*) FILTER ({quoted(read)} IS NULL)" for read in sorted(sql.reads)}
    columns = ", ".join(f"{count} AS {quoted(what)}" for what, count in counts.items())
    return f"SELECT {columns} FROM {_base(segments, name)}"


def read_funnel(row: Mapping[str, Any], sql: SegmentSQL) -> Funnel:
    """The answer to `funnel_query`."""
    steps, remaining = [], row[BASE]
    for place, segment in enumerate(sql.rules):
        remaining -= row[f"takes {place}"]
        steps.append(Step(segment, row[f"alone {place}"], row[f"takes {place}"], remaining))
    unknown = {name: row[f"unknown {name}"] for name in sorted(sql.reads)}
    return Funnel(row[BASE], tuple(steps), row[OVERLAP], row[REST], unknown)


def sizes_query(segments: str, names: Sequence[str]) -> str:
    """A row per segmentation and segment: segmentation, segment, customers, score; one scan for all."""
    sets = ", ".join(f"({quoted(name)})" for name in names)
    which = " ".join(f"WHEN grouping({quoted(name)}) = 0 THEN {text(name)}" for name in names)
    segment = " ".join(f"WHEN grouping({quoted(name)}) = 0 THEN {quoted(name)}" for name in names)
    score = " ".join(f"WHEN grouping({quoted(name)}) = 0 THEN avg({quoted(score_column(name))})" for name in names)
    kept = ", ".join(
        f"CASE WHEN {quoted(base_column(name))} THEN {quoted(name)} ELSE {text(OUTSIDE)} END AS {quoted(name)},"
        f" {quoted(score_column(name))}"
        for name in names
    )
    return (
        f"SELECT CASE {which} END AS segmentation, CASE {segment} END AS segment, count(*) AS customers,"
        f" CASE {score} END AS score FROM (SELECT {kept} FROM ({segments})) GROUP BY GROUPING SETS ({sets})"
    )


def unknown_query(segments: str, name: str, sql: SegmentSQL) -> str:
    """One row: per feature, of how many customers of the base it is not known."""
    counts = ", ".join(f"count(*) FILTER ({quoted(read)} IS NULL) AS {quoted(read)}" for read in sorted(sql.reads))
    return f"SELECT {counts} FROM {_base(segments, name)}"


def _base(segments: str, name: str) -> str:
    return f"({segments}) WHERE {quoted(base_column(name))}"


def read_sizes(rows: Sequence[Mapping[str, Any]], segmentation: Segmentation) -> tuple[Size, ...]:
    """The sizes of one segmentation: as declared, those with nobody too; then others, the largest first."""
    found = {r["segment"]: Size(r["segment"], r["customers"], r["score"]) for r in rows
             if r["segmentation"] == segmentation.name and r["segment"] != OUTSIDE}  # fmt: skip
    declared = [found.pop(s.segment, Size(s.segment, 0)) for s in declared_segments(segmentation)]
    return (*declared, *sorted(found.values(), key=lambda size: (-size.customers, size.segment or "")))
