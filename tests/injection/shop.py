"""A small shop whose customers, products, channels, tariffs, lists and files are called by the corpus."""

import csv
import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PASSWORD = "Pa55-of-the-shop-a7f3c2d9"
KEY = "Sesame-open-the-vault-0123456789-abcdef"
AS_OF = "2024-01-15"
OTHERS = 150
PROJECT = """project: shop
description: A shop
currency: UAH
time_zone: Europe/Kyiv
starts_on: 2023-01-01
identity: {key_id: test-1, key_env: SHOP_KEY}
retention_days: 30
storage: {root: warehouse}
variables: {landing: landing}
"""
FEATURES = """features:
  - {name: spend_28d, kind: sum, of: amount, days: 28, unit: currency, description: Paid}
  - {name: buys_28d, kind: count, days: 28, description: Purchases}
  - {name: "spend_{value}_28d", kind: sum, of: amount, by: category, keep: 40, days: 28, unit: currency, description: P}
  - {name: channel_28d, kind: top, of: channel, days: 28, description: Main channel}
  - {name: tariff, kind: attribute, of: tariff, description: Tariff}
publish: [spend_28d, buys_28d, channel_28d, tariff]
"""
PRIVACY = """purposes:
  profiling: {basis: legitimate_interest, description: Grouping}
  mail: {basis: legitimate_interest, description: Offers by mail}
recipients:
  crm: {description: Mail, audiences: ["*"], ids: source, purposes: [mail]}
"""
HEAD = "version: 1\ntechnique: t\nowner: o\ntask: t\n"
FILES = {
    "segmentations/pace.yml": f"segmentation: pace\n{HEAD}kind: rules\nsegments:\n"
    '  - {segment: often, label: Often, when: "buys_28d >= 2"}\n  - {segment: seldom, label: Seldom}\n'
    "otherwise: seldom\n",
    "segmentations/tariff_band.yml": f"segmentation: tariff_band\n{HEAD}kind: attribute\nof: tariff\n",
    "audiences/buyers.yml": 'audience: buyers\nowner: o\nkind: rule\npurpose: mail\ninclude: "buys_28d >= 1"\n',
    "privacy.yml": PRIVACY,
    "features.yml": FEATURES,
    "project.yml": PROJECT,
}
COMMON = "delivery: {mode: append, complete_through: always}\n"
SOURCES = {
    "purchases": """feeds: events
read: {format: parquet, path: "${landing}/purchases/*.parquet"}
schema: {receipt: STRING, shopper: STRING, at: INSTANT, product: STRING, channel: STRING, paid: MONEY}
key: [receipt]
event_type: "'purchase'"
columns:
  customer_id: {from: shopper, identity: plain}
  occurred_at: {from: at, type: instant}
  product_id:  {from: product}
  channel:     {from: channel}
  amount:      {from: paid}
""",
    "orders": """feeds: events
read: {format: jdbc, url: "jdbc:sqlite:DATABASE", driver: org.sqlite.JDBC, dbtable: orders, password_env: SHOP_PASSWORD}
schema: {id: STRING, shopper: STRING, at: STRING}
key: [id]
event_type: "'order'"
columns:
  customer_id: {from: shopper, identity: plain}
  occurred_at: {from: at, type: instant}
""",
    "products": """feeds: products
read: {format: csv, path: "${landing}/products.csv", multiLine: "true"}
schema: {product: STRING, name: STRING, category: STRING}
key: [product]
columns:
  product_id: {from: product}
  name:       {from: name}
  category:   {from: category}
""",
    "shoppers": """feeds: customers
read: {format: parquet, path: "${landing}/shoppers.parquet"}
schema: {shopper: STRING, tariff: STRING}
key: [shopper]
columns:
  customer_id: {from: shopper, identity: plain}
  tariff:      {from: tariff}
""",
    "vips": """feeds: lists
read: {format: parquet, path: "${landing}/vips.parquet"}
schema: {list: STRING, shopper: STRING}
key: [list, shopper]
columns:
  list:        {from: list}
  customer_id: {from: shopper, identity: plain}
""",
}


def make_shop(folder: Path, texts: list[str], jar: Path) -> dict[str, str]:
    """Write project, deliveries and Spark's own settings; returns the environment that the job needs."""
    for name in ("sources", "segmentations", "audiences", "landing/purchases", "conf", "events"):
        (folder / name).mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    for name, text in SOURCES.items():
        head = f"source: {name}\ndescription: d\n{COMMON}"
        (folder / "sources" / f"{name}.yml").write_text(head + text.replace("DATABASE", str(folder / "orders.db")))
    _deliver(folder / "landing", texts)
    with sqlite3.connect(folder / "orders.db") as database:
        database.execute("create table orders (id text, shopper text, at text)")
        database.executemany(
            "insert into orders values (?, ?, ?)", [(t, t, "2024-01-10 10:00:00") for t in texts if "\0" not in t]
        )
    settings = {
        "spark.eventLog.enabled": "true", "spark.eventLog.dir": folder / "events", "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false", "spark.jars": jar,
    }  # fmt: skip
    (folder / "conf" / "spark-defaults.conf").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    return {
        "SHOP_KEY": KEY, "SHOP_PASSWORD": PASSWORD, "SPARK_CONF_DIR": str(folder / "conf"), "STRATA_MASTER": "local[2]",
        "STRATA_SPARK_LOG": "info",
    }  # fmt: skip


def _deliver(landing: Path, texts: list[str]) -> None:
    start = datetime(2024, 1, 2, 10, tzinfo=UTC)
    shoppers = [*texts, *(f"somebody {i}" for i in range(OTHERS))]
    at = pa.array([start + timedelta(days=i % 13) for i in range(len(shoppers))], pa.timestamp("us", "UTC"))
    product = [texts[i % len(texts)] for i in range(len(shoppers))]
    paid = pa.array([Decimal(i % 90 + 1) for i in range(len(shoppers))], pa.decimal128(10, 2))
    columns = {"receipt": shoppers, "shopper": shoppers, "at": at, "product": product, "channel": product, "paid": paid}
    rows = pa.table(columns)
    names = [t for t in texts if not set(t) & set("/:\0") and len(t) < 90]
    for i, name in enumerate(names):  # one row a file, and the rest in the last
        end = rows.num_rows if i == len(names) - 1 else i + 1
        pq.write_table(rows.slice(i, end - i), landing / "purchases" / f"x{name}.parquet")
    with (landing / "products.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [("product", "name", "category"), *((t, t, t) for t in texts)]
        )
    tariffs = [*texts, *(texts[i % 13 * 12] for i in range(OTHERS))]
    pq.write_table(pa.table({"shopper": shoppers, "tariff": tariffs}), landing / "shoppers.parquet")
    pq.write_table(pa.table({"list": texts, "shopper": texts}), landing / "vips.parquet")
