"""What runs in a process of its own: `python -m tests.bench.worker JOB`, JOB as JSON; the answer is a line of JSON."""

import json
import os
import shutil
import sys
import time
import traceback
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tests.bench.measure import peak_of_tree


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job on as many cores as it says."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["cores"]])
    jobs = {
        "tables": make_tables, "build": build, "peer": ask_peer, "thirty": assign_thirty, "choose": choose_clusters,
        "model": keep_cluster_model, "nearest": assign_nearest, "alike": find_lookalikes, "categories": find_categories,
        "quality": judge_quality, "defects": judge_defects,
        "lookups": look_up_customers,
    }  # fmt: skip
    return jobs[job["do"]](job)


def make_tables(job: dict[str, Any]) -> dict[str, Any]:
    """Write the tables of a size: place, shape, events."""
    from tests.bench import data  # noqa: PLC0415 - a process loads only the engine it measures

    begun = time.perf_counter()
    data.make_tables(_session(job), Path(job["place"]), data.SHAPES[job["shape"]], job["events"])
    return {"seconds": [time.perf_counter() - begun], "peak": peak_of_tree()}


def build(job: dict[str, Any]) -> dict[str, Any]:
    """Bring features up to date, `turns` times.

    The job says: `place`, the tables to begin with; `to`, where they are copied before each turn (the same: no copy);
    `keep`, whether the last copy stays; `calls`, the dates of each call; `known_at`; `turns`; `log`, for the event
    log, or nothing.
    """
    from tests.bench import ours, reads  # noqa: PLC0415

    spark, place, to = _session(job), Path(job["place"]), Path(job["to"])
    seconds, stages = [], []
    for _ in range(job["turns"]):
        if place != to:
            ours.copy_tables(place, to)
        known_at, calls = datetime.fromisoformat(job["known_at"]), job["calls"]
        took = [ours.build(spark, to, list(map(date.fromisoformat, dates)), known_at) for dates in calls]
        seconds.append(sum(each for each, _ in took))
        stages += [each for _, each in took]
    peak = peak_of_tree()
    spark.stop()
    if not job["keep"]:
        shutil.rmtree(to)
    read = reads.reads_of(Path(job["log"]), "silver/events") if job["log"] else {}
    return {"seconds": seconds, "stages": stages, "peak": peak, "reads": read}


def ask_peer(job: dict[str, Any]) -> dict[str, Any]:
    """Let another engine make the snapshot, `turns` times."""
    from tests.bench.peers import PEERS, Task  # noqa: PLC0415

    files = sorted(map(str, Path(job["place"], "silver", "events").glob("*.parquet")))
    task = Task(files, date.fromisoformat(job["as_of"]), Path(job["to"]), job["cores"], job["memory"], job["scratch"])
    seconds = []
    for _ in range(job["turns"]):
        begun = time.perf_counter()
        PEERS[job["peer"]](task)
        seconds.append(time.perf_counter() - begun)
    return {"seconds": seconds, "peak": peak_of_tree()}


def assign_thirty(job: dict[str, Any]) -> dict[str, Any]:
    """Thirty segmentations of a snapshot, `turns` times; `shape` says by whom and how: wide, long or duckdb."""
    from tests.bench import thirty  # noqa: PLC0415

    place, to, shape = Path(job["place"]), Path(job["to"]), job["shape"]
    spark = None if shape == "duckdb" else _session(job)
    seconds = []
    for _ in range(job["turns"]):
        begun = time.perf_counter()
        if shape == "duckdb":
            thirty.ask_duckdb(place, to, job["cores"])
        else:
            thirty.assign(spark, place, to, shape)
        seconds.append(time.perf_counter() - begun)
    return {"seconds": seconds, "peak": peak_of_tree()}


def choose_clusters(job: dict[str, Any]) -> dict[str, Any]:
    """Choose a number of clusters, `turns` times; `by` says who does; what was found is written to `to` as JSON."""
    from tests.bench import clusters  # noqa: PLC0415

    place, by, seconds = Path(job["place"]), job["by"], []
    spark = None if by == "scikit-learn" else _session(job)
    for _ in range(job["turns"]):
        begun = time.perf_counter()
        if by == "scikit-learn":
            found = clusters.choose_by_scikit_learn(place)
        else:
            found = (clusters.choose if by == "strata" else clusters.choose_by_mllib)(spark, place)
        seconds.append(time.perf_counter() - begun)
    Path(job["to"]).write_text(json.dumps(clusters.fit_as_json(found) if by == "strata" else found))
    return {"seconds": seconds, "peak": peak_of_tree()}


def keep_cluster_model(job: dict[str, Any]) -> dict[str, Any]:
    """Fit the one model that customers are assigned by, and prepare the customers for MLlib."""
    from tests.bench import clusters  # noqa: PLC0415

    begun = time.perf_counter()
    clusters.keep_model(_session(job), Path(job["place"]), Path(job["prepared"]), Path(job["to"]), job["clusters"])
    return {"seconds": [time.perf_counter() - begun], "peak": peak_of_tree()}


def assign_nearest(job: dict[str, Any]) -> dict[str, Any]:
    """Assign customers to their nearest centres, `turns` times; `by` says who does."""
    from tests.bench import clusters  # noqa: PLC0415

    spark, seconds = _session(job), []
    do = clusters.assign if job["by"] == "strata" else clusters.assign_by_mllib
    for _ in range(job["turns"]):
        begun = time.perf_counter()
        do(spark, Path(job["place"]), Path(job["model"]), Path(job["to"]))
        seconds.append(time.perf_counter() - begun)
    return {"seconds": seconds, "peak": peak_of_tree()}


def find_lookalikes(job: dict[str, Any]) -> dict[str, Any]:
    """Look-alikes of as many `audiences`, `turns` times; MLlib of `at_most` of them, seconds of each."""
    from tests.bench import lookalikes  # noqa: PLC0415

    spark, place, to = _session(job), Path(job["place"]), Path(job["to"])
    if job["by"] == "mllib":
        seconds = lookalikes.find_by_mllib(spark, place, to, job["audiences"], job["at_most"])
        return {"seconds": seconds, "peak": peak_of_tree()}
    turns = [lookalikes.find(spark, place, to, job["audiences"]) for _ in range(job["turns"])]
    stages = [dict(zip(("sampled", "learned", "written"), steps, strict=True)) for steps in turns]
    return {"seconds": [steps[-1] for steps in turns], "stages": stages, "peak": peak_of_tree()}


def find_categories(job: dict[str, Any]) -> dict[str, Any]:
    """The look-alikes of all categories; what was tried is written to `to` as JSON."""
    from tests.bench import lookalikes  # noqa: PLC0415

    place, to = Path(job["place"]), Path(job["to"])
    seconds = lookalikes.find_categories(_session(job), place, to, job["wanted"], job["learned"])
    return {"seconds": [seconds], "peak": peak_of_tree()}


def judge_quality(job: dict[str, Any]) -> dict[str, Any]:
    """A whole run on what the tables hold, and its staged tables judged by both ways."""
    from tests.bench import gated  # noqa: PLC0415

    spark, to = _session(job), Path(job["to"])
    shutil.rmtree(to, ignore_errors=True)
    as_of, known_at = date.fromisoformat(job["as_of"]), datetime.fromisoformat(job["known_at"])
    seconds = gated.measure(spark, Path(job["place"]), to, Path(job["answer"]), as_of, known_at)
    shutil.rmtree(to)
    return {"seconds": [seconds], "peak": peak_of_tree()}


def judge_defects(job: dict[str, Any]) -> dict[str, Any]:
    """Every defect of published tables, judged by both ways."""
    from tests.bench import gated  # noqa: PLC0415

    seconds = gated.compare_defects(_session(job), Path(job["to"]), job["customers"], job["seed"], Path(job["answer"]))
    return {"seconds": [seconds], "peak": peak_of_tree()}


def look_up_customers(job: dict[str, Any]) -> dict[str, Any]:
    """Release tables of so many `customers` at `place`, and look single ones up."""
    from tests.bench import lookups  # noqa: PLC0415

    spark = _session(job)
    seconds, found = lookups.release(spark, Path(job["place"]), job["customers"])
    read = lookups.look_up(spark, Path(job["place"]), job["customers"])
    spark.stop()
    return {"seconds": seconds, "stages": [found | read], "peak": peak_of_tree()}


def _session(job: dict[str, Any]) -> Any:
    from tests.bench.reads import SETTINGS  # noqa: PLC0415

    from strata.storage.session import open_session  # noqa: PLC0415

    settings = {"spark.master": f"local[{job['cores']}]", "spark.driver.memory": f"{job['heap']}g"}
    settings["spark.local.dir"] = job["scratch"]
    if job.get("log"):
        Path(job["log"]).mkdir(parents=True)
        settings |= {**SETTINGS, "spark.eventLog.dir": Path(job["log"]).as_uri()}
    return open_session(settings)


def _explain(problem: Exception) -> str:
    said = str(problem).strip().splitlines() or [""]
    return f"{type(problem).__name__}: {said[0][:200]}"


if __name__ == "__main__":
    failed = False
    try:
        answer = main(json.loads(sys.argv[1]))
    except Exception as problem:
        traceback.print_exc()
        answer, failed = {"failed": _explain(problem)}, True
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.exit(failed)
