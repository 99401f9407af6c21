"""What make does on which machine: nothing twice, what is missing installed as root, one line otherwise.

The real scripts run; Python, pip, apt-get and id are stand-ins that write down how they were called.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = (
    "bash",
    "cat",
    "rm",
    "touch",
    "mktemp",
    "mkdir",
    "chmod",
    "cp",
    "sha256sum",
    "cut",
    "make",
    "grep",
    "sed",
    "expand",
)
PYTHON = """#!/bin/bash
case "$*" in
  *ensurepip*) [ -e "$STATE/venv" ] ;;
  *version_info*) [ ! -e "$STATE/no-python" ] ;;
  "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/pip && echo "$*" >>"$STATE/calls" ;;
  *"-m pip"*) echo "pip ${*: -1}" >>"$STATE/calls"; [ ! -e "$STATE/offline" ] || { echo lost >&2; exit 1; } ;;
  "-m strata.storage.java") [ -e "$STATE/java" ] ;;
  "-m strata.storage.jars"*) echo "$*" >>"$STATE/calls" ;;
  "- "*) exec REAL "$@" ;;
esac
"""
APT = """#!/bin/bash
echo "apt-get $*" >>"$STATE/calls"
case "${*: -1}" in
  python3.11-venv) touch "$STATE/venv" ;;
  openjdk-21-jre-headless) touch "$STATE/java" ;;
  openjdk-*) exit 100 ;;
esac
"""


class Machine:
    """A copy of the set-up in an empty folder, on a machine with nothing but the tools named."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.state, self.bin = folder / "tree", folder / "state", folder / "bin"
        for made in (self.tree / ".ci", self.tree / "lib/strata/storage", self.state, self.bin):
            made.mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", ".ci/setup", "lib/strata/storage/jars.py"):
            shutil.copy(ROOT / name, self.tree / name)
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        self.tool("python3.11", PYTHON.replace("REAL", sys.executable))

    def tool(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def has(self, *marks: str) -> None:
        for mark in marks:
            (self.state / mark).touch()

    def run_as(self, user: int, *words: str) -> subprocess.CompletedProcess[str]:
        self.tool("id", f"#!/bin/bash\necho {user}\n")
        environment = {"PATH": str(self.bin), "STATE": str(self.state), "TMPDIR": str(self.state)}
        return subprocess.run(words, cwd=self.tree, env=environment, capture_output=True, text=True, check=False)

    def calls(self) -> list[str]:
        log = self.state / "calls"
        said = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return said


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_second_set_up_does_nothing_until_a_pin_changes(machine: Machine) -> None:
    machine.has("venv", "java")
    assert machine.run_as(1000, "make", "setup").returncode == 0
    assert machine.calls()[-1] == "-m strata.storage.jars --tests-of pyproject.toml"
    again = machine.run_as(1000, "make", "setup")
    assert (again.returncode, again.stdout, machine.calls()) == (0, "", [])

    pins = machine.tree / "pyproject.toml"
    pins.write_text(pins.read_text().replace('"duckdb==', '"duckdb==9'))
    assert machine.run_as(1000, "make", "setup").returncode == 0
    assert machine.calls()[-2:] == ["pip .[demo,dev]", "-m strata.storage.jars --tests-of pyproject.toml"]


def test_the_demo_installs_only_what_it_needs_and_nothing_after_a_full_set_up(machine: Machine) -> None:
    machine.has("venv", "java")
    strata = machine.tree / ".venv/bin/strata"
    strata.parent.mkdir(parents=True)
    machine.tool("strata", '#!/bin/bash\necho "strata $*" >>"$STATE/calls"\n')
    strata.symlink_to(machine.bin / "strata")
    runs = [
        "strata init --project conf/grocery",
        "strata run --project conf/grocery --as-of 2017-11-30,2017-12-31",
    ]
    assert machine.run_as(1000, "make", "demo").returncode == 0
    first = machine.calls()
    assert first[-4:] == ["pip .[demo]", "-m strata.storage.jars", *runs]
    assert machine.run_as(1000, "make", "demo").returncode == 0
    assert machine.calls() == runs
    assert machine.run_as(1000, "make", "setup").returncode == 0
    assert "pip .[demo,dev]" in machine.calls()
    assert machine.run_as(1000, "make", "demo").returncode == 0
    assert machine.calls() == runs


def test_root_gets_what_is_missing_installed(machine: Machine) -> None:
    machine.tool("apt-get", APT)
    done = machine.run_as(0, "bash", ".ci/setup", "demo")
    assert done.returncode == 0, done.stderr
    installed = [call.split()[-1] for call in machine.calls() if call.startswith("apt-get install")]
    assert installed == ["python3.11-venv", "openjdk-17-jre-headless", "openjdk-21-jre-headless"]


@pytest.mark.parametrize(
    ("marks", "line"),
    [
        ((), "Python's venv module is missing: ask an administrator to run: apt-get install python3.11-venv"),
        (("venv",), "Java 17 or 21 is missing: ask an administrator to run: apt-get install openjdk-17-jre-headless"),
        (
            ("no-python",),
            "Python 3.11 is missing as 'python3.11': install it, or name it: make PYTHON=/path/to/python3.11 ...",
        ),
    ],
)
def test_anybody_else_reads_one_line(machine: Machine, marks: tuple[str, ...], line: str) -> None:
    machine.tool("apt-get", APT)
    machine.has(*marks)
    done = machine.run_as(1000, "bash", ".ci/setup", "demo")
    assert (done.returncode, done.stderr) == (2, f"set-up: {line}\n")
    assert not [call for call in machine.calls() if call.startswith("apt-get")]


def test_no_network_leaves_no_stamp(machine: Machine) -> None:
    machine.has("venv", "java", "offline")
    done = machine.run_as(1000, "make", "setup")
    assert done.returncode == 2
    assert "set-up: Python packages could not be installed" in done.stderr
    assert "needs a network" in done.stderr
    (machine.state / "offline").unlink()
    machine.calls()
    assert machine.run_as(1000, "make", "setup").returncode == 0
    assert "pip .[demo,dev]" in machine.calls()
