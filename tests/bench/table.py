"""The table of a run as Markdown: what was found against what was wanted, then every figure."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from tests.bench.bench import HEAP_GIB, Bench, Figure, Goal
from tests.bench.measure import GIB, ROOT, total_memory

from strata import __version__

PACKAGES = ("pyspark", "delta-spark", "duckdb", "polars", "pandas")
Found = TypeVar("Found", Goal, Figure)
OUTCOME = {True: "met", False: "missed", None: ""}
NOTES = f"""\
Every process is alone, is bound to its cores and is killed when it has more memory than its limit; peers and strata
take turns. Cold is the first build of a process, its session open; warm the second. All read the same Parquet files,
which the page cache may hold. strata makes its tiles and the snapshot, both as Delta tables, with a heap of
{HEAP_GIB} GiB; a peer makes one Parquet file, and does not look for corrected, deleted or late rows. Before anything is
timed the snapshots are compared: all customers, all 40 columns, to the cent. Memory is resident memory of a process and
its children, each at its own peak.
"""


def describe_run(bench: Bench, date: str, words: Sequence[str]) -> str:
    """When, where, how and of which code, as a paragraph; to be asked before the table is written into that code."""
    return (
        f"{date}, {_machine()}, load {os.getloadavg()[0]:.1f} at the start; {bench.cores} cores used, {bench.repeats}"
        f" repeats, medians; events like those of a {bench.shape.name}."
        f" `{' '.join(['python -m tests.bench', *words])}` at {_code()}."
    )


def write_table(bench: Bench, to: Path, run: str) -> None:
    """Write what a run has found so far; `run` from `describe_run`."""
    goals = [[g.case, f"{g.events:,}", g.what, g.found, g.wanted, OUTCOME[g.met]] for g in _in_order(bench.goals)]
    figures = [[f.case, f"{f.events:,}", f.what, *_values(f)] for f in _in_order(bench.figures)]
    parts = [
        "# What `make bench` measured\n",
        f"{run}\n",
        NOTES,
        _rows(["", "events", "what", "found", "goal", "outcome"], goals),
        "## All figures\n",
        _rows(["", "events", "what", "median", "all, in their order"], figures),
    ]
    to.write_text("\n".join(parts), encoding="utf-8")


def _in_order(found: Iterable[Found]) -> list[Found]:
    return sorted(found, key=lambda each: each.case)


def _values(figure: Figure) -> list[str]:
    said = [f"{v / GIB:.2f} GiB" if figure.unit == "bytes" else f"{v:.1f} s" for v in figure.values]
    if figure.failed:
        return ["does not finish", ", ".join([*said, figure.failed])]
    median = f"{figure.median / GIB:.2f} GiB" if figure.unit == "bytes" else f"{figure.median:.1f} s"
    return [median, ", ".join(said)]


def _rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines) + "\n"


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {total_memory() / GIB:.0f} GiB"


def _code() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"strata {__version__} ({commit or 'no commit'}), Python {platform.python_version()}, {versions}"
