"""Promotes a small set of tables in a driver of its own, so that tests can kill it; see test_promotion.py.

Arguments: root of the tables, run id, a file with what is staged there. The driver starts a JVM, unless the
environment names the gateway of one that runs: the time of a killed driver is nearly all its JVM's start.
"""

import os
import pickle
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from strata.contract.columns import Table
from strata.contract.lists import audience_catalog
from strata.contract.published import segment_catalog, segment_membership
from strata.contract.spark import frame_of, rows_of
from strata.project.models import Storage
from strata.publish.release import Release, make_release_id
from strata.storage.fingerprints import fingerprint
from strata.storage.held import hold
from strata.storage.promotion import Staged, promote, staging
from strata.storage.session import open_session
from strata.storage.tables import Lakehouse

TABLES = (segment_membership, segment_catalog, audience_catalog)
KNOWN_AT = datetime(2018, 1, 2, tzinfo=UTC)


def rows_for(table: type[Table], as_of: date, shape: int, release_id: str) -> list[dict]:
    """A few rows that satisfy the contract and differ by `shape`."""
    shared = {"as_of_date": as_of, "release_id": release_id, "definition_hash": "d" * 32}
    if table is segment_membership:
        return [
            {**shared, "customer_id": f"{n:032x}", "segmentation": "s", "version": 1, "segment": f"g{n % shape}"}
            for n in range(40 + shape)
        ]
    if table is segment_catalog:
        words = dict.fromkeys(("technique", "owner", "task", "label", "rule_text"), "w")
        return [
            {**shared, **words, "segmentation": "s", "version": 1, "segment": f"g{n}", "kind": "rules",
             "segment_order": n + 1, "population_relative": False, "published_since": as_of}
            for n in range(shape)
        ]  # fmt: skip
    words = {"audience": "a", "owner": "o", "purpose": "p", "kind": "rule", "status": "published"}
    return [{**shared, **words, "customers": shape}]


def stage(lakehouse: Lakehouse, as_of: date, shape: int) -> tuple[Release, list[Staged]]:
    """Write the rows to staging, as the stages of a run do."""
    release_id = make_release_id("shop", as_of, KNOWN_AT, "c", "1")
    staged = []
    for table in TABLES:
        rows = [{k: v for k, v in r.items() if k in table.columns} for r in rows_for(table, as_of, shape, release_id)]
        lakehouse.overwrite(staging(table), frame_of(lakehouse.spark, staging(table), rows))
        version, _ = lakehouse.last_commit(staging(table))
        found = rows_of(fingerprint(hold(lakehouse, staging(table), version)))[0]
        staged.append(Staged(table, version, found["row_count"], found["content_hash"]))
    return Release(release_id, as_of, KNOWN_AT, "c" * 32, "1", None), staged


def clock() -> datetime:
    """A moment; what it is does not matter here."""
    return KNOWN_AT


def promote_once(spark: SparkSession, root: str, run_id: str, as_of: date, shape: int) -> None:
    """Stage and promote."""
    lakehouse = Lakehouse(spark, Storage(root=root), run_id)
    promote(lakehouse, *stage(lakehouse, as_of, shape), clock)


def join_session() -> SparkSession:
    """The session of the JVM that PYSPARK_GATEWAY_PORT leads to."""
    gateway = launch_gateway()
    context = gateway.jvm.org.apache.spark.SparkContext.getOrCreate()
    java = gateway.jvm.JavaSparkContext.fromSparkContext(context)
    return SparkSession(SparkContext(gateway=gateway, jsc=java, conf=SparkConf(_jconf=java.getConf())))


if __name__ == "__main__":
    session = join_session() if "PYSPARK_GATEWAY_PORT" in os.environ else open_session()
    root, run_id, staged = sys.argv[1:]
    promote(Lakehouse(session, Storage(root=root), run_id), *pickle.loads(Path(staged).read_bytes()), clock)
