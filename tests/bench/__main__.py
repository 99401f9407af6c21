"""`make bench`: strata and its peers in one run, results checked equal first.

    python -m tests.bench [--events 5000000,50000000] [--only a,b] [--repeats 3] [--shape telco]

What is compared stands in cases.py (techniques against the truth: truth.py), how it is run in bench.py. Data lies in
.bench (about 40 bytes an event) and is made once; every single figure is added to .bench/figures.jsonl as it comes.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.agreement import Disagreement
from tests.bench.bench import Bench, Failed
from tests.bench.cases import CASES, compare_sizes
from tests.bench.data import SHAPES
from tests.bench.measure import GIB, ROOT, available_memory
from tests.bench.quality import compare_defects
from tests.bench.table import describe_run, write_table
from tests.bench.truth import compare_with_truth

OF_SIZES, OF_TRUTH = "e", "t"
ONCE = (OF_SIZES, OF_TRUTH)
KEPT_FREE = 0.1


def main(words: Sequence[str]) -> int:
    """Run the cases for each size; the table is written anew after each, so that nothing measured is lost."""
    options = _parser().parse_args(words)
    limit = int(options.limit_gib * GIB) if options.limit_gib else int(available_memory() * (1 - KEPT_FREE))
    cores = min(options.cores, len(os.sched_getaffinity(0)))
    bench = Bench(options.folder.resolve(), SHAPES[options.shape], options.repeats, cores, limit, _tell)
    run = describe_run(bench, options.date, words)
    for events in options.events:
        for letter in options.only:
            shutil.rmtree(bench.work, ignore_errors=True)
            bench.work.mkdir(parents=True)
            try:
                _run(bench, letter, events)
            except Disagreement as problem:
                _tell(f"bench: {problem}")
                return 1
            write_table(bench, options.to, run)
    if options.gx_full:
        bench.work.mkdir(parents=True, exist_ok=True)
        compare_defects(bench)
    shutil.rmtree(bench.work)
    compare_sizes(bench)
    if OF_TRUTH in options.only:
        compare_with_truth(bench, options.to.with_name("results-techniques.md"))
    write_table(bench, options.to, run)
    _tell(f"{options.to}")
    return 0


def _run(bench: Bench, letter: str, events: int) -> None:
    if letter in ONCE:
        return
    _tell(f"({letter}) {events:,} events")
    try:
        CASES[letter](bench, events)
    except Failed as problem:
        bench.judge(letter, events, "does not finish", str(problem), "", False)


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS=…", description="strata and its peers in one run.")
    add = parser.add_argument
    add("--events", type=_sizes, default=[5_000_000], help="sizes with commas, ascending; (e) needs two")
    add("--only", type=_letters, default=[*CASES, *ONCE], help=f"of {', '.join([*CASES, *ONCE])}, with commas")
    add("--repeats", type=int, default=3, help="how often each thing is measured")
    add("--shape", choices=SHAPES, default="telco", help="about 4 events of a customer on a day, or about 1")
    add("--cores", type=int, default=2, help="that a process may use")
    add("--limit-gib", type=float, help="memory of a process; else nine tenths of what is available")
    add("--gx-full", action="store_true", help="all defects of tests/quality/defects, by strata and Great Expectations")
    add("--date", default=time.strftime("%Y-%m-%d"), help="of the table; else today")
    add("--folder", type=Path, default=ROOT / ".bench", help="where data lies")
    add("--to", type=Path, default=ROOT / "tests" / "bench" / "results.md", help="the table")
    return parser


def _sizes(text: str) -> list[int]:
    return sorted(int(word.replace("_", "")) for word in text.split(","))


def _letters(text: str) -> list[str]:
    letters = text.split(",")
    if unknown := set(letters) - {*CASES, *ONCE}:
        known = ", ".join([*CASES, *ONCE])
        raise argparse.ArgumentTypeError(f"found {', '.join(sorted(unknown))}, expected {known}")
    return letters


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
