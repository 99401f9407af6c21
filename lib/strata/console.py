"""What a person at a terminal sees: progress line by line, problems, and the tables at the end of a run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from strata.errors import StrataError


@dataclass(frozen=True)
class Console:
    """Progress as plain lines, the same on a terminal and in a scheduler's log."""

    out: TextIO

    def say(self, text: str = "") -> None:
        """One line."""
        print(text, file=self.out, flush=True)

    def begin(self, stage: str, what: str) -> None:
        """A stage begins; on a terminal the line is completed when it ends."""
        if self.out.isatty():
            print(f"  {stage:<10} {what} …", end="\r", file=self.out, flush=True)

    def end(self, stage: str, found: str, seconds: float) -> None:
        """A stage is done."""
        clear = "\x1b[2K" if self.out.isatty() else ""
        self.say(f"{clear}  {stage:<10} {found:<88} {seconds:>6.1f} s")

    def note(self, text: str) -> None:
        """Something a person should know."""
        self.say(f"  {'':<10} note: {text}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Rows under a header, numbers to the right."""
        cells = [[_shown(v) for v in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
        right = [all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(header))]
        for line in ([*header], ["-" * w for w in widths], *cells):
            self.say("  " + "  ".join(_aligned(c, w, r) for c, w, r in zip(line, widths, right, strict=True)).rstrip())


def print_error(error: StrataError) -> None:
    """Every problem, each where it stands, and how the command ends; to standard error."""
    out = sys.stderr
    count = len(error.problems)
    print(f"strata: {count} problem{'s' if count > 1 else ''} (exit {error.exit_code})", file=out)
    for problem in error.problems:
        print(f"  {problem}", file=out)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _aligned(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)
