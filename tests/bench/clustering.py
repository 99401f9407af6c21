"""(k) and (n): choosing the number of clusters, and finding everybody's nearest centre."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import silhouette_score
from tests.bench import clusters
from tests.bench.bench import CUSTOMERS, STRATA, Bench, Figure, ratio

from strata.segments.preparation import Preparation

FASTER, SLOWER, INERTIA = 20.0, 1.5, 1.02
MLLIB, SCIKIT_LEARN = "MLlib, all customers", "scikit-learn, all customers"
DIMENSIONS, WIDE, CLUSTERS, MANY = 16, 32, 12, 10


def compare_choice(bench: Bench, events: int) -> None:
    """(k) The number of clusters from 2 to 15 for a million customers with 16 features."""
    customers = min(events, CUSTOMERS)
    place, prepared = bench.work / clusters.RAW, bench.work / clusters.PREPARED
    clusters.make_customers(place, customers, DIMENSIONS)
    kept = {by: bench.work / f"{by}.json" for by in ("strata", "mllib", "scikit-learn")}
    ours = [bench.cluster("choose", "strata", place, kept["strata"], turns=2)]
    found = json.loads(kept["strata"].read_text())
    clusters.prepare_customers(place, prepared, Preparation.from_json(found["preparation"]))
    theirs = bench.cluster("choose", "mllib", prepared, kept["mllib"])
    in_memory = [bench.cluster("choose", "scikit-learn", prepared, kept["scikit-learn"], turns=2)]
    for _ in range(bench.repeats - 1):
        ours.append(bench.cluster("choose", "strata", place, kept["strata"], turns=2))
        in_memory.append(bench.cluster("choose", "scikit-learn", prepared, kept["scikit-learn"], turns=2))
    mllib = bench.keep(Figure("k", events, f"{MLLIB}, once", "s", (theirs.seconds[0],))).median
    by_us, by_them = (
        bench.keep_turns("k", events, name, answers) for name, answers in ((STRATA, ours), (SCIKIT_LEARN, in_memory))
    )
    for turn in ("cold", "warm"):
        here, there = by_us[turn].median, by_them[turn].median
        what = f"number of clusters, {customers:,} x {DIMENSIONS}, {turn}"
        bench.judge("k", events, f"{what}: MLlib against strata", ratio(mllib, here), f"≥ {FASTER:.0f}×",
                    mllib >= FASTER * here)  # fmt: skip
        bench.judge("k", events, f"{what}: strata against scikit-learn", ratio(here, there), f"≤ {SLOWER}×",
                    here <= SLOWER * there)  # fmt: skip
    _judge_clusters(bench, events, prepared, found, json.loads(kept["mllib"].read_text()))


def _judge_clusters(bench: Bench, events: int, prepared: Path, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Whether the clusters are as good, in figures of all customers or of the same 5,000."""
    chosen, best = ours["clusters"], max(theirs["silhouettes"], key=lambda n: theirs["silhouettes"][n])
    same = theirs["centres"][str(chosen)]
    scores = []
    for centres in (ours["centres"], same):
        at, labels = clusters.labels_of(prepared, ours["ids"], np.array(centres))
        scores.append(float(silhouette_score(at, labels)))
    inertia = [clusters.full_inertia(prepared, np.array(centres)) for centres in (ours["centres"], same)]
    found = f"strata {chosen}, MLlib's best silhouette {best}; planted {clusters.PLANTED}"
    bench.judge("k", events, "number of clusters that is chosen", found, "the same", chosen == int(best))
    found = f"{scores[0]:.4f} / {scores[1]:.4f}"
    bench.judge("k", events, f"silhouette of k = {chosen}, strata / MLlib", found, "≥", scores[0] >= scores[1] - 1e-4)
    found = f"{inertia[0]:,.0f} / {inertia[1]:,.0f} = {inertia[0] / inertia[1]:.4f}"
    within = inertia[0] <= INERTIA * inertia[1]
    bench.judge("k", events, f"inertia of k = {chosen} over all, strata / MLlib", found, f"≤ {INERTIA}", within)


def compare_nearest(bench: Bench, events: int) -> None:
    """(n) The nearest of twelve centres for ten million customers with 32 features."""
    customers = MANY * min(events, CUSTOMERS)
    place, prepared = bench.work / clusters.RAW, bench.work / clusters.PREPARED
    clusters.make_customers(place, customers, WIDE)
    bench.cluster("model", "MLlib", place, bench.work, prepared=str(prepared), clusters=CLUSTERS)
    sources = {"strata": place, "MLlib": prepared}
    answers = {by: [] for by in sources}
    for _ in range(bench.repeats):
        for by, source in sources.items():
            to, model = bench.work / f"{by}.parquet", str(bench.work)
            answers[by].append(bench.cluster("nearest", by, source, to, turns=2, model=model))
    agreed = clusters.require_equal(bench.work / "strata.parquet", bench.work / "MLlib.parquet")
    bench.tell(f"    strata and MLlib agree on {agreed:,} customers")
    figures = {by: bench.keep_turns("n", events, f"nearest centre, {by}", found) for by, found in answers.items()}
    for turn in ("cold", "warm"):
        here, there = figures["strata"][turn].median, figures["MLlib"][turn].median
        what = f"nearest of {CLUSTERS} centres, {customers:,} x {WIDE}, {turn}: strata against MLlib's transform"
        bench.judge("n", events, what, ratio(here, there))
