"""Projects as small as their audiences allow, and runs of them in this process, each in the night after its day."""

import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import ClassVar, Self

from pyspark.sql import SparkSession
from tests.end_to_end.kit import small_shop
from tests.ingest.kit import Silent

from strata.console import Console
from strata.pipeline.context import Run
from strata.pipeline.jobs import Wanted, run_jobs
from strata.project.load import load_project
from strata.project.models import Project, Storage
from strata.storage.faults import Faults
from strata.storage.tables import Lakehouse

PROJECT = Path(__file__).parent / "project"
SHOPPERS = 140
"""Enough for an audience: fewer than a hundred are not published."""
JANUARY, FEBRUARY = date(2024, 1, 31), date(2024, 2, 29)
NOVEMBER, DECEMBER = date(2017, 11, 30), date(2017, 12, 31)
STAGES = ("ingest", "features", "segments", "audiences", "publish")
KEYS = dict.fromkeys(("CORNER_KEY", "STRATA_IDENTITY_KEY"), "00" * 32)


@dataclass(frozen=True)
class NightlyShop:
    """A project in a folder of its own, and its tables."""

    days: ClassVar[tuple[date, ...]]
    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "warehouse"

    def project(self) -> Project:
        return load_project(self.folder)

    def deliver(self, as_of: date) -> None:
        """What comes in before the night after a day."""

    def run(
        self,
        spark: SparkSession,
        as_of: date,
        run_id: str,
        faults: Faults | None = None,
        stages: Sequence[str] = STAGES,
    ) -> None:
        """What `strata run` does, in this process, always at the same moment, so that the same rows come out."""
        found = Faults.from_environment() if faults is None else faults
        night = datetime.combine(as_of + timedelta(days=1), time(9), UTC)  # the day is over in New York, too
        lakehouse = Lakehouse(spark, Storage(root=str(self.root)), run_id, faults=found)
        run = Run(self.project(), lakehouse, lambda: night, Silent())
        run_jobs(run, Wanted(stages, (as_of,), None, False, KEYS), Console(io.StringIO()))

    def copied(self, place: Path) -> Self:
        """The same as it is now, elsewhere."""
        shutil.copytree(self.folder, place)
        return type(self)(place)


class Grocery(NightlyShop):
    """300 households of the Complete Journey, all of them delivered before the first night."""

    days = (NOVEMBER, DECEMBER)

    def project(self) -> Project:
        return load_project(self.folder / "grocery", {"variables.landing": str(self.folder / "landing")})


class Corner(NightlyShop):
    """A shop made up for these tests: little of everything that is committed."""

    days = (JANUARY, FEBRUARY)

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


def make_corner(folder: Path) -> Corner:
    shutil.copytree(PROJECT, folder)
    return Corner(folder)


def make_grocery(folder: Path) -> Grocery:
    folder.mkdir()
    small_shop(folder)
    return Grocery(folder)


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
