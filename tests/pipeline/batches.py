"""Silver as daily batches leave it: fifty small worlds side by side, each with days, customers and products of its own.

What one world's batch changes leaves the days of all others as they are, so that one run tries fifty histories.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from pyspark.sql import SparkSession

from strata.contract.columns import Table
from strata.contract.silver import communications, customers, events, products
from strata.contract.spark import frame_of
from strata.storage.tables import Lakehouse

Row = dict[str, Any]
WORLDS, DAYS, BATCHES = 50, 40, 4
FIRST = date(2010, 1, 1)


def known_at(batch: int) -> datetime:
    """The end of a batch, numbered from 1."""
    return datetime(2024, 1, batch, 3, tzinfo=UTC)


@dataclass
class History:
    """What every batch brought: table -> rows."""

    seed: int
    rows: dict[int, dict[str, list[Row]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for batch in range(1, BATCHES + 1):
            self.rows[batch] = {"events": [], "products": [], "communications": []}
        for number in range(WORLDS):
            for batch, table, row in _world(number, random.Random(f"{self.seed} {number}")):
                common = {"source": "shop", "ingested_at": known_at(batch), "batch_id": batch, "is_deleted": False}
                self.rows[batch][table].append({**common, **row})

    def all_of(self, table: str, upto: int = BATCHES) -> list[Row]:
        return [row for batch in range(1, upto + 1) for row in self.rows[batch][table]]


def write(spark: SparkSession, lakehouse: Lakehouse, history: History) -> None:
    """Every batch into silver, as ingest does: one commit per batch and table."""
    tables: Mapping[str, type[Table]] = {"events": events, "products": products, "communications": communications}
    for batch in range(1, BATCHES + 1):
        for name, table in tables.items():
            if rows := history.rows[batch][name]:
                full = [{**dict.fromkeys(map(str, table.columns)), **row} for row in rows]
                lakehouse.append(table, frame_of(spark, table, full).coalesce(1))
    lakehouse.ensure(customers)


def _world(number: int, dice: random.Random) -> Iterator[tuple[int, str, Row]]:
    """Batch, table and row: new days, late rows, corrections that may move a row, deletions, skipped days."""
    first = FIRST + timedelta(days=number * DAYS)
    name = f"w{number:02}"
    latest: dict[str, Row] = {}
    revisions: dict[str, int] = {}

    def event(batch: int, key: str, **more: Any) -> tuple[int, str, Row]:
        before = latest.get(key)
        # New days end with the batch's own; late rows lie anywhere before.
        newest = batch * DAYS // BATCHES - 1
        day = first + timedelta(days=dice.randint(newest - 4 if dice.random() < 0.7 else 0, newest))
        row = {
            "customer_id": f"{name}c{dice.randint(0, 3)}", "event_date": day,
            "occurred_at": datetime.combine(day, time(dice.randint(0, 23)), UTC),
            "event_type": dice.choice(["purchase", "visit"]), "channel": dice.choice(["web", "shop", None]),
            "product_id": f"{name}p{dice.randint(0, 2)}", "amount": Decimal(dice.randint(0, 9_999)).scaleb(-2),
        }  # fmt: skip
        if before is not None and dice.random() < 0.6:
            row |= {c: before[c] for c in ("customer_id", "event_date", "occurred_at")}
        row |= {"event_id": f"{name}e{key}", "revision": revisions.get(key, 0) + 1, **more}
        moved = before is not None and before["event_date"] != row["event_date"]
        row["previous_date"] = before["event_date"] if before is not None and moved else None
        latest[key], revisions[key] = row, row["revision"]
        return batch, "events", row

    names: dict[int, int] = {}
    for batch in range(1, BATCHES + 1):
        if dice.random() < 0.2:
            continue  # nothing came that day
        for _ in range(dice.randint(0, 6)):
            yield event(batch, str(len(latest)))
        for key in dice.sample(sorted(latest), min(len(latest), dice.choice([0, 0, 1, 2]))):
            kept = {c: latest[key][c] for c in ("event_date", "occurred_at", "customer_id")}
            deletes = {"is_deleted": True, **kept} if dice.random() < 0.3 else {}
            yield event(batch, key, **deletes)
        for product in range(3):
            if dice.random() < (0.5 if batch == 1 else 0.1):
                names[product] = names.get(product, 0) + 1
                category = dice.choice(["tea", "coffee", None])
                key = {"product_id": f"{name}p{product}", "revision": names[product]}
                yield batch, "products", {**key, "category": category, "brand": dice.choice("xy")}
        if dice.random() < 0.3:
            sent = {"customer_id": f"{name}c{dice.randint(0, 3)}", "campaign_id": f"k{batch}", "channel": "mail"}
            day = first + timedelta(days=dice.randint(0, DAYS - 1))
            yield batch, "communications", {**sent, "revision": 1, "sent_on": day, "is_control": False}


TILES = """
WITH e AS (FROM events QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY revision DESC) = 1),
p AS (FROM products QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY revision DESC) = 1),
rows AS (
    SELECT customer_id, event_date, channel, category, event_type, (amount * 100)::BIGINT AS cents, 1 AS is_event
    FROM e LEFT JOIN p USING (product_id) WHERE NOT e.is_deleted
    UNION ALL BY NAME SELECT customer_id, sent_on AS event_date, 0 AS is_event FROM communications)
SELECT customer_id, event_date, channel, category, sum(is_event)::BIGINT AS event_count,
    count(*) FILTER (is_event = 0) AS messages,
    coalesce(sum(cents) FILTER (event_type = 'purchase'), 0)::BIGINT AS spent,
    min(cents) FILTER (category = 'tea') AS least_tea, {more} AS more
FROM rows GROUP BY ALL
"""


def tiles_by_duckdb(history: History, upto: int, more: str = "NULL") -> pa.Table:
    """The cells as known at a batch, made from the revisions themselves; `more` is one more aggregate."""
    db = duckdb.connect()
    for name, table in {"events": events, "products": products, "communications": communications}.items():
        rows = [{**dict.fromkeys(map(str, table.columns)), **row} for row in history.all_of(name, upto)]
        db.register(name, pa.Table.from_pylist(rows))
    return db.sql(TILES.format(more=more)).to_arrow_table()
