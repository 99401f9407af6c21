"""Small worlds of events and customers, and the way from them to a snapshot."""

import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from strata.features.cells import build_cells, build_daily
from strata.features.snapshot import build_snapshot
from strata.features.spreading import keep_values
from strata.features.tiles import TilePlan, plan_tiles
from strata.project.load import load_project
from strata.project.models import Project

GROCERY = Path(__file__).parents[2] / "conf" / "grocery"
MONEY = pa.decimal128(18, 2)
SCHEMAS: Mapping[str, pa.Schema] = {
    "events": pa.schema(
        [
            ("customer_id", pa.string()), ("event_date", pa.date32()), ("occurred_at", pa.timestamp("us", "UTC")),
            ("event_type", pa.string()),
            ("product_id", pa.string()), ("place_id", pa.string()), ("channel", pa.string()),
            ("quantity", pa.int64()), ("amount", MONEY), ("discount_amount", MONEY), ("value_number", pa.float64()),
        ]
    ),
    "products": pa.schema([(c, pa.string()) for c in ("product_id", "source", "category", "brand_type")]),
    "places": pa.schema(
        [(c, pa.string()) for c in ("place_id", "source", "name", "kind", "country")]
        + [(c, pa.string()) for c in ("micro_district", "district", "city", "region")]
        + [(c, pa.float64()) for c in ("latitude", "longitude")]
    ),
    "communications": pa.schema(
        [(c, pa.string()) for c in ("customer_id", "campaign_id", "channel")] + [("sent_on", pa.date32())]
    ),
    "customers": pa.schema(
        [
            ("customer_id", pa.string()), ("source", pa.string()), ("valid_from", pa.date32()),
            ("known_from", pa.date32()), ("status", pa.string()), ("age_band", pa.string()), ("tariff", pa.string()),
            ("household_size", pa.int64()), ("home_place_id", pa.string()), ("birth_date", pa.date32()),
        ]
    ),
}  # fmt: skip
World = dict[str, pa.Table]
Row = dict[str, Any]


def world(
    events: Sequence[Row] = (), customers: Sequence[Row] = (), products: Sequence[Row] = (),
    places: Sequence[Row] = (), communications: Sequence[Row] = (),
) -> World:  # fmt: skip
    """Tables of these rows; what a row does not say is NULL, its source is `crm`; events are of noon."""
    noon = [{"occurred_at": datetime.combine(r["event_date"], time(12), UTC), **r} for r in events]
    rows = {"events": noon, "customers": customers, "products": products, "places": places,
            "communications": communications}  # fmt: skip
    return {n: pa.Table.from_pylist([{"source": "crm", **r} for r in rows[n]], schema=SCHEMAS[n]) for n in SCHEMAS}


def plus(old: World, new: World) -> World:
    return {name: pa.concat_tables([old[name], new[name]]) for name in old}


def plan_of(folder: Path, features: str) -> TilePlan:
    """The plan of the grocery project with these lines of features.yml; a description is added where there is none."""
    return plan_tiles(project_of(folder, features))


def project_of(folder: Path, features: str, units: str = "", segmentations: Mapping[str, str] | None = None) -> Project:
    """The grocery project with these lines under `features` and `units` of features.yml, and these segmentations."""
    to = folder / "project"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(GROCERY / "sources", to / "sources")
    shutil.copy(GROCERY / "project.yml", to)
    written = [f"{key}:\n  " + "\n  ".join(map(_described, lines.strip().splitlines())) + "\n"
               for key, lines in {"units": units, "features": features}.items() if lines]  # fmt: skip
    (to / "features.yml").write_text("".join(written), "utf-8")
    for name, words in (segmentations or {}).items():
        (to / "segmentations").mkdir(exist_ok=True)
        (to / "segmentations" / f"{name}.yml").write_text(words, "utf-8")
    return load_project(to, {"variables.landing": "/data"})


def _described(line: str) -> str:
    return line if "description:" in line else f"{line[:-1]}, description: x}}"


@dataclass
class Made:
    """Everything on the way; tiles are settled, so that later steps do not compute them again."""

    plan: TilePlan
    cells: DataFrame
    daily: DataFrame
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
    cells = settled(build_cells(silver, plan))
    daily = settled(build_daily(cells, plan))
    decided = replace(plan, kept=kept or keep_values(cells, plan, [max(as_ofs)])[max(as_ofs)])
    found = build_snapshot({**silver, "daily": daily, "pairs": cells}, decided, as_ofs)
    ordered = found.toArrow().sort_by([("as_of_date", "ascending"), ("customer_id", "ascending")])
    return Made(decided, cells, daily, ordered.combine_chunks())


def random_world(seed: int, last: date, customers: int = 60, events: int = 2_500) -> World:
    """A year of events before and some weeks after `last`; half of what may be NULL is so for a tenth of the rows."""
    dice = random.Random(seed)

    def maybe(value: Any, missing: float = 0.1) -> Any:
        return None if dice.random() < missing else value

    def somebody() -> str:
        return f"c{int(dice.triangular(0, customers - 5, 3)):02}"

    def event() -> Row:
        day = last - timedelta(days=dice.randint(-40, 400))
        # Two hours before the day in UTC is the day itself in Kyiv; of ties at a whole hour there are many.
        moment = datetime.combine(day, time(), UTC) + timedelta(hours=dice.randint(-2, 21))
        return {
            "customer_id": somebody(),
            "event_date": day,
            "occurred_at": moment,
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
            "household_size": maybe(dice.randint(1, 5), 0.4), "home_place_id": maybe(f"s{dice.randint(0, 6)}", 0.3),
            "birth_date": maybe(date(1996, 2, 29) + timedelta(days=dice.randint(-9_000, 7_000)), 0.2),
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
    shops = [
        {
            "place_id": f"s{n}", "name": f"Shop {n}", "city": maybe(("Kyiv", "Lviv")[n % 2]),
            "micro_district": f"m{n}", "latitude": maybe(50 + n / 7), "longitude": 24 + n / 3,
        }
        for n in range(6)
    ]  # fmt: skip
    sent = [
        {
            "customer_id": somebody(), "campaign_id": f"k{dice.randint(0, 4)}",
            "channel": maybe(dice.choice(["mail", "sms"])),
            "sent_on": maybe(last - timedelta(days=dice.randint(-40, 400))),
        }
        for _ in range(events // 5)
    ]  # fmt: skip
    return world([event() for _ in range(events)], list(profiles.values()), goods, shops, sent)
