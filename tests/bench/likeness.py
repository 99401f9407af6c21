"""(l) and (j): fifty look-alikes of a million customers, and the 119 categories of the Complete Journey."""

import json
from pathlib import Path

import numpy as np
from tests.bench import lookalikes
from tests.bench.bench import CUSTOMERS, STRATA, Bench, Figure, ratio

AUDIENCES, FEWER, LOOPED, FASTER, AS_GOOD = 50, 25, 3, 15.0, 0.98
AUC, LIFT, BETTER, CATEGORIES = 0.70, 2.6, 0.95, 119
MLLIB = "MLlib, one audience after another"


def compare_lookalikes(bench: Bench, events: int) -> None:
    """(l) Fifty audiences from a million customers with 64 features; MLlib's loop is measured on three and scaled."""
    customers = min(events, CUSTOMERS)
    place = bench.work / "customers.parquet"
    lookalikes.make_customers(place, customers, AUDIENCES)
    kept = {by: bench.work / by for by in ("strata", "fewer", "mllib")}
    looped = bench.cluster("alike", "mllib", place, kept["mllib"], audiences=AUDIENCES, at_most=LOOPED).seconds
    each = float(np.mean(looped[1:]))
    loop = bench.keep(Figure("l", events, f"{MLLIB}, {LOOPED} scaled to {AUDIENCES}", "s",
                             (looped[0] + AUDIENCES * each,))).median  # fmt: skip
    ours, fewer = [], []
    for _ in range(bench.repeats):
        ours.append(bench.cluster("alike", "strata", place, kept["strata"], turns=2, audiences=AUDIENCES))
        fewer.append(bench.cluster("alike", "strata", place, kept["fewer"], turns=2, audiences=FEWER))
    figures = bench.keep_turns("l", events, STRATA, ours)
    with_fewer = bench.keep_turns("l", events, f"{STRATA}, {FEWER} audiences", fewer)
    for turn in ("cold", "warm"):
        what = f"{AUDIENCES} look-alikes, {customers:,} x {lookalikes.FEATURES}, {turn}: MLlib's loop against strata"
        here = figures[turn].median
        bench.judge("l", events, what, ratio(loop, here), f"≥ {FASTER:.0f}×", loop >= FASTER * here)
    one = (figures["warm"].median - with_fewer["warm"].median) / (AUDIENCES - FEWER)
    found = f"strata {one:.2f} s, MLlib {each:.1f} s"
    bench.judge("l", events, "one audience more, warm", found)
    _judge_picks(bench, events, place, kept)


def _judge_picks(bench: Bench, events: int, place: Path, kept: dict[str, Path]) -> None:
    """Whether as many are picked who are as much of the planted taste."""
    for audience in range(LOOPED):
        size, both, our, their = lookalikes.quality(place, kept["strata"], kept["mllib"], AUDIENCES, audience)
        found = f"{our:.4f} / {their:.4f} = {our / their:.4f}; {both:.1%} of {size:,} are the same"
        what = f"planted taste of the picked above the mean, audience {audience + 1}: strata / MLlib"
        bench.judge("l", events, what, found, f"≥ {AS_GOOD}", our >= AS_GOOD * their)


def compare_categories(bench: Bench, events: int) -> None:
    """(j) Who will buy a category, on real data, by the product's own code, all categories in one pass."""
    place, to = bench.work / "journey.parquet", bench.work / "tried.json"
    wanted, learned = lookalikes.make_journey(place)
    answer = bench.cluster("categories", "strata", place, to, wanted=wanted, learned=learned)
    bench.keep(Figure("j", events, f"{STRATA}, {len(wanted)} look-alikes with backtests", "s", tuple(answer.seconds)))
    tried = json.loads(to.read_text())
    bench.judge("j", events, "categories", f"{len(tried)}", f"{CATEGORIES}", len(tried) == CATEGORIES)
    rivals = ("most_active", "centroid", "lookalike")
    auc, lift = ({by: float(np.mean([t[by][n] for t in tried.values()])) for by in rivals} for n in (0, 1))
    others = ", ".join(f"{by.replace('_', ' ')} {auc[by]:.3f} and {lift[by]:.2f}" for by in rivals[:2])
    bench.judge("j", events, "mean AUC", f"{auc['lookalike']:.3f}", f"≥ {AUC:.2f}", auc["lookalike"] >= AUC)
    bench.judge("j", events, "mean lift at 10 %", f"{lift['lookalike']:.2f} ({others})", f"≥ {LIFT}",
                lift["lookalike"] >= LIFT)  # fmt: skip
    for n, what in enumerate(("AUC", "lift at 10 %")):
        better = float(np.mean([t["lookalike"][n] > t["most_active"][n] for t in tried.values()]))
        wanted_, met = (f"≥ {BETTER:.0%}", better >= BETTER) if n == 0 else ("", None)
        bench.judge("j", events, f"categories with a better {what} than most active", f"{better:.1%}", wanted_, met)
