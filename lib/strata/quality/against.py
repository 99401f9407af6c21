"""What was measured of a release against its history: per table and metric a check for drift, one for what is gross."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from strata.contract.bronze import files
from strata.contract.columns import Table
from strata.contract.silver import events
from strata.project.policies import History
from strata.quality.history import RULES, Finding, Rule, Series, compare, ordinary
from strata.quality.metrics import WHOLE
from strata.quality.verdicts import Verdict

Key = tuple[str, str, str]
"""Table, metric, dimension."""
Past = Mapping[Key, Sequence[tuple[date, float]]]
Measures = Iterable[Mapping[str, Any]]
INPUT: tuple[type[Table], ...] = (events, files)
ZERO_WHERE_ABSENT = frozenset({"events", "customers", "share"})
AGGREGATE_ROWS = 0.5
"""Tolerance of the rows of an aggregate: they come and go with the values that there are."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """A series that has been held against its past."""

    dimension: str
    value: float
    finding: Finding

    def __str__(self) -> str:
        f = self.finding
        expected = f"expected {f.low:.4g} to {f.high:.4g} by {len(f.dates)} dates {f.dates[0]}..{f.dates[-1]}"
        return f"{self.dimension} {self.value:.4g}, {expected}"


def judge_history(
    measured: Measures, past: Past, day: date, tables: Iterable[type[Table]], settings: History
) -> list[Verdict]:
    """Hold every measure that has enough history against it.

    Args:
        measured: rows with table_name, metric, dimension, value, of the release.
        past: the same of released dates.
        day: the as-of date of the release.
        tables: contracts of the published tables among them.
        settings: `history` of quality.yml.

    Returns:
        `<metric>.history` per table and metric, and `<metric>.gross`; none for what has no history yet.
    """
    now = {(r["table_name"], r["metric"], r["dimension"]): r["value"] for r in measured}
    now |= {key: 0.0 for key in past if _is_missed(key, now)}
    past = _with_zeros(past)
    by_name = {t.full_name(): t for t in (*tables, *INPUT)}
    judged: dict[tuple[str, str], list[Judged]] = {}
    for key in now:
        table, metric, dimension = key
        rule = _rule_of(by_name[table], metric, dimension) if _is_wanted(key, settings) and table in by_name else None
        finding = _compared(key, now, past, day, _within(rule, metric, settings), settings) if rule else None
        if finding is not None:
            judged.setdefault((table, metric), []).append(Judged(dimension, now[key] or 0.0, finding))
    return [v for (table, metric), found in judged.items() for v in _verdicts(table, metric, found, now, settings)]


def _is_missed(key: Key, now: Mapping[Key, float | None]) -> bool:
    """Of the input, what came every day and has not come at all; of tables, it is gone with its definition."""
    return key not in now and key[0] == events.full_name() and key[1] in ZERO_WHERE_ABSENT


def _with_zeros(past: Past) -> Past:
    """Of the input, what did not come on a date was none: what is sent on Mondays is not missed on other days."""
    dates: dict[str, set[date]] = {}
    for (table, metric, dimension), values in past.items():
        if table == events.full_name() and metric == "events":
            dates.setdefault(dimension, set()).update(day for day, _ in values)
    whole = set().union(*dates.values())

    def filled(key: Key, values: Sequence[tuple[date, float]]) -> Sequence[tuple[date, float]]:
        table, metric, dimension = key
        if table != events.full_name() or metric not in ZERO_WHERE_ABSENT:
            return values
        there = {day for day, _ in values}
        asked = dates.get(dimension.partition(" ")[0], set()) if metric == "share" else whole
        return sorted([*values, *((day, 0.0) for day in asked - there)])

    return {key: filled(key, values) for key, values in past.items()}


def _is_wanted(key: Key, settings: History) -> bool:
    table, _, dimension = key
    return not any(fnmatchcase(f"{table}.{dimension}", pattern) for pattern in settings.leave)


def _rule_of(table: type[Table], metric: str, dimension: str) -> Rule | None:
    """How a metric is judged; None: it is kept, and not compared.

    Compared are all of the input, and of what is published: tables of customers, and which segments others speak of.
    """
    rule = RULES.get(metric)
    if rule is None or table in INPUT:
        return rule
    is_of_customers = "customer_id" in table.grain
    if metric == "share":
        return rule if is_of_customers else None if table.may_be_empty else replace(rule, chance=0)
    if table.may_be_empty:
        return None
    if metric == "row_count":
        is_said_by_part = dimension == WHOLE and "segmentation" in table.columns
        usual = rule if is_of_customers else replace(rule, relative=AGGREGATE_ROWS)
        return None if is_said_by_part else usual
    return rule if is_of_customers else None


def _within(rule: Rule, metric: str, settings: History) -> Rule:
    said = settings.tolerance.get(metric)
    if said is None:
        return rule
    return replace(rule, relative=said) if rule.relative else replace(rule, absolute=said)


def _compared(
    key: Key, now: Mapping[Key, float | None], past: Past, day: date, rule: Rule, settings: History
) -> Finding | None:
    table, metric, _ = key
    value = now[key]
    # A segmentation without rows has no shares, which is as gone as a segment can be.
    if value is None and metric != "share":
        return None
    # A day is unlike others by what comes on it; what is published of customers looks at weeks.
    kind_of = settings.kind_of if table == events.full_name() else ordinary
    return compare(Series(past.get(key, ()), value or 0.0, _rows_of(key, now)), day, rule, kind_of)


def _rows_of(key: Key, now: Mapping[Key, float | None]) -> float:
    """Rows that a measure is of: those of the segmentation, the source; else of the table.

    Of events their customers: one customer's are alike.
    """
    table, _, dimension = key
    parts = (dimension, dimension.partition(".")[0], dimension.partition(" ")[0], WHOLE)
    counted = (now.get((table, metric, part)) for part in parts for metric in ("customers", "records", "row_count"))
    return next((n for n in counted if n is not None), 0.0)


def _verdicts(
    table: str, metric: str, judged: Sequence[Judged], now: Mapping[Key, float | None], settings: History
) -> Iterator[Verdict]:
    rows = int(now.get((table, "row_count", WHOLE)) or 0)
    gross = [j for j in judged if j.finding.is_gross and settings.gross != "off"]
    drifted = [j for j in judged if j.finding.is_out and j not in gross]
    for check, severity, out in (("history", settings.drift, drifted), ("gross", settings.gross, gross)):
        if severity != "off":
            more = f" and {len(out) - _SHOWN} more" if len(out) > _SHOWN else ""
            details = "; ".join(map(str, out[:_SHOWN])) + more if out else None
            yield Verdict(table, f"{metric}.{check}", severity, not out, rows, len(out), details)
