"""Every timed thing in a process of its own: wall time, peak memory of it and its children, a limit of memory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
POLL = 0.2
GIB = 1 << 30


@dataclass(frozen=True)
class Answer:
    """What came of a process.

    Attributes:
        seconds: each turn of the work; the first is the first of its process (cold), later ones are warm.
        whole: seconds from the start of the process to its end.
        peak: bytes resident at most, summed over its processes (each at its own peak).
        reads: rows, bytes and files read of events, where asked for.
        stages: seconds of each stage of each turn, where it has stages.
        failed: why it did not finish; empty: it did.
    """

    seconds: list[float] = field(default_factory=list)
    whole: float = 0.0
    peak: int = 0
    reads: dict[str, int] = field(default_factory=dict)
    stages: list[dict[str, float]] = field(default_factory=list)
    failed: str = ""


def run_alone(job: Mapping[str, Any], limit: int, log: Path) -> Answer:
    """Do a job of `worker` in a process of its own.

    Args:
        job: what to do.
        limit: bytes; when the process and its children have more resident, they are killed, as a container would.
        log: where its standard error goes, and the answer is added as a line of JSON to `figures.jsonl` beside it.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), str(ROOT)])}
    environment["POLARS_MAX_THREADS"] = str(job["cores"])
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.worker", json.dumps(job)]
    begun = time.perf_counter()
    with log.open("w") as errors, subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
    ) as process:  # fmt: skip
        try:
            most = _watch(process, limit)
        finally:
            _kill(process)  # else an interrupted run would wait for it
        said = process.stdout.read() if process.stdout else ""
    whole = time.perf_counter() - begun
    told = {"failed": f"ended with {process.returncode}, without a word"}
    if most > limit:
        told = {"failed": f"over {limit / GIB:.1f} GiB"}
    elif said.strip():
        told = json.loads(said.splitlines()[-1])
    answer = Answer(**{"peak": most, **told, "whole": whole})
    with log.with_name("figures.jsonl").open("a") as figures:
        figures.write(json.dumps({"job": dict(job), **asdict(answer)}) + "\n")
    return answer


def _watch(process: subprocess.Popen[str], limit: int) -> int:
    """Wait for the end; returns the most that was seen resident."""
    most = 0
    while True:
        most = max(most, sum(_status(pid, "VmRSS") for pid in tree_of(process.pid)))
        if most > limit:
            _kill(process)
        try:
            process.wait(POLL)
        except subprocess.TimeoutExpired:
            continue
        return most


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def peak_of_tree() -> int:
    """Bytes resident at most of this process and of each of its living children, added up."""
    return sum(_status(pid, "VmHWM") for pid in tree_of(os.getpid()))


def tree_of(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for task in _read(Path(f"/proc/{pid}/task")):
        for child in _text(task / "children").split():
            yield from tree_of(int(child))


def available_memory() -> int:
    """Bytes that the machine can still give."""
    return _field(Path("/proc/meminfo"), "MemAvailable")


def total_memory() -> int:
    """Bytes of the machine."""
    return _field(Path("/proc/meminfo"), "MemTotal")


def _status(pid: int, name: str) -> int:
    return _field(Path(f"/proc/{pid}/status"), name)


def _field(file: Path, name: str) -> int:
    for line in _text(file).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(file: Path) -> str:
    # A process may end between being listed and being read.
    try:
        return file.read_text()
    except OSError:
        return ""


def _read(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
