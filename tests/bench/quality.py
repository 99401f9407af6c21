"""(q) What quality costs a whole run, and Great Expectations used the usual way on the same tables and checks."""

import json
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.data import ARRIVED, LAST_DAY

SHARE = 0.1
CUSTOMERS, SEED = 1_000, 12


def compare_quality(bench: Bench, events: int) -> None:
    """(q) A run from files to a release; then its staged tables judged by strata's gate and the usual way."""
    place, to = bench.tables(events), bench.work / "quality.json"
    for _ in range(bench.repeats):
        bench.judge_quality(place, bench.work / "released", to, LAST_DAY, ARRIVED[2])
        found = json.loads(to.read_text())
        gate, whole = found["stages"]["gate"], found["whole"]
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in found["stages"].items())
        bench.judge("q", events, "seconds of a run, by stage", stages)
        share = gate / whole
        said = f"{gate:.1f} s / {whole:.1f} s = {100 * share:.1f} %"
        bench.judge("q", events, "the gate's share of that run", said, f"≤ {100 * SHARE:.0f} %", share <= SHARE)
        ours, usual = found["strata"], found["usual"]
        said = f"{ours['seconds']:.1f} s, {ours['jobs']} jobs / {usual['seconds']:.1f} s, {usual['jobs']} jobs"
        what = f"{found['checks']} checks of {found['tables']} tables: strata / Great Expectations the usual way"
        bench.judge("q", events, what, f"{said} = {ours['seconds'] / usual['seconds']:.2f}×")
        bench.judge("q", events, "checks on which the two differ", ", ".join(found["differing"]) or "none")


def compare_defects(bench: Bench) -> None:
    """`--gx-full`: every defect of published tables in the catalogue, by both; they may not differ."""
    to: Path = bench.work / "defects.json"
    bench.judge_defects(bench.work / "defects", to, CUSTOMERS, SEED)
    found = json.loads(to.read_text())
    said = f"{found['strata']:.1f} s / {found['usual']:.1f} s"
    bench.judge("q", 0, f"{found['defects']} defects of the catalogue: strata / the usual way", said)
    what = f"defects on which the two differ, in {found['verdicts']} verdicts"
    bench.judge("q", 0, what, ", ".join(found["differing"]) or "none")
