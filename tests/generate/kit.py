"""Small worlds, and the command line on a copy of conf/telco."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from pyspark.sql import DataFrame

from strata.cli import main
from strata.contract.spark import rows_of
from strata.generate.world import World
from strata.storage.fingerprints import fingerprint

CONF = Path("conf/telco")


def world(customers: int = 60, days: int = 30, seed: int = 1, dirt: float = 0.0) -> World:
    return World(customers, days, seed, dirt, date(2024, 10, 1), "Europe/Kyiv", "UAH")


def content(frame: DataFrame) -> tuple[int, str]:
    """Rows and hash, whatever their order."""
    (row,) = rows_of(fingerprint(frame))
    return row["row_count"], row["content_hash"]


@dataclass(frozen=True)
class Telco:
    """A copy of conf/telco with places of its own."""

    place: Path

    @classmethod
    def copied(cls, place: Path) -> "Telco":
        shutil.copytree(CONF, place / "telco", ignore=shutil.ignore_patterns(".strata"))
        shutil.copytree(CONF.parent / "catalogue", place / "catalogue")
        return cls(place)

    def strata(self, job: str, *words: str) -> tuple[int, str]:
        """Exit code and everything that was said."""
        settings = [f"storage.root={self.place / 'warehouse'}", f"variables.landing={self.place / 'landing'}"]
        told = [job, "--project", str(self.place / "telco"), *words, *(w for s in settings for w in ("--set", s))]
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = main(told)
        return code, said.getvalue()

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(f"{self.place}/landing-truth/{name}/**/*.parquet", hive_partitioning=True)

    def files(self) -> dict[str, int]:
        """Data file -> time of its last change."""
        landing = self.place / "landing"
        found = [p for p in landing.rglob("part-*") if p.is_file()]
        return {str(p.relative_to(landing)): p.stat().st_mtime_ns for p in found}

    def read(self, table: str) -> pl.DataFrame:
        return pl.read_delta(str(self.place / "warehouse" / table))
