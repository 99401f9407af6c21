"""What a person at a terminal sees: progress line by line, problems, and the tables at the end of a run."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from strata.errors import StrataError

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing it, or cannot show: colours, titles, the cursor, the direction of writing,
bytes that are no text. Not tab and line feed."""


def visible(text: str) -> str:
    r"""One line in which a reader sees whatever a terminal would obey: the escape character as `\x1b`."""
    return obeyed_shown(text).replace("\n", "\\n").replace("\t", "\\t")


def obeyed_shown(text: str) -> str:
    """As `visible`, with its tabs and line feeds."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


@dataclass(frozen=True)
class Console:
    """Progress as plain lines, the same on a terminal and in a scheduler's log."""

    out: TextIO

    def say(self, text: str = "") -> None:
        """A line, or a page of lines."""
        print(obeyed_shown(text), file=self.out, flush=True)

    def begin(self, stage: str, what: str) -> None:
        """A stage begins; on a terminal the line is completed when it ends."""
        if self.out.isatty():
            print(f"  {stage:<10} {visible(what)} …", end="\r", file=self.out, flush=True)

    def end(self, stage: str, found: str, seconds: float) -> None:
        """A stage is done."""
        if self.out.isatty():
            print("\x1b[2K", end="", file=self.out)
        self.say(f"  {stage:<10} {visible(found):<88} {seconds:>6.1f} s")

    def note(self, text: str) -> None:
        """Something a person should know."""
        self.say(f"  {'':<10} note: {visible(text)}")

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
        # Behind the first, lines are indented: none can pass for another problem.
        print(obeyed_shown(re.sub(r"\n(?! {4})", "\n    ", f"  {problem}")), file=out)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else visible(str(value))


def _aligned(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)
