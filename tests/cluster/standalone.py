"""A real standalone Spark cluster on loopback, from the pip package: one master, two workers of one core each.

Its executors' Python is a bare interpreter with neither numpy nor pyarrow, as on many clusters.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from strata.storage.jars import delta_coordinates, ivy_folder, spark_environment, spark_home
from strata.storage.java import find_java

ROOT = Path(__file__).parents[2]
START_SECONDS = 180
SUBMIT_SECONDS = 1500
MEMORY = "1g"


@dataclass(frozen=True)
class Cluster:
    """Where the master listens, and what a submitted program needs."""

    master: str
    wheel: Path
    bare_python: Path
    folder: Path

    def submit(
        self, program: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`spark-submit --packages <Delta> --py-files <wheel> <program> <arguments>`, from an empty folder."""
        settings = {
            "spark.jars.ivy": str(ivy_folder()),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "2g",
            "spark.executor.memory": MEMORY,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.pyspark.python": str(self.bare_python),
            "spark.pyspark.driver.python": sys.executable,
        }
        command = [
            *(str(spark_home() / "bin" / "spark-submit"), "--master", self.master),
            *("--packages", delta_coordinates(), "--py-files", str(self.wheel)),
            *(word for key, value in settings.items() for word in ("--conf", f"{key}={value}")),
            *(str(program), *arguments),
        ]  # fmt: skip
        return subprocess.run(
            command,
            env={**_environment(), **(environment or {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=SUBMIT_SECONDS,
        )


def _environment() -> dict[str, str]:
    environment = spark_environment(find_java(os.environ))
    # Which Python runs where is said by spark.pyspark.*; nothing of this tree may leak in beside the wheel.
    for name in ("PYSPARK_PYTHON", "PYTHONPATH", "STRATA_MASTER"):
        environment.pop(name, None)
    return {**environment, "SPARK_LOCAL_IP": "127.0.0.1"}


def build_wheel(folder: Path) -> Path:
    """The wheel of this tree, built offline from a copy: a `build` folder in the tree would outlive its files."""
    source = folder / "source"
    source.mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", source)
    (source / "README.md").write_text("# strata\n")
    shutil.copytree(ROOT / "lib", source / "lib", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
               "--wheel-dir", str(folder), str(source)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the wheel could not be built:\n{done.stdout}\n{done.stderr}")
    (wheel,) = folder.glob("strata-*.whl")
    return wheel


def make_bare_python(folder: Path) -> Path:
    """A Python with the standard library and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start the cluster on free ports of 127.0.0.1, and stop exactly what was started."""
    wheel, bare_python = build_wheel(folder / "wheel"), make_bare_python(folder / "bare")
    started: list[subprocess.Popen[bytes]] = []
    try:
        master = _start(started, folder, "master", ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1",
                                                    "--port", "0", "--webui-port", "0"])  # fmt: skip
        address = _wait_for(master, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        for number in (1, 2):
            log = _start(started, folder, f"worker-{number}", [
                "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0",
                "--cores", "1", "--memory", MEMORY, "--work-dir", str(folder / f"work-{number}"), address,
            ])  # fmt: skip
            _wait_for(log, r"Successfully registered with master")
        yield Cluster(address, wheel, bare_python, folder)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def _start(started: list[subprocess.Popen[bytes]], folder: Path, name: str, words: Sequence[str]) -> Path:
    log = folder / f"{name}.log"
    command = [str(spark_home() / "bin" / "spark-class"), *words]
    with log.open("wb") as sink:
        started.append(subprocess.Popen(command, env=_environment(), cwd=folder, stdout=sink, stderr=sink))
    return log


def _wait_for(log: Path, pattern: str) -> str:
    """The first group (or the whole) of the first match in a growing log."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found.group(found.re.groups and 1)
        time.sleep(0.2)
    raise TimeoutError(f"no {pattern!r} in {log}:\n{log.read_text(errors='replace')[-2000:]}")
