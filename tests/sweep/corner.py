"""A project as small as publishing allows, and runs of it in this process at the moments of its two month ends."""

import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from tests.ingest.kit import Silent

from strata.console import Console
from strata.pipeline.context import Run
from strata.pipeline.jobs import Wanted, run_jobs
from strata.project.load import load_project
from strata.project.models import Storage
from strata.storage.faults import Faults
from strata.storage.tables import Lakehouse

PROJECT = Path(__file__).parent / "project"
SHOPPERS = 140
"""Enough for an audience: fewer than a hundred are not published."""
JANUARY, FEBRUARY = date(2024, 1, 31), date(2024, 2, 29)
NIGHTS = {JANUARY: datetime(2024, 2, 1, 3, tzinfo=UTC), FEBRUARY: datetime(2024, 3, 1, 3, tzinfo=UTC)}
"""When the run for a month end takes place: always at the same moment, so that the same rows come out."""
STAGES = ("ingest", "features", "segments", "audiences", "publish")
KEY = {"CORNER_KEY": "00" * 32}


@dataclass(frozen=True)
class Corner:
    """The project in a folder of its own, and its tables."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "warehouse"

    def deliver(self, as_of: date) -> None:
        """What comes in a month: receipts, two of them bad; profiles without those who have left; a list."""
        month, landing = as_of.month, self.folder / "landing"
        landing.mkdir(exist_ok=True)
        lines = [line for n in range(SHOPPERS) if (n + month) % 11 for line in receipts(n, as_of)]
        # Of long ago, so that there is a history before all windows.
        if as_of == JANUARY:
            lines += [f"old-{n},s{n},2023-11-{1 + n % 28:02}T10:00:00Z,9.90,shop" for n in range(0, SHOPPERS, 2)]
        bad = [
            f"{month}-minus,s1,2024-{month:02}-03T10:00:00Z,-4.00,web",
            f"{month}-nobody,,2024-{month:02}-03T10:00:00Z,4.00,web",
        ]
        write(landing / f"purchases-{month}.csv", "receipt,shopper,at,paid,way", lines + bad)
        profiles = [f"s{n},{'fm'[n % 2]},{tariff(n, month)}" for n in range(SHOPPERS - month)]
        write(landing / "shoppers.csv", "shopper,sex,tariff", profiles)
        write(self.folder / "invited.csv", "shopper", [f"s{n}" for n in range(month, 120 + month)])

    def run(
        self,
        spark: SparkSession,
        as_of: date,
        run_id: str,
        faults: Faults | None = None,
        stages: Sequence[str] = STAGES,
    ) -> None:
        """What `strata run` does, in this process, at the moment that belongs to the date."""
        found = Faults.from_environment() if faults is None else faults
        lakehouse = Lakehouse(spark, Storage(root=str(self.root)), run_id, faults=found)
        run = Run(load_project(self.folder), lakehouse, lambda: NIGHTS[as_of], Silent())
        run_jobs(run, Wanted(stages, (as_of,), None, False, KEY), Console(io.StringIO()))

    def copied(self, place: Path) -> "Corner":
        """The same as it is now, elsewhere."""
        shutil.copytree(self.folder, place)
        return Corner(place)


def make_corner(folder: Path) -> Corner:
    """The project, with what January brings."""
    shutil.copytree(PROJECT, folder)
    corner = Corner(folder)
    corner.deliver(JANUARY)
    return corner


def receipts(n: int, as_of: date) -> list[str]:
    month, way = as_of.month, ("web", "app", "shop")[n % 3]
    days = [as_of.day - (n * 7 + k * 5) % 28 for k in range(1 + n % 5)]
    return [
        f"{month}-{n}-{k},s{n},2024-{month:02}-{day:02}T10:00:00Z,{5 + n % 9}.{k}0,{way}" for k, day in enumerate(days)
    ]


def tariff(n: int, month: int) -> str:
    return "staff" if n % 30 == 2 else "ab"[(n + month * (n % 7 == 0)) % 2]


def write(path: Path, header: str, lines: Sequence[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n")
