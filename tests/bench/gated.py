"""A whole run from files to a release, by stages; its tables judged once more, by strata and the usual way."""

import io
import json
import shutil
import time
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.bench.gate import Usual, count_jobs, differing, shipped, timed
from tests.bench.ours import PROJECT, Silent
from tests.quality.seeding import spoil_table
from tests.quality.world import DEFECTS, LAST, Watched, World, day

from strata.cli.options import STAGES
from strata.console import Console
from strata.contract import silver
from strata.contract.columns import Table
from strata.contract.operations import run_log
from strata.contract.published import GATED_TABLES, segment_catalog
from strata.contract.spark import rows_of
from strata.pipeline.context import Run, Target, aim
from strata.pipeline.gate import segments_of
from strata.pipeline.jobs import Wanted, run_jobs
from strata.pipeline.staged import staged_commits
from strata.project.load import load_project
from strata.project.models import Storage
from strata.quality.gate import Gate
from strata.quality.suites import Expected, Subject, suite
from strata.storage.held import rows_held
from strata.storage.promotion import staging
from strata.storage.tables import Lakehouse

MEASURES = ("spend", "purchases", "purchase_days", "units", "discount", "web_spend")
KEY = {"STRATA_BENCH_KEY": "00" * 32}
SOURCES = {
    "subscribers": {"customer": "customer_id", "sex": "sex", "tariff": "tariff"},
    "usage": {
        "id": "event_id", "customer": "customer_id", "at": "occurred_at", "kind": "event_type", "channel": "channel",
        "units": "quantity", "paid": "amount", "off": "discount_amount",
    },
}  # fmt: skip
"""Source -> its columns, each with the column of silver that stands for it here."""
CUTS = {"none": "{0} = 0", "low": "{0} < 10", "middle": "{0} < 100", "high": "{0} >= 100"}


def write_project(to: Path) -> Path:
    """The bench's project with six segmentations by rules, an audience and all features published."""
    shutil.copytree(PROJECT, to, dirs_exist_ok=True)
    names = [f"{name}_{days}d" for name in MEASURES for days in (28, 84, 182, 364)]
    features = (to / "features.yml").read_text()
    (to / "features.yml").write_text(f"{features}publish: [{', '.join(names)}]\n")
    for folder in ("segmentations", "audiences"):
        (to / folder).mkdir()
    for name in MEASURES:
        (to / "segmentations" / f"by_{name}.yml").write_text(_segmentation(name))
    (to / "privacy.yml").write_text("purposes:\n  post: {basis: legitimate_interest, description: Offers by post}\n")
    audience = {"audience": "buyers", "kind": "rule", "owner": "crm", "purpose": "post", "include": "spend_84d > 50"}
    (to / "audiences" / "buyers.yml").write_text("".join(f"{key}: {value!r}\n" for key, value in audience.items()))
    return to


def _segmentation(measure: str) -> str:
    told = {"version": 1, "technique": "value", "owner": "crm", "task": "Choose an offer", "kind": "rules"}
    lines = [f"segmentation: by_{measure}", *(f"{key}: {value}" for key, value in told.items()), "segments:"]
    for segment, rule in CUTS.items():
        lines.append(f'  - {{segment: {segment}, label: {segment}, when: "{rule.format(f"{measure}_84d")}"}}')
    return "\n".join([*lines, "otherwise: error", ""])


def deliver(spark: SparkSession, place: Path, landing: Path) -> None:
    """What the tables of `place` were made of, had they been ingested: the files of both sources."""
    lakehouse = Lakehouse(spark, Storage(root=str(place)), "bench")
    columns = {source: [F.col(column).alias(name) for name, column in said.items()] for source, said in SOURCES.items()}
    # A later batch changes one profile; a snapshot has the first of each.
    profiles = lakehouse.read(silver.customers).where(F.col("batch_id") == 1)
    lakehouse.read(silver.events).select(*columns["usage"]).write.parquet(str(landing / "usage"))
    profiles.select(*columns["subscribers"]).coalesce(1).write.parquet(str(landing / "subscribers"))


def release(spark: SparkSession, root: Path, folder: Path, as_of: date, known_at: datetime) -> tuple[Run, Target]:
    """What `strata run` does, with the files beside the project; seconds of every stage stand in run_log."""
    said = {"storage.root": str(root), "variables.landing": str(folder / "landing")}
    run = Run(
        load_project(folder, said), Lakehouse(spark, Storage(root=str(root)), "bench"), lambda: known_at, Silent()
    )
    run_jobs(run, Wanted(STAGES, (as_of,), None, force=False, environ=KEY), Console(io.StringIO()))
    return run, aim(run, as_of, known_at)


def judge_both(run: Run, target: Target) -> dict[str, Any]:
    """Seconds, Spark jobs and checks of both ways over all staged tables; and where their verdicts differ."""
    spark, lakehouse = run.lakehouse.spark, run.lakehouse
    tables = staged_commits(run, target, GATED_TABLES)
    catalog = rows_of(lakehouse.read(staging(segment_catalog)))
    subject = Subject(target.as_of, target.release_id, segments_of(catalog))
    expected = [(table, commit.version, suite(table, run.project.checks, subject)) for table, commit in tables]
    found: dict[str, Any] = {"tables": len(tables), "checks": sum(len(e) for _, _, e in expected)}
    verdicts = {}
    for way, judge in (("strata", _by_strata), ("usual", _by_the_usual_way)):
        spark.sparkContext.setJobGroup(way, way)
        begun = time.perf_counter()
        verdicts[way] = judge(run, expected)
        found[way] = {"seconds": time.perf_counter() - begun, "jobs": count_jobs(spark, way)}
    pairs = zip(verdicts["strata"], verdicts["usual"], strict=True)
    found["differing"] = [d for ours, usual in pairs for d in differing(ours, usual)]
    return found


Judged = Sequence[tuple[type[Table], int, tuple[Expected, ...]]]


def _by_strata(run: Run, expected: Judged) -> list[dict[str, bool]]:
    judge, found = Gate(), []
    for table, version, checks in expected:
        frame = run.lakehouse.read(staging(table), version).persist()
        found.append({v.check: v.success for v in judge.validate(table.full_name(), frame, checks)})
        frame.unpersist()
    return found


def _by_the_usual_way(run: Run, expected: Judged) -> list[dict[str, bool]]:
    judge = Usual()
    return [
        judge.validate(run.lakehouse.read(staging(table), version), shipped(checks))
        for table, version, checks in expected
    ]


def measure(spark: SparkSession, place: Path, root: Path, to: Path, as_of: date, known_at: datetime) -> float:
    """A run and both judgements; what was found is written to `to` as JSON.

    Args:
        spark: the session.
        place: the tables whose events and profiles are delivered.
        root: for a project with its files, and the tables of the run.
        to: what is written.
        as_of: the release's date.
        known_at: the moment of the run.

    Returns:
        Seconds of the run.
    """
    folder = write_project(root / "project")
    deliver(spark, place, folder / "landing")
    begun = time.perf_counter()
    run, target = release(spark, root, folder, as_of, known_at)
    whole = time.perf_counter() - begun
    stages = {row["stage"]: row["seconds"] for row in rows_held(run.lakehouse, run_log)}
    to.write_text(json.dumps({"whole": whole, "stages": stages, **judge_both(run, target)}))
    return whole


def compare_defects(spark: SparkSession, place: Path, customers: int, seed: int, to: Path) -> float:
    """Seed every defect of published tables of the catalogue and let both judge the contract's checks.

    Returns seconds of strata; what was found is written to `to` as JSON.
    """
    watched = Watched.of(World.made(spark, place, customers, seed), [LAST])
    judge, usual = Gate(), Usual()
    seconds, count, different = {"strata": 0.0, "usual": 0.0}, 0, []
    for defect in DEFECTS["published"]:
        table = watched.tables[defect["table"]]
        frame = spoil_table(
            watched.frame(defect["table"], day(LAST)), defect["do"], defect.get("where")
        ).localCheckpoint()
        checks = suite(table, watched.run.project.checks, watched.subject(day(LAST)))
        took, verdicts = timed(partial(judge.validate, table.full_name(), frame, checks))
        ours = {v.check: v.success for v in verdicts}
        seconds["strata"] += took
        took, theirs = timed(partial(usual.validate, frame, shipped(checks)))
        seconds["usual"] += took
        count += len(ours)
        different += [f"{defect['defect']}: {check}" for check in differing(ours, theirs)]
    found = {"defects": len(DEFECTS["published"]), "verdicts": count, "differing": different, **seconds}
    to.write_text(json.dumps(found))
    return seconds["strata"]
