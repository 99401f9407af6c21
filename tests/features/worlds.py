"""Small worlds of events and customers, and the way from them to a snapshot."""

import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from strata.features.cells import build_cells, build_daily
from strata.features.profiles import build_base
from strata.features.snapshot import build_snapshot
from strata.features.spreading import keep_values
from strata.features.tiles import TilePlan, plan_tiles
from strata.project.load import load_project

GROCERY = Path(__file__).parents[2] / "conf" / "grocery"
MONEY = pa.decimal128(18, 2)
SCHEMAS: Mapping[str, pa.Schema] = {
    "events": pa.schema(
        [
            ("customer_id", pa.string()), ("event_date", pa.date32()), ("event_type", pa.string()),
            ("product_id", pa.string()), ("place_id", pa.string()), ("channel", pa.string()),
            ("quantity", pa.int64()), ("amount", MONEY), ("discount_amount", MONEY), ("value_number", pa.float64()),
        ]
    ),
    "products": pa.schema([(c, pa.string()) for c in ("product_id", "source", "category", "brand_type")]),
    "places": pa.schema([(c, pa.string()) for c in ("place_id", "source", "name", "city")]),
    "customers": pa.schema(
        [
            ("customer_id", pa.string()), ("source", pa.string()), ("valid_from", pa.date32()),
            ("known_from", pa.date32()), ("status", pa.string()), ("age_band", pa.string()), ("tariff", pa.string()),
            ("household_size", pa.int64()),
        ]
    ),
}  # fmt: skip
World = dict[str, pa.Table]
Row = dict[str, Any]


def world(
    events: Sequence[Row] = (), customers: Sequence[Row] = (), products: Sequence[Row] = (), places: Sequence[Row] = ()
) -> World:
    """Tables of these rows; what a row does not say is NULL, its source is `crm`."""
    rows = {"events": events, "customers": customers, "products": products, "places": places}
    return {n: pa.Table.from_pylist([{"source": "crm", **r} for r in rows[n]], schema=SCHEMAS[n]) for n in SCHEMAS}


def plus(old: World, new: World) -> World:
    return {name: pa.concat_tables([old[name], new[name]]) for name in old}


def plan_of(folder: Path, features: str) -> TilePlan:
    """The plan of the grocery project with these lines of features.yml; a description is added where there is none."""
    to = folder / "project"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(GROCERY / "sources", to / "sources")
    shutil.copy(GROCERY / "project.yml", to)
    lines = [
        line if "description:" in line else f"{line[:-1]}, description: x}}" for line in features.strip().splitlines()
    ]
    (to / "features.yml").write_text("features:\n  " + "\n  ".join(lines) + "\n", "utf-8")
    return plan_tiles(load_project(to, {"variables.landing": "/data"}))


@dataclass
class Made:
    """Everything on the way; tiles are settled, so that later steps do not compute them again."""

    plan: TilePlan
    cells: DataFrame
    daily: DataFrame
    base: DataFrame
    snapshot: pa.Table

    def rows(self, as_of: date | None = None) -> dict[str, Row]:
        """customer_id -> its row (of one as-of date)."""
        return {r["customer_id"]: r for r in self.snapshot.to_pylist() if as_of in (None, r["as_of_date"])}


def frames(spark: SparkSession, tables: World, partitions: int | None = None) -> dict[str, DataFrame]:
    made = {name: spark.createDataFrame(table) for name, table in tables.items()}
    return {name: f.repartition(partitions) if partitions else f for name, f in made.items()}


def settled(frame: DataFrame) -> DataFrame:
    return frame.sparkSession.createDataFrame(frame.toArrow(), frame.schema)


def make(
    spark: SparkSession, tables: World, plan: TilePlan, as_ofs: Sequence[date],
    kept: Mapping[str, tuple[str, ...]] | None = None, partitions: int | None = None,
) -> Made:  # fmt: skip
    silver = frames(spark, tables, partitions)
    cells = settled(build_cells(silver["events"], silver["products"], silver["places"], plan))
    daily = settled(build_daily(cells, plan))
    decided = keep_values(cells, plan, as_ofs) if kept is None else replace(plan, kept=kept)
    base = build_base(daily, silver["customers"], as_ofs)
    found = build_snapshot(daily, cells if plan.by else None, silver["customers"], base, decided, as_ofs)
    ordered = found.toArrow().sort_by([("as_of_date", "ascending"), ("customer_id", "ascending")])
    return Made(decided, cells, daily, base, ordered.combine_chunks())


def random_world(seed: int, last: date, customers: int = 60, events: int = 2_500) -> World:
    """A year of events before and some weeks after `last`; half of what may be NULL is so for a tenth of the rows."""
    dice = random.Random(seed)

    def maybe(value: Any, missing: float = 0.1) -> Any:
        return None if dice.random() < missing else value

    def event() -> Row:
        return {
            "customer_id": f"c{int(dice.triangular(0, customers - 5, 3)):02}",
            "event_date": last - timedelta(days=dice.randint(-40, 400)),
            "event_type": dice.choice(["purchase", "purchase", "visit"]),
            "product_id": maybe(f"p{dice.randint(0, 24):02}"),
            "place_id": maybe(f"s{dice.randint(0, 5)}"),
            "channel": maybe(dice.choice(["web", "shop", "phone"])),
            "quantity": maybe(dice.randint(0, 9)),
            "amount": maybe(Decimal(dice.randint(-500, 99_999)).scaleb(-2)),
            "value_number": maybe(dice.choice([0.0, -0.0, dice.randint(-5_000, 5_000) / 1000, float("nan")])),
        }

    def profile(number: int, source: str) -> Row:
        return {
            "customer_id": f"c{number:02}", "source": source,
            "valid_from": last - timedelta(days=dice.randint(-30, 300)),
            "known_from": maybe(last - timedelta(days=dice.randint(-30, 300)), 0.5),
            "status": maybe(dice.choice(["active", "active", "former"]), 0.4),
            "age_band": maybe(dice.choice(["19-24", "25-34"]), 0.4), "tariff": maybe(dice.choice("XYZ"), 0.4),
            "household_size": maybe(dice.randint(1, 5), 0.4),
        }  # fmt: skip

    profiles = {
        (r["customer_id"], r["source"], r["valid_from"]): r
        for n in range(customers)
        for s in ("app", "crm")
        for _ in range(dice.randint(0, 3))
        for r in [profile(n, s)]
    }
    goods = [
        {
            "product_id": f"p{n:02}",
            "source": s,
            "category": maybe("abcdef"[n % 6]),
            "brand_type": maybe(("own", "national")[n % 2]),
        }
        for n in range(20)
        for s in ("crm", "erp")
    ]
    shops = [{"place_id": f"s{n}", "name": f"Shop {n}", "city": maybe(("Kyiv", "Lviv")[n % 2])} for n in range(5)]
    return world([event() for _ in range(events)], list(profiles.values()), goods, shops)
