"""Drivers of the command line with a JVM of their own, killed; what a plain rerun leaves then."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from tests.end_to_end.kit import Shop, package_data, small_shop, whole_shop
from tests.sweep.contents import OF_A_RUN, OF_AN_INGEST, contents, differing
from tests.sweep.readers import Readers, Watch

from strata.storage.faults import VARIABLE

FIRST, SECOND = "2017-11-30", "2017-12-31"
DONE = (0, 6)
"""Exit codes of a run that has released; 6: an audience was withheld."""
OF_A_MOMENT = (*OF_A_RUN, "released_at", "started_at")


@dataclass(frozen=True)
class Leg:
    """A part of the way: from which tables it starts, what is run, the points it passes, how long it takes."""

    name: str
    start: Path | None
    as_of: str
    points: list[str]
    seconds: float
    done: Path
    leave_out: tuple[str, ...]

    @cached_property
    def expected(self) -> dict[str, tuple[int, int]]:
        return contents(self.done, self.leave_out)


@dataclass(frozen=True)
class Kill:
    """A leg, and where or when its driver is killed; with `orphan` its JVM is left to end by itself."""

    leg: str
    where: str = ""
    after: float = 0
    orphan: bool = False

    @property
    def name(self) -> str:
        return self.where or f"after {self.after} s{', the JVM orphaned' if self.orphan else ''}"


@dataclass
class Outcome:
    """What came of a kill: whether it took place, what the rerun did, what readers saw meanwhile."""

    leg: str
    kill: str
    is_random: bool
    was_killed: bool = False
    killed_after: float = 0
    rerun: float = 0
    faults: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A folder with the project, the tables at the start of each leg, and those of the kill at hand."""

    folder: Path
    households: int

    @cached_property
    def shop(self) -> Shop:
        place = self.folder / "project"
        if (place / "is-made").exists():
            landing = place / "landing"
            return Shop(place / "grocery", landing if landing.exists() else package_data(), place / "warehouse")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shop = small_shop(place, self.households) if self.households else whole_shop(place)
        if shop.strata("init").code:
            raise SystemExit("strata init failed")
        (place / "is-made").touch()
        return shop

    def start(self, root: Path, job: str, as_of: str, faults: str = "") -> subprocess.Popen[str]:
        """`strata <job>` in a process group of its own."""
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        (self.folder / "tmp").mkdir()
        own = {"TMPDIR": str(self.folder / "tmp"), "SPARK_LOCAL_DIRS": str(self.folder / "tmp")}
        environ = {**os.environ, **own, "PYTHONPATH": os.pathsep.join(["lib", "."]), VARIABLE: faults}
        settings = [f"storage.root={root}", f"variables.landing={self.shop.landing}"]
        words = ["--project", str(self.shop.folder), *(w for s in settings for w in ("--set", s))]
        dated = ["--as-of", as_of] if job != "ingest" else []
        command = [sys.executable, "-m", "strata", job, *words, *dated]
        said = (self.folder / "said").open("w")
        return subprocess.Popen(command, env=environ, stdout=said, stderr=said, text=True, start_new_session=True)

    def complete(self, root: Path, job: str, as_of: str, faults: str = "") -> float:
        """Run it undisturbed; returns its seconds.

        Raises:
            RuntimeError: it has not released.
        """
        begun = time.perf_counter()
        driver = self.start(root, job, as_of, faults)
        try:
            code = driver.wait()
        finally:
            end_group(driver.pid)
        if code not in DONE:
            raise RuntimeError(f"strata {job}: exit {code}: {(self.folder / 'said').read_text()[-1500:]}")
        return time.perf_counter() - begun

    def legs(self) -> list[Leg]:
        """The whole way, undisturbed; what was made before is kept."""
        every = (*OF_A_MOMENT, *OF_AN_INGEST)
        ingested = self._leg("ingest", None, "ingest", FIRST)
        first = self._leg("first", ingested, "run", FIRST)
        second = self._leg("second", first, "run", SECOND)
        return [
            Leg("ingest", None, FIRST, *self._recorded("ingest"), first, every),
            Leg("first", ingested, FIRST, *self._recorded("first"), first, OF_A_MOMENT),
            Leg("second", first, SECOND, *self._recorded("second"), second, OF_A_MOMENT),
        ]

    def _leg(self, name: str, start: Path | None, job: str, as_of: str) -> Path:
        root, record = self.folder / name, self.folder / f"{name}.points"
        if not (self.folder / f"{name}.seconds").exists():
            record.unlink(missing_ok=True)
            copy(start, root)
            seconds = self.complete(root, job, as_of, f"record:{record.resolve()}")
            (self.folder / f"{name}.seconds").write_text(str(seconds))
        return root

    def _recorded(self, name: str) -> tuple[list[str], float]:
        points = (self.folder / f"{name}.points").read_text().splitlines()
        return points, float((self.folder / f"{name}.seconds").read_text())

    def try_out(self, leg: Leg, kill: Kill) -> Outcome:
        """Kill a driver, run again plainly, and look."""
        root, outcome = self.folder / "now", Outcome(kill.leg, kill.name, not kill.where)
        copy(leg.start, root)
        readers = Readers(root)
        with Watch(readers) as watch:
            outcome.killed_after, code = self._kill(root, leg, kill)
            outcome.was_killed = code == -signal.SIGKILL
            if code not in (-signal.SIGKILL, *DONE):
                outcome.faults.append(f"exit {code} instead: {(self.folder / 'said').read_text()[-600:]}")
            try:
                outcome.rerun = round(self.complete(root, "run", leg.as_of), 1)
            except RuntimeError as failed:
                outcome.faults.append(f"rerun: {failed}")
        readers.follow()
        readers.look()
        outcome.faults += [*readers.wrong, *watch.failed]
        outcome.faults += [f"differs: {d}" for d in differing(contents(root, leg.leave_out), leg.expected)]
        outcome.seen = dict(readers.seen)
        return outcome

    def _kill(self, root: Path, leg: Leg, kill: Kill) -> tuple[float, int]:
        begun = time.perf_counter()
        driver = self.start(root, "run", leg.as_of, f"kill:{kill.where}" if kill.where else "")
        try:
            code = driver.wait(None if kill.where else kill.after)
        except subprocess.TimeoutExpired:
            driver.kill()
            code = driver.wait()
        except BaseException:
            end_group(driver.pid)
            raise
        if not kill.orphan:
            end_group(driver.pid)
        return round(time.perf_counter() - begun, 1), code


def copy(start: Path | None, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    if start is not None:
        shutil.copytree(start, root)


def end_group(pid: int) -> None:
    """The JVM of a dead driver, as when the machine is lost."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def kills(legs: list[Leg], points: int | None, at_random: int, seed: int) -> Iterator[Kill]:
    """Every point, or `points` of them evenly spread; then random moments, as many in a leg as it takes time."""
    every = [Kill(leg.name, point) for leg in legs for point in leg.points]
    wanted = len(every) if points is None else min(points, len(every))
    yield from (every[n * len(every) // wanted] for n in range(wanted))
    dice = random.Random(seed)
    for number in range(at_random):
        (leg,) = dice.choices(legs, [leg.seconds for leg in legs])
        yield Kill(leg.name, after=round(dice.uniform(0, leg.seconds), 3), orphan=bool(number % 2))


def read_outcomes(file: Path) -> list[Outcome]:
    return [Outcome(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def add_outcome(file: Path, outcome: Outcome) -> None:
    with file.open("a") as book:
        book.write(json.dumps(asdict(outcome)) + "\n")
