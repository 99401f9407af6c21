"""Which process is dead for sure: real ones of this machine, and what other machines would say."""

import os
import socket
import subprocess
import sys

import pytest

from strata.storage import processes
from strata.storage.processes import ROOT_SPACE, Process, this_process

HERE, NOBODY = socket.gethostname(), 2**22 + 1
MINE = "boot-a 1 77"


def seen_from(monkeypatch: pytest.MonkeyPatch, marks: dict[int, str]) -> None:
    monkeypatch.setattr(processes, "_mark", marks.get)


def test_a_process_lives_until_it_has_ended_also_when_nobody_has_waited_for_it() -> None:
    program = "from strata.storage.processes import this_process; print(this_process().mark, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as child:  # fmt: skip
        assert child.stdin
        assert child.stdout
        found = Process(HERE, child.pid, child.stdout.readline().strip())
        assert found.mark
        assert not found.is_dead()
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is a zombie
        assert found.is_dead()
    assert not this_process().is_dead()


@pytest.mark.parametrize(
    ("process", "dead"),
    [
        pytest.param(Process("elsewhere", NOBODY, MINE), False, id="of another machine nothing is known"),
        pytest.param(Process(HERE, NOBODY), True, id="an old row: no process has its number"),
        pytest.param(Process(HERE, os.getpid()), False, id="an old row: a process has its number"),
        pytest.param(Process(HERE, 5, "boot-a 1 50"), False, id="the same start"),
        pytest.param(Process(HERE, 5, "boot-a 1 49"), True, id="its number is another's now"),
        pytest.param(Process(HERE, 6, "boot-a 1 50"), True, id="gone"),
        pytest.param(Process(HERE, 6, "boot-a 2 50"), False, id="another container of this machine"),
        pytest.param(Process(HERE, 6, "boot-b 1 50"), False, id="a container of another machine, or of before"),
    ],
)
def test_only_what_is_sure_counts(monkeypatch: pytest.MonkeyPatch, process: Process, dead: bool) -> None:
    seen_from(monkeypatch, {os.getpid(): MINE, 5: "boot-a 1 50"})
    assert process.is_dead() == dead


def test_what_ran_before_the_machine_started_anew_is_dead_outside_of_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen_from(monkeypatch, {os.getpid(): f"boot-a {ROOT_SPACE} 77"})
    assert Process(HERE, os.getpid(), f"boot-b {ROOT_SPACE} 77").is_dead()
    assert not Process(HERE, os.getpid(), f"boot-a {ROOT_SPACE} 77").is_dead()


def test_where_nothing_tells_more_the_number_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen_from(monkeypatch, {})
    assert this_process() == Process(HERE, os.getpid())
    assert Process(HERE, NOBODY, MINE).is_dead()
    assert not Process(HERE, os.getpid(), MINE).is_dead()
