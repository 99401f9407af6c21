"""The log for machines: one JSON object a line, for every stage, note and error; never values of persons."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from strata.console import Console
from strata.errors import StrataError, exit_code_of, reason_of


@dataclass(frozen=True)
class JsonLog(Console):
    """A console that prints no text and no tables: only what a log collector is to keep.

    Attributes:
        clock: what time it is.
        context: what every line has; `run_id` is filled in when there is one.
    """

    clock: Callable[[], datetime]
    context: dict[str, Any] = field(default_factory=dict)
    _stage: dict[str, str] = field(default_factory=dict)

    def say(self, text: str = "") -> None:
        """Nothing: what is said to people is said by other lines, too."""

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Nothing: tables are for people."""

    def begin(self, stage: str, what: str) -> None:
        """Notes until its end are of this stage."""
        self._stage.update(stage=stage)

    def end(self, stage: str, found: str, seconds: float) -> None:
        """Remembered for the line of the stage."""
        self._stage.update(text=found)

    def note(self, text: str) -> None:
        """A line with the stage that is under way, if any."""
        self._line("note", {"stage": self._stage.get("stage"), "text": text})

    def stage_done(self, row: Mapping[str, Any]) -> None:
        """A line for a row of `run_log`: a stage that is done or failed, or the end of the run."""
        told = {name: row[name] for name in ("stage", "started_at", "seconds", "rows_in", "rows_out", "exit_code")}
        told |= {"error": row["error"], "text": self._stage.pop("text", None)}
        self._stage.clear()
        self._line("end" if row["stage"] == "end" else "stage", told)

    def error(self, error: BaseException) -> None:
        """A line for what ends the command; of a fault of strata only its kind."""
        problems = [{"what": reason_of(error), "where": None, "next_step": ""}]
        if isinstance(error, StrataError):
            problems = [
                {"what": p.what, "where": str(p.where) if p.where else None, "next_step": p.next_step}
                for p in error.problems
            ]
        self._line("error", {"exit_code": exit_code_of(error), "problems": problems}, sys.stderr)

    def _line(self, event: str, told: Mapping[str, Any], out: TextIO | None = None) -> None:
        known = {"at": self.clock(), "event": event, **self.context, **told}
        line = {name: value for name, value in known.items() if value is not None}
        print(json.dumps(line, default=_text, ensure_ascii=False), file=out or self.out, flush=True)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
