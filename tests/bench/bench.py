"""How things are run: which tables, in which process, on how many cores, and what was found."""

import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tests.bench import data
from tests.bench.agreement import require_agreement
from tests.bench.measure import Answer, run_alone

STRATA = "strata"
CHECKED_BY = "DuckDB, days first"
HEAP_GIB = 4
JUDGED_FROM = 5_000_000
CUSTOMERS = 1_000_000
"""Of a snapshot that is assigned or clustered, at most."""


@dataclass(frozen=True)
class Figure:
    """All that was measured of one thing: seconds or bytes, in the order of the repeats."""

    case: str
    events: int
    what: str
    unit: str
    values: tuple[float, ...]
    failed: str = ""

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class Goal:
    """A comparison: what was found, what was wanted; `met` is None where nothing is judged."""

    case: str
    events: int
    what: str
    found: str
    wanted: str = ""
    met: bool | None = None


class Failed(Exception):
    """strata itself did not finish."""


@dataclass
class Bench:
    """One run of `make bench`.

    Attributes:
        folder: where all data lies.
        shape: of the events.
        repeats: how often each thing is measured.
        cores: that each process may use.
        limit: bytes that a process may have resident.
        tell: says to a person what happens.
    """

    folder: Path
    shape: data.Shape
    repeats: int
    cores: int
    limit: int
    tell: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    _counted: int = 0

    @property
    def work(self) -> Path:
        """A folder for what one run leaves."""
        return self.folder / "work"

    @property
    def _log(self) -> Path:
        return self.folder / "process.log"

    def tables(self, events: int) -> Path:
        """silver.events of this size, made when it is not there."""
        place = data.place_of(self.folder, self.shape, events)
        if not place.exists():
            self._strata(f"tables of {events:,} events", do="tables", place=place, shape=self.shape.name, events=events)
        if not any(goal.case == "" and goal.events == events for goal in self.goals):
            self.judge("", events, "tables", data.describe_tables(place))
        return place

    def build(
        self, place: Path, calls: Sequence[Sequence[date]], batch: int, *,
        turns: int = 1, cores: int | None = None, to: Path | None = None, log: bool = False,
    ) -> Answer:  # fmt: skip
        """Let strata bring the features up to date.

        Args:
            place: the tables to begin with; they are copied unless `to` is the same place.
            calls: the dates of each call of build_features.
            batch: what is known: all up to this batch.
            turns: how often in one process, each time from `place`.
            cores: others than usual.
            to: where the tables that result stay; None: they are removed.
            log: count what is read.

        Raises:
            Failed: it did not finish.
        """
        self._counted += 1
        logs = str(self.work / f"log-{self._counted}") if log else ""
        dates = [[day.isoformat() for day in call] for call in calls]
        what = f"{len(calls)} x {len(calls[0])} dates, {place.name}"
        return self._strata(
            what, do="build", place=place, to=to or self.work / "built",
            keep=to is not None, calls=dates, known_at=data.ARRIVED[batch].isoformat(), turns=turns, log=logs,
            cores=cores or self.cores,
        )  # fmt: skip

    def ask(
        self, peer: str, events: int, *, turns: int = 1, limit: int | None = None, as_of: date = data.LAST_DAY
    ) -> Answer:
        """Let a peer make the snapshot of a date; with a limit, an engine that can be told keeps within 80 % of it."""
        limit = min(limit or self.limit, self.limit)
        return self._run(
            f"{peer}, {as_of}, {events:,} events", limit, do="peer", peer=peer, place=self.tables(events),
            as_of=as_of.isoformat(), to=self.file_of(peer, events, as_of), memory=limit * 4 // 5, turns=turns,
        )  # fmt: skip

    def assign(self, place: Path, to: Path, shape: str) -> Answer:
        """Thirty segmentations of a snapshot, twice in one process; `shape`: wide, long or duckdb.

        Raises:
            Failed: it did not finish.
        """
        return self._strata(f"thirty segmentations, {shape}", do="thirty", place=place, to=to, shape=shape, turns=2)

    def cluster(self, do: str, by: str, place: Path, to: Path, *, turns: int = 1, **more: Any) -> Answer:
        """Let somebody choose a number of clusters (`do` is choose) or find the nearest centres (nearest).

        Raises:
            Failed: it did not finish.
        """
        return self._strata(f"{do}, {by}", do=do, by=by, place=place, to=to, turns=turns, **more)

    def judge_quality(self, place: Path, to: Path, answer: Path, as_of: date, known_at: datetime) -> Answer:
        """A whole run on the tables of `place`, judged by both ways; what was found is written to `answer`.

        Raises:
            Failed: it did not finish.
        """
        dates = {"as_of": as_of.isoformat(), "known_at": known_at.isoformat()}
        return self._strata(
            f"a run and its gate, {place.name}", do="quality", place=place, to=to, answer=answer, **dates
        )

    def judge_defects(self, to: Path, answer: Path, customers: int, seed: int) -> Answer:
        """The catalogue of defects judged by both ways; what was found is written to `answer`.

        Raises:
            Failed: it did not finish.
        """
        return self._strata("defects", do="defects", to=to, answer=answer, customers=customers, seed=seed)

    def file_of(self, peer: str, events: int, as_of: date) -> Path:
        """Where a peer's snapshot lies."""
        return self.work / f"{peer}-{events}-{as_of}.parquet".replace(" ", "_").replace(",", "")

    def check(self, root: Path, events: int, dates: Sequence[date], peer: str = CHECKED_BY) -> Answer | None:
        """Compare the snapshots of strata under `root` with those of a peer; the peer's answer when it did not finish.

        Raises:
            Disagreement: they differ.
        """
        for as_of in dates:
            if not self.file_of(peer, events, as_of).exists():
                answer = self.ask(peer, events, as_of=as_of)
                if answer.failed:
                    return answer
            customers = require_agreement(root, as_of, self.file_of(peer, events, as_of), peer)
            self.tell(f"    {as_of}: strata and {peer} agree on {customers:,} customers")
        return None

    def keep(self, figure: Figure) -> Figure:
        """Note a figure."""
        self.figures.append(figure)
        return figure

    def keep_turns(self, case: str, events: int, name: str, answers: Sequence[Answer]) -> dict[str, Figure]:
        """Note the figures of processes with two turns: cold, warm; the whole process holds both and is not kept."""
        failed = next((answer.failed for answer in answers if answer.failed), "")
        done = [answer for answer in answers if not answer.failed]
        turns = {turn: tuple(answer.seconds[n] for answer in done) for n, turn in enumerate(("cold", "warm"))}
        return {
            turn: self.keep(Figure(case, events, f"{name}, {turn}", "s", values, failed))
            for turn, values in turns.items()
        }

    def judge(self, case: str, events: int, what: str, found: str, wanted: str = "", met: bool | None = None) -> None:
        """Note a comparison; of tables smaller than goals are about it says nothing."""
        met = met if events >= JUDGED_FROM else None
        self.goals.append(Goal(case, events, what, found, wanted, met))
        self.tell(f"  {case} {what}: {found}{f' (goal {wanted})' if wanted else ''}")

    def _strata(self, what: str, **job: Any) -> Answer:
        answer = self._run(f"{STRATA}: {what}", self.limit, **{"heap": HEAP_GIB, **job})
        if answer.failed:
            raise Failed(f"{STRATA}: {what}: {answer.failed}; its log: {self._log}")
        return answer

    def _run(self, what: str, limit: int, **job: Any) -> Answer:
        scratch = self.work / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        said = {name: str(value) if isinstance(value, Path) else value for name, value in job.items()}
        answer = run_alone({"cores": self.cores, "scratch": str(scratch), **said}, limit, self._log)
        shutil.rmtree(scratch)
        took = " ".join(f"{seconds:.1f}" for seconds in answer.seconds)
        self.tell(f"    {what}: {answer.failed or took + ' s'} (process {answer.whole:.1f} s)")
        return answer


def ratio(one: float, other: float) -> str:
    """Seconds against seconds, and how many times they are."""
    return f"{one:.1f} s / {other:.1f} s = {one / other:.2f}×"
