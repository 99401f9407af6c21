"""Dead at any commit, a run leaves readers whole sets, and a plain rerun leaves what an undisturbed run does."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.sweep import driver
from tests.sweep.contents import OF_A_PLACE, OF_A_RUN, contents, differing
from tests.sweep.corner import FEBRUARY, NIGHTS, STAGES, Corner, date, make_corner
from tests.sweep.readers import BY_NAME, Readers, read

from strata.storage.faults import VARIABLE, Fault, Faults
from strata.storage.processes import Process

pytestmark = [pytest.mark.long, pytest.mark.soak]

Content = dict[str, tuple[int, int]]
KILLS = (
    "before append bronze.files",              # all rows of a batch are written, and it does not count yet
    "before replace features.daily",           # pairs know of February, the tiles made of them do not
    "before rebuild staging.segment_kpi",      # half of a release is staged
    "after overwrite staging.promotions",      # promised, nothing moved; the next run begins by moving it, and dies
    "after replace members.audience_changes",  # some tables have February, some do not, and so does the next
    "after overwrite publish.releases",        # all is done, and the lease not given back
)  # fmt: skip
MOMENTS = 8
"""So many runs of a night are begun to be lost."""
WITHDRAWN = "withdraw silver.events"
"""What the run after a death in ingest begins with, and no undisturbed run does."""
TORN = ("replace features.daily", "rebuild features.daily")
"""What comes after a death between pairs and tiles, of which then neither is trusted; KILLS has the first."""
POINT = re.compile(r"(?P<side>before|after) (?P<commit>\w+) (?P<schema>\w+)\.\w+( #\d+)?")


@dataclass
class Mortal(Faults):
    """A run that dies at the first point where none has died before, and as the dead do commits nothing from then on.

    What other threads had in flight is committed; the points they stop at are points of this death too.
    """

    action: str = "raise"
    died_at: set[str] = field(default_factory=set)
    mortal_at: Callable[[str], bool] = lambda _: True
    is_dead: bool = False

    def reach(self, point: str) -> None:
        with self._lock:
            self.passed[point] += 1
            name = point if self.passed[point] == 1 else f"{point} #{self.passed[point]}"
            new = self.mortal_at(name) and name not in self.died_at
            if new:
                self.died_at.add(name)
            self.is_dead = self.is_dead or new
            if self.is_dead:
                raise Fault(name)


@dataclass(frozen=True)
class Nights:
    """The shop before and after each night's run, undisturbed, and the points that each has passed."""

    delivered: dict[date, Corner]
    released: dict[date, Corner]
    done: dict[date, Content]
    points: dict[date, list[str]]


@pytest.fixture(scope="module")
def nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    place = tmp_path_factory.mktemp("undisturbed")
    corner, found = make_corner(place / "corner"), Nights({}, {}, {}, {})
    for as_of in NIGHTS:
        corner.deliver(as_of)
        found.delivered[as_of] = corner.copied(place / f"before-{as_of}")
        corner.run(spark, as_of, f"undisturbed-{as_of}", Faults("record", str(place / f"points-{as_of}")))
        found.done[as_of] = held_by(corner)
        found.points[as_of] = (place / f"points-{as_of}").read_text().splitlines()
        found.released[as_of] = corner.copied(place / f"after-{as_of}")
    return found


@pytest.fixture
def _of_the_dead() -> Iterator[None]:
    """The lease of a run that died in this very process is that of a process that is gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "is_dead", lambda _: True)
        yield


def held_by(corner: Corner) -> Content:
    return contents(corner.root, (*OF_A_RUN, *OF_A_PLACE))


def die_everywhere(
    spark: SparkSession, corner: Corner, as_of: date, mortal_at: Callable[[str], bool] = lambda _: True
) -> tuple[set[str], Readers]:
    """Stage by stage: die at a point, begin again, die at the next ..., until a run gets through; then a plain run.

    Returns:
        The points died at, and what readers have seen after every death.
    """
    died_at: set[str] = set()
    readers = Readers(corner.root)
    for stage in STAGES:
        for number in count(1):
            try:
                corner.run(spark, as_of, f"{stage}-{number}", Mortal(died_at=died_at, mortal_at=mortal_at), (stage,))
            except Fault:
                readers.follow()
                readers.look()
            else:
                break
    corner.run(spark, as_of, "plain")
    readers.follow()
    readers.look()
    return died_at, readers


def one_of_a_kind(points: list[str]) -> set[str]:
    """Of every kind of commit to every schema the first, before and after; and those on which much depends."""
    kinds: dict[tuple[str, ...], str] = {}
    for point in points:
        found = POINT.fullmatch(point)
        assert found, point
        kinds.setdefault((found["side"], found["commit"], found["schema"]), point)
    decisive = ("append bronze.files", "overwrite staging.promotions", "overwrite publish.releases", WITHDRAWN)
    return {*kinds.values(), *(f"{side} {commit}" for side in ("before", "after") for commit in decisive)}


def test_there_is_a_point_before_and_after_every_commit(nights: Nights) -> None:
    for as_of, corner in nights.delivered.items():
        after = nights.released[as_of].root
        made = {log: len(list(after.glob(f"{log}/*.json"))) for log in logs_of(after)}
        before = {log: len(list(corner.root.glob(f"{log}/*.json"))) for log in made}
        passed = Counter(p.split()[2] for p in nights.points[as_of] if p.startswith("after "))
        assert {name_of(log): n - before[log] for log, n in made.items() if n > before[log]} == passed
        sides = Counter(p.split()[0] for p in nights.points[as_of])
        assert sides["before"] == sides["after"] > 60


def logs_of(root: Path) -> list[str]:
    return [str(log.relative_to(root)) for log in root.glob("*/*/_delta_log")]


def name_of(log: str) -> str:
    return ".".join(log.split("/")[:2])


def test_the_shop_is_worth_dying_for(nights: Nights) -> None:
    """Two releases, of which the second looks back at the first; rows in what matters; nothing withheld."""
    root = nights.released[FEBRUARY].root
    rows = {name: found.height for name in BY_NAME if (found := read(root, name)) is not None}
    assert len(rows) == len(BY_NAME)
    for name in ("segment_membership", "customer_segments", "customer_features", "audience_membership"):
        assert rows[f"members.{name}"] > 200, name
    for name in ("members.audience_changes", "publish.segment_migration"):
        assert rows[name] > 0, name
    done = nights.done[FEBRUARY]
    assert done["silver.quarantine"][0] == done["restricted.rejected_rows"][0] == 4
    assert done["features.pairs"][0] >= done["features.daily"][0] > 0
    assert done["features.lifetime"][0] > 0
    assert done["models.population_cuts"][0] == 2
    assert set(read(root, "publish.audience_catalog")["status"]) == {"published"}


def test_six_drivers_killed_one_after_the_other(spark: SparkSession, nights: Nights, tmp_path: Path) -> None:
    corner = nights.delivered[FEBRUARY].copied(tmp_path / "corner")
    readers = Readers(corner.root)
    for number, point in enumerate(KILLS):
        killed = start(spark, corner, f"run-{number}", f"kill:{point}")
        assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stderr[-2000:]}"
        wait_until_quiet(spark, corner.root)
        readers.follow()
        readers.look()
    corner.run(spark, FEBRUARY, "plain")
    readers.follow()
    readers.look()
    assert readers.wrong == []
    assert readers.seen["sets"] == len(KILLS) + 1
    assert differing(held_by(corner), nights.done[FEBRUARY]) == []


def start(spark: SparkSession, corner: Corner, run_id: str, faults: str) -> subprocess.CompletedProcess[str]:
    """A driver for February, with the JVM of these tests as its own: nearly all its time would be the start of one."""
    java = spark.sparkContext._gateway.gateway_parameters
    environ = {
        **os.environ,
        VARIABLE: faults,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYSPARK_GATEWAY_PORT": str(java.port),
        "PYSPARK_GATEWAY_SECRET": java.auth_token,
    }
    command = [sys.executable, driver.__file__, str(corner.folder), str(FEBRUARY), run_id]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=400)


def wait_until_quiet(spark: SparkSession, root: Path) -> None:
    """The JVM outlives its driver here, and ends what other threads of that had begun, as one of its own would not."""
    tracker, quiet = spark.sparkContext.statusTracker(), 0
    while quiet < 3:
        before = len(list(root.glob("**/*")))
        time.sleep(0.3)
        is_still = before == len(list(root.glob("**/*"))) and not tracker.getActiveJobsIds()
        quiet = quiet + 1 if is_still else 0


@pytest.mark.parametrize("as_of", NIGHTS, ids=str)
def test_machines_lost_at_random_moments(spark: SparkSession, nights: Nights, tmp_path: Path, as_of: date) -> None:
    """Within a commit, too: a driver with a JVM of its own, and what it writes in that moment is half there.

    One after the other on the same tables, until a run is through before it is lost.
    """
    dice, commits, lost = random.Random(as_of.toordinal()), len(nights.points[as_of]) // 2, 0
    readers, corner = None, None
    for number in range(MOMENTS):
        corner = corner or nights.delivered[as_of].copied(tmp_path / f"corner-{number}")
        readers = readers or Readers(corner.root)
        is_lost = lose(corner, as_of, f"run-{number}", dice.randrange(commits), dice.uniform(0, 0.4))
        lost += is_lost
        readers.follow()
        readers.look()
        if not is_lost or number == MOMENTS - 1:
            corner.run(spark, as_of, "plain")
            readers.follow()
            readers.look()
            assert readers.wrong == []
            assert differing(held_by(corner), nights.done[as_of]) == []
            readers, corner = None, None
    assert lost >= MOMENTS // 2


def lose(corner: Corner, as_of: date, run_id: str, commits: int, seconds: float) -> bool:
    """A run whose machine is lost so long after so many commits; False when it was through before."""
    command = [sys.executable, driver.__file__, str(corner.folder), str(as_of), run_id]
    environ, before = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, commits_at(corner.root)
    with (corner.folder / f"{run_id}.log").open("w") as log:
        run = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        while run.poll() is None and commits_at(corner.root) - before < commits:
            time.sleep(0.02)
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        code = run.wait()
    assert code in (0, -signal.SIGKILL), f"{run_id}: {(corner.folder / f'{run_id}.log').read_text()[-2000:]}"
    return code != 0


def commits_at(root: Path) -> int:
    return len(list(root.glob("*/*/_delta_log/*.json")))


@pytest.mark.usefixtures("_of_the_dead")
def test_dead_at_one_commit_of_every_kind(spark: SparkSession, nights: Nights, tmp_path: Path) -> None:
    wanted = one_of_a_kind(nights.points[FEBRUARY])
    corner = nights.delivered[FEBRUARY].copied(tmp_path / "corner")
    died_at, readers = die_everywhere(spark, corner, FEBRUARY, wanted.__contains__)
    assert died_at == wanted
    assert readers.wrong == []
    assert differing(held_by(corner), nights.done[FEBRUARY]) == []


@pytest.mark.usefixtures("_of_the_dead")
@pytest.mark.parametrize("as_of", NIGHTS, ids=str)
def test_dead_at_every_commit(spark: SparkSession, nights: Nights, tmp_path: Path, as_of: date) -> None:
    corner = nights.delivered[as_of].copied(tmp_path / "corner")
    died_at, readers = die_everywhere(spark, corner, as_of)
    points = {point.replace(*TORN) for point in nights.points[as_of]}
    assert died_at >= {*points, f"before {WITHDRAWN}", f"after {WITHDRAWN}"}
    assert readers.wrong == []
    assert differing(held_by(corner), nights.done[as_of]) == []
