"""strata as its jobs call it: silver.events to tiles to snapshot, as Delta tables."""

import os
import shutil
import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from strata.pipeline.context import Run, aim
from strata.pipeline.features import build_features
from strata.project.load import load_project
from strata.project.models import Storage
from strata.storage.tables import Lakehouse

PROJECT = Path(__file__).parent / "project"


class Silent:
    """Progress that nobody watches."""

    def begin(self, stage: str, what: str) -> None: ...

    def end(self, stage: str, found: str, seconds: float) -> None: ...

    def note(self, text: str) -> None: ...


def copy_tables(place: Path, to: Path) -> None:
    """The same tables once more, by links: files of a Delta table are never written twice."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(place, to, copy_function=os.link)


def build(spark: SparkSession, root: Path, dates: Sequence[date], known_at: datetime) -> tuple[float, dict[str, float]]:
    """Bring the features under `root` up to date; returns seconds, in all and by stage."""
    project = load_project(PROJECT, {"storage.root": str(root)})
    run = Run(project, Lakehouse(spark, Storage(root=str(root)), "bench"), lambda: known_at, Silent())
    begun = time.perf_counter()
    build_features(run, [aim(run, as_of, known_at) for as_of in dates])
    seconds = time.perf_counter() - begun
    return seconds, {row["stage"]: row["seconds"] for row in run.log}
