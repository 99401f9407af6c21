"""What every stage of one run shares: the project, the tables, the date, and a place to say what happens."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from strata import __version__
from strata.contract.operations import run_log
from strata.contract.spark import frame_of
from strata.errors import ProjectError, exit_code_of, reason_of
from strata.project.models import Project
from strata.publish.comparisons import find_compared, pinned_compared
from strata.publish.keep import expired_days
from strata.publish.release import WITHDRAWN, Release, Row, find_release, make_release_id, release_of_day
from strata.storage.conflicts import as_conflicts
from strata.storage.leases import Clock
from strata.storage.promotion import read_releases
from strata.storage.tables import Lakehouse


class Progress(Protocol):
    """Where a run tells a person what it does."""

    def begin(self, stage: str, what: str) -> None:
        """A stage begins; `what` says what it will do."""

    def end(self, stage: str, found: str, seconds: float) -> None:
        """A stage is done; `found` says what came out, with rows."""

    def note(self, text: str) -> None:
        """Something a person should know."""


@dataclass
class Outcome:
    """What a stage says at its end, also when it fails: a text and notes for people, counts for the run log."""

    text: str = ""
    rows_in: int | None = None
    rows_out: int | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Run:
    """One process working on one project: where it writes, under which id, and what it logs."""

    project: Project
    lakehouse: Lakehouse
    clock: Clock
    progress: Progress
    log: list[Row] = field(default_factory=list)
    keep_lease: Callable[[], None] = lambda: None
    """Called before every stage and before what readers see changes; raises WriteConflict when the lease is lost."""
    refits: frozenset[str] = frozenset()
    """The clusterings that are asked to be fitted anew."""
    ends: list[int] = field(default_factory=list)
    """Exit codes that a stage has found though all is done (`errors.WITHHELD`); the greatest counts."""
    record: Callable[[Row], None] = lambda row: None
    """Called with every row of the run log as soon as there is one."""

    @property
    def run_id(self) -> str:
        """The id that every commit of this run carries."""
        return self.lakehouse.run_id

    @contextmanager
    def stage(self, name: str, what: str) -> Iterator[Outcome]:
        """Time a stage, say what it does and what came out, and keep a row for the run log."""
        self.keep_lease()
        self.progress.begin(name, what)
        started_at, begun, outcome = self.clock(), time.perf_counter(), Outcome()
        try:
            with as_conflicts():
                yield outcome
        except BaseException as error:
            code = exit_code_of(error)
            outcome.text = f"failed (exit {code}){f': {outcome.text}' if outcome.text else ''}"
            self._tell(name, started_at, time.perf_counter() - begun, outcome, code, reason_of(error))
            raise
        self._tell(name, started_at, time.perf_counter() - begun, outcome)

    def end(self, seconds: float, exit_code: int, error: BaseException | None = None) -> None:
        """Keep a row that says how the run ended."""
        self._log("end", self.clock(), seconds, Outcome(), exit_code, reason_of(error) if error else None)

    def _tell(
        self, stage: str, started_at: datetime, seconds: float, outcome: Outcome, exit_code: int | None = None,
        error: str | None = None,
    ) -> None:  # fmt: skip
        self.progress.end(stage, outcome.text, seconds)
        self._log(stage, started_at, seconds, outcome, exit_code, error)
        for note in outcome.notes:
            self.progress.note(note)

    def _log(
        self, stage: str, started_at: datetime, seconds: float, outcome: Outcome, exit_code: int | None = None,
        error: str | None = None,
    ) -> None:  # fmt: skip
        row = {
            "run_id": self.run_id,
            "stage": stage,
            "started_at": started_at,
            "seconds": round(seconds, 3),
            "rows_in": outcome.rows_in,
            "rows_out": outcome.rows_out,
            "spark_jobs": None,
            "exit_code": exit_code,
            "error": error,
        }
        self.log.append(row)
        self.record(row)

    def write_log(self) -> None:
        """Append what was logged since the last time; one commit."""
        if self.log:
            self.lakehouse.append(run_log, frame_of(self.lakehouse.spark, run_log, self.log).coalesce(1))
            self.log.clear()


@dataclass(frozen=True)
class Target:
    """The release a run works towards, and those it looks back at: `previous`, and a `month` and a `year` ago."""

    release: Release
    released: tuple[Row, ...]
    previous: tuple[Row, ...]
    history: tuple[Row, ...]
    is_replay: bool = False
    """It is built only to be compared with what was released."""
    month: tuple[Row, ...] = ()
    year: tuple[Row, ...] = ()
    is_withdrawn: bool = False
    """It was released, and a rollback has taken it back."""

    @property
    def as_of(self) -> date:
        """The last whole day the release is about."""
        return self.release.as_of

    @property
    def release_id(self) -> str:
        """The id its rows carry."""
        return self.release.release_id

    @property
    def note(self) -> str:
        """What commits of staging are known by: the release, and those that its rows look back at."""
        looked_at = (self.release.previous_release_id, self.release.month_release_id, self.release.year_release_id)
        return " ".join((self.release_id, *(i or "-" for i in looked_at)))


def aim(run: Run, as_of: date, known_at: datetime, *, force: bool = False, compare: bool = False) -> Target:
    """The release for a date and a state of knowledge; a release made before keeps what it looked back at.

    Args:
        run: project and tables.
        as_of: the last whole day it is about.
        known_at: what has arrived later counts as unknown.
        force: release again what is in place, or was and has expired.
        compare: of what was released before, make a replay even where something else is in place now. Without it
            such a release is made again: a definition was taken back.

    Raises:
        ProjectError: the date is released with later knowledge, which readers would lose.
    """
    history = read_releases(run.lakehouse)
    project = run.project
    release_id = make_release_id(project.name, as_of, known_at, project.config_hash, __version__)
    # What a rollback brought back lacks who may not come back: what was made then is in the rows of then.
    released = find_release((r for r in history if r["kind"] != "rollback"), release_id)
    is_withdrawn = any(r["status"] == WITHDRAWN for r in find_release(history, release_id))
    in_place = release_of_day(history, as_of)
    if not released and in_place and in_place[0]["known_at"] > known_at:
        raise ProjectError(
            f"{as_of} is released with what was known at {in_place[0]['known_at']:%Y-%m-%dT%H:%M:%S%z}, later than"
            f" --known-at {known_at:%Y-%m-%dT%H:%M:%S%z}; only a state that was released can be replayed"
        )
    compared = pinned_compared(history, released[0]) if released else find_compared(history, as_of, known_at)
    ids = {name: rows[0]["release_id"] if rows else None for name, rows in compared.items()}
    looked_at = [rows[0]["as_of_date"] for rows in compared.values() if rows]
    release = Release(
        release_id, as_of, known_at, project.config_hash, __version__, ids["previous"], ids["month"], ids["year"],
        expired_days(history, as_of, project.keep, looked_at),
    )  # fmt: skip
    is_there = bool(in_place) and in_place[0]["release_id"] == release_id
    is_replay = bool(released) and (is_there or compare) and not (force and (is_there or not in_place))
    previous, month, year = (tuple(compared[name]) for name in ("previous", "month", "year"))
    return Target(release, tuple(released), previous, tuple(history), is_replay, month, year, is_withdrawn)


def dates_of(run: Run, target: Target) -> list[date]:
    """The date of a release and those of its backtests."""
    back = {a.likeness.backtest_days for a in run.project.audiences if a.likeness}
    return sorted({target.as_of, *(target.as_of - timedelta(days=n) for n in back)})


def dates_built(run: Run, target: Target) -> list[date]:
    """Those dates, and that of the release looked back at: by it audiences tell why somebody has joined."""
    is_told = target.previous and any(a.kind != "list" for a in run.project.audiences)
    return sorted({*dates_of(run, target), *([target.previous[0]["as_of_date"]] if is_told else [])})


def make_run_id(moment: datetime, process: int) -> str:
    """An id that sorts by time and tells processes apart."""
    digest = hashlib.sha256(f"{moment.isoformat()} {process}".encode()).hexdigest()[:6]
    return f"{moment:%Y%m%dT%H%M%S}-{digest}"
