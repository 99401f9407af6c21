"""A real database, and a real event log: in a process of its own, because a running session takes neither."""

import json
import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.ingest.kit import KEY
from tests.ingest.test_files import source

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.ingest.readers import open_table
from strata.project.sources import Read
from strata.storage.jars import folder_of_test_jars

ORDERS = """
source: orders
description: Orders of the web shop
feeds: events
read: {format: jdbc, url: "jdbc:sqlite:${database}", dbtable: orders, customSchema: "id bigint"}
schema: {id: BIGINT, shopper: STRING, at: STRING, total: MONEY}
delivery: {mode: append}
key: [id]
event_type: "'purchase'"
columns:
  customer_id: {from: shopper, identity: email}
  occurred_at: {from: at, type: instant}
  amount:      {from: total}
"""

SCRIPT = """
import json, os, sqlite3, sys
from pathlib import Path
from tests.ingest.kit import FEBRUARY, HEADER, JANUARY, Corner, report_of
from tests.ingest.test_jdbc import ORDERS
from strata.contract.silver import events, quarantine
from strata.contract.spark import rows_of
from strata.storage.jars import folder_of_test_jars, local_jars
from strata.storage.session import open_session

folder = Path(sys.argv[1])
jars = os.pathsep.join(map(str, [*local_jars(), *folder_of_test_jars().glob("*.jar")]))
spark = open_session({
    "spark.master": "local[1]", "spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "1",
    "spark.driver.extraClassPath": jars, "spark.eventLog.enabled": "true", "spark.eventLog.dir": str(folder / "log"),
    "spark.eventLog.compress": "false",
})
shop = Corner(spark, folder / "shop", {"orders": ORDERS.replace("${database}", str(folder / "orders.db"))})
first = shop.ingest(JANUARY)
again = shop.ingest(FEBRUARY)
with sqlite3.connect(folder / "orders.db") as database:
    database.execute("update orders set total = 12.5 where id = 1")
changed = shop.ingest(FEBRUARY)
counts = ("rows", "accepted", "unchanged", "rejected")
report = lambda made: [getattr(report_of(made, "orders"), name) for name in counts]
rows = rows_of(shop.read(events).select("event_id", "revision", "amount", "occurred_at"))
reasons = rows_of(shop.read(quarantine).select("reasons"))
spark.stop()
print(json.dumps({
    "first": report(first), "again": again.batch_id, "changed": report(changed), "rows": rows, "reasons": reasons,
}, default=str))
"""


@pytest.mark.long
def test_a_database_is_a_source_and_the_event_log_does_not_hold_the_key(tmp_path: Path) -> None:
    if not list(folder_of_test_jars().glob("*sqlite*.jar")):
        pytest.fail(f"no SQLite driver in {folder_of_test_jars()}: run `make setup`")
    (tmp_path / "log").mkdir()
    with sqlite3.connect(tmp_path / "orders.db") as database:
        database.execute("create table orders (id bigint, shopper text, at text, total decimal(10,2))")
        rows = [
            (1, "Anna@example.org", "2023-12-30 10:00:00", 10.0),
            (9_000_000_000, "bohdan@example.org", "2023-12-31 10:00:00", 20.25),
            (3, "nobody", "2023-12-31 10:00:00", 1),
            (4, None, None, None),
        ]
        database.executemany("insert into orders values (?, ?, ?, ?)", rows)
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": f"{root / 'lib'}:{root}"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])

    assert found["first"] == [4, 2, 0, 2]
    assert found["again"] is None
    assert found["changed"] == [4, 2, 1, 2]
    told = sorted((row["revision"], Decimal(row["amount"])) for row in found["rows"])
    assert told == [(1, Decimal("10.00")), (1, Decimal("20.25")), (2, Decimal("12.50"))]
    assert sorted(map(str, found["reasons"][0]["reasons"])) == ["customer_id_malformed"]

    log = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
    assert b"BroadcastNestedLoopJoin" in log
    block = KEY.ljust(64, b"\0")
    pads = [bytes(b ^ pad for b in block) for pad in (0x36, 0x5C)]
    for secret in (KEY, *pads):
        for spelling in (secret[:16], secret.hex()[:32].encode(), ", ".join(map(str, secret[:8])).encode()):
            assert spelling.lower() not in log.lower()
    assert b"example.org" not in log


def test_a_password_comes_from_the_environment_only(spark: SparkSession, tmp_path: Path) -> None:
    read = Read("jdbc", None, {"url": "jdbc:x", "dbtable": "t", "password_env": "SHOP_PASSWORD"}, source("").where)
    orders = source("", id=Type.BIGINT)
    object.__setattr__(orders, "read", read)
    with pytest.raises(ProjectError, match="SHOP_PASSWORD with the password is not set"):
        open_table(spark, orders, tmp_path, {})
