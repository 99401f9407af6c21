"""A made-up year of events: every value is a hash of the row's number, so that one size is always the same table.

Rows lie by day, as deliveries come: files hold neighbouring days, and their statistics tell days apart. A few customers
have much, many have little: the share of the customer of rank r falls with the root of r.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.contract import silver
from strata.project.models import Storage
from strata.storage.tables import Lakehouse

DAYS = 364
LAST_DAY = date(2024, 12, 31)
DAY_BEFORE = LAST_DAY - timedelta(days=1)
DAY_AFTER = LAST_DAY + timedelta(days=1)
FIRST_DAY = LAST_DAY - timedelta(days=DAYS - 1)
MONTH_ENDS = [date(2024 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(1, 13)]
WEEKS = DAYS // 7
ROWS_PER_FILE = 2_000_000
ARRIVED = {
    batch: datetime.combine(day + timedelta(days=1), time(3), UTC)
    for batch, day in ((1, DAY_BEFORE), (2, LAST_DAY), (3, DAY_AFTER))
}
"""End of each batch: 363 days; the last day; a day without an event, on which one profile changed."""


@dataclass(frozen=True)
class Shape:
    """How a trade looks.

    Attributes:
        events_per_customer: in the year, on average.
        visit_rows: rows that two visits share, cut at a hashed place; 1: every event is a visit of its own.
        mix: event type -> its share of the events in percent.
    """

    name: str
    events_per_customer: int
    visit_rows: int
    mix: dict[str, int]


SHAPES = {
    "telco": Shape("telco", 500, 6, {"call": 40, "data": 20, "app": 25, "purchase": 15}),
    "retail": Shape("retail", 50, 1, {"purchase": 85, "app": 15}),
}


def place_of(folder: Path, shape: Shape, events: int) -> Path:
    """Where the tables of this size lie; other code makes other data, which lies elsewhere."""
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    return folder / f"{shape.name}-{events}-{code}"


def make_tables(spark: SparkSession, place: Path, shape: Shape, events: int) -> None:
    """Write silver.events and silver.customers of all three batches to `place`, whole or not at all."""
    unfinished = place.with_name(f"{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    lakehouse = Lakehouse(spark, Storage(root=str(unfinished)), "bench-data")
    customers = max(events // shape.events_per_customer, 1)
    cut = _first_row(DAYS - 1, shape, events)
    for batch, first, end, least in ((1, 0, cut, WEEKS), (2, cut, events, 1)):
        rows = spark.range(first, end, numPartitions=max(least, -(-(end - first) // ROWS_PER_FILE)))
        lakehouse.append(silver.events, _arrived(_events(rows, shape, events, customers), "usage", batch))
    profiles = spark.range(0, customers, numPartitions=-(-customers // ROWS_PER_FILE))
    lakehouse.append(silver.customers, _arrived(_profiles(profiles, FIRST_DAY, "basic"), "subscribers", 1))
    changed = _profiles(spark.range(1), DAY_AFTER, "plus")
    lakehouse.append(silver.customers, _arrived(changed, "subscribers", 3))
    os.replace(unfinished, place)


def describe_tables(place: Path) -> str:
    """What lies there, in words; customer-days are estimated."""
    files = sorted(place.joinpath("silver", "events").glob("*.parquet"))
    with duckdb.connect() as db:
        found = db.execute(
            "SELECT count(*), approx_count_distinct(customer_id), approx_count_distinct(hash(customer_id, event_date))"
            " FROM read_parquet($files)", {"files": list(map(str, files))},
        ).fetchall()[0]  # fmt: skip
    size = sum(file.stat().st_size for file in files)
    return (
        f"about {found[1]:,} customers, {found[0] / found[2]:.1f} events of a customer on a day with any,"
        f" {size / 1e6:,.0f} MB in {len(files)} files"
    )


def _blocks(shape: Shape, events: int) -> int:
    return -(-events // shape.visit_rows)


def _first_row(day: int, shape: Shape, events: int) -> int:
    """The first row of a day, counted from 0."""
    return -(-day * _blocks(shape, events) // DAYS) * shape.visit_rows


def _events(rows: DataFrame, shape: Shape, events: int, customers: int) -> DataFrame:
    block = F.expr(f"id div {shape.visit_rows}")
    day = F.floor(block * F.lit(DAYS) / F.lit(_blocks(shape, events))).cast("int")
    visit = block
    if shape.visit_rows > 1:
        is_second = F.col("id") % shape.visit_rows > _hashed(block, "cut", shape.visit_rows - 1)
        visit = block * 2 + is_second.cast("int")
    person = F.floor(F.lit(customers) * F.pow(_fraction(visit, "person"), F.lit(2)))
    rows = rows.select("id", visit.alias("visit"), day.alias("day"), person.alias("person"), _kind(shape).alias("kind"))
    row, kind = F.col("id"), F.col("kind")
    is_purchase = kind == "purchase"
    event_date = F.date_add(F.lit(FIRST_DAY), F.col("day"))
    cents = 500 + _hashed(row, "cents", 20_000) * _hashed(row, "more", 4)
    second = _hashed(row, "second", 86_400)
    return rows.select(
        F.md5(F.concat(F.lit("event "), row.cast("string"))).alias("event_id"),
        _customer_id(F.col("person")).alias("customer_id"),
        F.timestamp_seconds(F.unix_date(event_date).cast("bigint") * 86_400 + second).alias("occurred_at"),
        event_date.alias("event_date"),
        kind.alias("event_type"),
        F.concat(F.lit("p"), _hashed(row, "product", 5_000).cast("string")).alias("product_id"),
        F.concat(F.lit("s"), _hashed(F.col("visit"), "place", 400).cast("string")).alias("place_id"),
        F.when(is_purchase, _one_of(row, "channel", "web", "web", "app", "shop", "shop", "kiosk"))
        .when(kind == "app", "app").alias("channel"),
        F.when(is_purchase, 1 + _hashed(row, "quantity", 4)).alias("quantity"),
        F.when(is_purchase, _money(cents)).alias("amount"),
        F.when(is_purchase & (_hashed(row, "reduced", 4) == 0), _money(F.expr("id % 900"))).alias("discount_amount"),
        F.when(is_purchase, "UAH").alias("currency"),
        F.when(kind == "call", 1 + _hashed(row, "duration", 1_800)).alias("duration_s"),
        F.when(kind == "data", _hashed(row, "volume", 500_000) / 1_000).alias("volume_mb"),
    )  # fmt: skip


def _profiles(numbers: DataFrame, valid_from: date, tariff: str) -> DataFrame:
    return numbers.select(
        _customer_id(F.col("id")).alias("customer_id"),
        F.lit(valid_from).alias("valid_from"),
        F.lit("active").alias("status"),
        _one_of(F.col("id"), "sex", "female", "male").alias("sex"),
        F.lit(tariff).alias("tariff"),
    )


def _arrived(rows: DataFrame, source: str, batch: int) -> DataFrame:
    return rows.withColumns(
        {
            "revision": F.lit(1),
            "is_deleted": F.lit(False),
            "source": F.lit(source),
            "ingested_at": F.lit(ARRIVED[batch]),
            "batch_id": F.lit(batch),
        }
    )


def _kind(shape: Shape) -> Column:
    """The event type of a row: its words as often in a hundred as the mix says."""
    hundred = [name for name, percent in shape.mix.items() for _ in range(percent)]
    return _one_of(F.col("id"), "kind", *hundred)


def _customer_id(number: Column) -> Column:
    return F.md5(F.concat(F.lit("customer "), number.cast("string")))


def _one_of(of: Column, salt: str, *words: str) -> Column:
    return F.element_at(F.array(*map(F.lit, words)), (1 + _hashed(of, salt, len(words))).cast("int"))


def _money(cents: Column) -> Column:
    return cents.cast("decimal(18,0)") * F.lit(Decimal("0.01"))


def _hashed(of: Column, salt: str, below: int) -> Column:
    """A whole number from 0 to below - 1."""
    return F.pmod(F.xxhash64(of, F.lit(salt)), F.lit(below))


def _fraction(of: Column, salt: str) -> Column:
    return _hashed(of, salt, 1 << 31) / F.lit(float(1 << 31))
