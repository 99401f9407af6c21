"""What the gate said, and what follows from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from strata.errors import GateClosed, Problem
from strata.quality.suites import Expected, Severity


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of one table.

    `violations`: rows that failed, 0 when the check held, 1 for a check of the table as a whole, None where they
    cannot be counted. `details` says found against expected, without values of persons; None when the check held.
    """

    table: str
    check: str
    severity: Severity
    success: bool
    row_count: int
    violations: int | None
    details: str | None = None

    def __str__(self) -> str:
        count = "violations not countable" if self.violations is None else f"{self.violations} violations"
        return f"{self.table}: check {self.check} failed: {count} in {self.row_count} rows: {self.details}"


def failed(verdicts: Iterable[Verdict], severity: Severity) -> tuple[Verdict, ...]:
    """The checks of that severity that did not hold."""
    return tuple(v for v in verdicts if not v.success and v.severity == severity)


def require_open(verdicts: Iterable[Verdict]) -> None:
    """Pass when every check of severity `fail` held.

    Raises:
        GateClosed: names table, check, rows and violations of each that did not.
    """
    broken = failed(verdicts, "fail")
    if not broken:
        return
    headline = f"the gate closed on {len(broken)} of the checks, nothing was released"
    next_step = "correct the data or quality.yml and run again; all results are in publish.quality_results"
    raise GateClosed([Problem(None, headline, next_step), *(Problem(None, str(v)) for v in broken)])


def warnings(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """A line for every check of severity `warn` that did not hold."""
    return tuple(map(str, failed(verdicts, "warn")))


def result_rows(verdicts: Iterable[Verdict], run_id: str, release_id: str, as_of_date: date) -> list[dict[str, object]]:
    """Rows of publish.quality_results, in the order of its contract's columns."""
    return [
        {
            "run_id": run_id,
            "release_id": release_id,
            "as_of_date": as_of_date,
            "table_name": v.table,
            "check_name": v.check,
            "severity": v.severity,
            "row_count": v.row_count,
            "violations": v.violations,
            "success": v.success,
            "details": v.details,
        }
        for v in verdicts
    ]


def in_words(expected: Expected) -> str:
    """What was expected, for people; lists of values are cut short."""
    kwargs = dict(expected.kwargs)
    column = kwargs.pop("column", None)
    subject = f"{column} " if column is not None else ""
    said = expected.type.removeprefix("expect_").removeprefix("column_").replace("_", " ")
    return f"expected {subject}{said}" + "".join(f", {name} {_short(value)}" for name, value in kwargs.items())


def _short(value: object, most: int = 12) -> str:
    if isinstance(value, Mapping):
        value = [f"{k} {v}" for k, v in value.items()]
    if isinstance(value, list | tuple):
        shown = ", ".join(_short(v) for v in value[:most])
        return f"[{shown}{f' and {len(value) - most} more' if len(value) > most else ''}]"
    return str(value)


def difference(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    """How the columns of a frame differ from those of its contract; both map column to type, in order."""
    said = [f"column {c} is missing{_renamed(c, found, expected)}" for c in expected if c not in found]
    said += [f"column {c} is not in the contract" for c in found if c not in expected]
    said += [
        f"column {c} is {found[c]} instead of {expected[c]}"
        for c in expected
        if found.get(c, expected[c]) != expected[c]
    ]
    if not said and list(found) != list(expected):
        said = [f"the order is {', '.join(found)} instead of {', '.join(expected)}"]
    return "; ".join(said)


def _renamed(name: str, found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    nearest = get_close_matches(name, [c for c in found if c not in expected], n=1)
    return f" (there is {nearest[0]})" if nearest else ""
