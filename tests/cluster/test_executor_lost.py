"""Executors killed in the middle of shuffles of the main job: readers get the same tables as of an undisturbed run."""

import os
import re
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.cluster.published import published_hashes
from tests.cluster.standalone import ROOT, Cluster
from tests.cluster.test_submit import OF_THE_RUN
from tests.end_to_end.kit import Shop, small_shop

from strata.contract.published import GATED_TABLES

pytestmark = [pytest.mark.long, pytest.mark.cluster]

AS_OF, KEY = "2017-12-31", {"STRATA_IDENTITY_KEY": "00" * 32}
AFTER_SHUFFLES = (2, 25)
"""How many shuffles an executor must have written to before it is killed, each time."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return small_shop(tmp_path_factory.mktemp("lost"))


def run(cluster: Cluster, shop: Shop, root: Path) -> int:
    settings = [f"storage.root={root}", f"variables.landing={shop.landing}"]
    words = ["--project", str(shop.folder), "--as-of", AS_OF, *(w for s in settings for w in ("--set", s))]
    done = cluster.submit(ROOT / "jobs" / "run.py", *words, environment=KEY)
    assert done.returncode in {0, 6}, done.stderr[-4000:]
    return done.returncode


def executors(cluster: Cluster) -> list[int]:
    """Processes of executors of this cluster: they work in folders of its workers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_executor = b"CoarseGrainedExecutorBackend" in (folder / "cmdline").read_bytes()
            if is_executor and (folder / "cwd").readlink().is_relative_to(cluster.folder):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def shuffles_of(process: int) -> set[str]:
    """The shuffles whose map outputs the blocks of an executor hold, in its own local folders."""
    try:
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return set()
    folders = [v.partition(b"=")[2].decode() for v in variables if v.startswith(b"SPARK_EXECUTOR_DIRS=")]
    places = [place for listed in folders for place in listed.split(os.pathsep)]
    found = (re.match(r"shuffle_(\d+)_", file.name) for place in places for file in Path(place).rglob("shuffle_*.data"))
    return {match.group(1) for match in found if match}


def kill_mid_shuffle(cluster: Cluster, at_work: Future[int]) -> int:
    """Kill an executor each time that one has come so far; how many were killed before the work was done."""
    killed = 0
    for shuffles in AFTER_SHUFFLES:
        while not at_work.done():
            ripe = [p for p in executors(cluster) if len(shuffles_of(p)) >= shuffles]
            if ripe:
                os.kill(ripe[0], signal.SIGKILL)
                killed += 1
                break
            time.sleep(0.05)
    return killed


def test_executors_killed_in_the_middle_of_shuffles_change_no_published_row(
    cluster: Cluster, shop: Shop, tmp_path: Path
) -> None:
    whole = run(cluster, shop, tmp_path / "whole")
    with ThreadPoolExecutor(1) as pool:
        at_work: Future[int] = pool.submit(run, cluster, shop, tmp_path / "disturbed")
        assert kill_mid_shuffle(cluster, at_work) == len(AFTER_SHUFFLES)
        assert at_work.result() == whole
    names = {table.full_name() for table in GATED_TABLES}
    before, after = (published_hashes(tmp_path / place, OF_THE_RUN, names) for place in ("whole", "disturbed"))
    assert set(before) == names
    assert after == before
