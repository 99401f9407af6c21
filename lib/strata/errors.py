"""One class per exit code: what went wrong decides what the caller can do about it.

| exit | class | meaning |
|---|---|---|
| 0 | - | done |
| 1 | any other exception | unexpected: a fault of strata |
| 2 | `ProjectError` | bad command line or project |
| 3 | `InputError` | input that cannot be used, or is not complete through the as-of date |
| 4 | `GateClosed` | the gate closed, nothing released |
| 5 | `WriteConflict` | lost a write conflict |
| 6 | - | released, something withheld (`WITHHELD`) |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

DONE = 0
WITHHELD = 6
INTERRUPTED = 130
REASON_LENGTH = 500


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text that a person wrote: file, line and column, both from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was found against what was expected, what to do next."""

    where: Location | None
    what: str
    next_step: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n    {self.next_step}" if self.next_step else ""
        return f"{place}{self.what}{hint}"


class StrataError(Exception):
    """An error a person can act on; its text lists every problem at once."""

    exit_code = 1

    def __init__(self, problems: str | Sequence[Problem]) -> None:
        self.problems = (Problem(None, problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ProjectError(StrataError):
    """The command line or the project cannot be used as written."""

    exit_code = 2


class InputError(StrataError):
    """Delivered data cannot be used, or is not complete through the as-of date."""

    exit_code = 3


class GateClosed(StrataError):
    """A check of severity `fail` did not hold; nothing was released."""

    exit_code = 4


class WriteConflict(StrataError):
    """Another run holds the lease, or committed first."""

    exit_code = 5


def exit_code_of(error: BaseException) -> int:
    """The exit code of a command that ends with `error`."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return error.exit_code if isinstance(error, StrataError) else 1


def reason_of(error: BaseException) -> str:
    """What a log says of `error`: its problems, cut short, or its kind where its words may hold values of persons."""
    if isinstance(error, StrataError):
        return shorten("; ".join(problem.what for problem in error.problems), REASON_LENGTH, placeholder=" ...")
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"
