"""Fault points: off in production, named and numbered per run, chosen by one variable. No Spark."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from strata.storage.faults import VARIABLE, Fault, Faults

COMMITS = """
from strata.storage.faults import Faults
faults = Faults.from_environment()
for commit, table in (("create", "a.b"), ("append", "a.b"), ("append", "a.b"), ("rebuild", "a.c")):
    with faults.around(commit, table):
        print(commit, table, flush=True)
"""
POINTS = ["before create a.b", "after create a.b", "before append a.b", "after append a.b", "before append a.b #2",
          "after append a.b #2", "before rebuild a.c", "after rebuild a.c"]  # fmt: skip


def commits(faults: str) -> subprocess.CompletedProcess[str]:
    """Four commits by a process of their own."""
    environ = {VARIABLE: faults, "PYTHONPATH": "lib"}
    return subprocess.run([sys.executable, "-c", COMMITS], env=environ, capture_output=True, text=True, check=False)


def test_points_are_off_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    faults = Faults.from_environment()
    with faults.around("append", "a.b"):
        pass
    assert faults == Faults("", "")
    assert not faults.passed


def test_a_run_writes_down_the_points_it_passes(tmp_path: Path) -> None:
    assert commits(f"record:{tmp_path / 'points'}").returncode == 0
    assert (tmp_path / "points").read_text().splitlines() == POINTS


@pytest.mark.parametrize(("point", "done"), [("before append a.b", 1), ("after append a.b #2", 3), ("7", 3), ("8", 4)])
def test_a_run_dies_at_the_point_that_is_named_or_numbered(point: str, done: int) -> None:
    killed, raised = commits(f"kill:{point}"), commits(f"raise:{point}")
    assert killed.returncode == -signal.SIGKILL
    assert raised.returncode == 1
    assert f"Fault: fault point {point if point.isdigit() else POINTS.index(point) + 1}: " in raised.stderr
    assert len(killed.stdout.splitlines()) == len(raised.stdout.splitlines()) == done


def test_a_point_that_is_not_passed_does_nothing() -> None:
    assert commits("kill:after append a.b #3").returncode == 0


@pytest.mark.parametrize("said", ["kill", "kill:", "die:7"])
def test_what_is_not_understood_is_said(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(ValueError, match=r"STRATA_FAULTS=.*expected one of record, kill, raise"):
        Faults.from_environment()


def test_a_commit_that_fails_has_no_point_behind_it(tmp_path: Path) -> None:
    faults = Faults("record", str(tmp_path / "points"))
    with pytest.raises(OSError, match="disk"), faults.around("append", "a.b"):
        raise OSError("disk")
    assert (tmp_path / "points").read_text() == "before append a.b\n"


def test_a_fault_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "raise:before append a.b")
    with (
        pytest.raises(Fault, match=r"fault point 1: before append a\.b"),
        Faults.from_environment().around("append", "a.b"),
    ):
        pass
