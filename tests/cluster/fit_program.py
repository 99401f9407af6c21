"""Submitted by a test: fit clusters and assign everybody, while an executor may be killed on the way.

`fit_program.py <file> keep|lose`: writes centres, evidence and a fingerprint of the labels to the file.
"""

import json
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.contract.cluster_ids import cluster_ids
from strata.errors import Location
from strata.project.clusterings import ClusterFeature
from strata.project.models import Segmentation
from strata.segments.assign import assign_all
from strata.segments.fit import Fit, fit_clusters
from strata.segments.model import Cluster, ClusterModel, Reference, with_clusters
from strata.storage.session import open_session

HERE = Location("fit_program.yml", 1, 1)
CUSTOMERS, PARTS = 400_000, 24


def customers(spark: SparkSession) -> DataFrame:
    """Four heaps in three dimensions, shuffled: an executor that dies takes rows of the shuffle with it."""
    number = F.col("id")
    heap = F.pmod(F.xxhash64(number, F.lit("heap")), F.lit(4)).cast("double")

    def around(dimension: int) -> Column:
        noise = F.pmod(F.xxhash64(number, F.lit(dimension)), F.lit(1_000)).cast("double") / F.lit(500.0)
        return F.pmod(heap * F.lit(dimension + 1.0), F.lit(4.0)) * F.lit(5.0) + noise

    made = spark.range(0, CUSTOMERS, numPartitions=PARTS).select(
        F.lit("2017-12-31").cast("date").alias("as_of_date"),
        F.md5(number.cast("string")).alias("customer_id"),
        *[around(dimension).alias(f"x{dimension}") for dimension in range(3)],
    )
    return made.repartition(PARTS, "customer_id")


def clustering() -> Segmentation:
    features = tuple(ClusterFeature(f"x{dimension}", "none", HERE) for dimension in range(3))
    return Segmentation(
        name="heaps", version=1, technique="heaps", owner="test", task="test", kind="clusters", segments=(),
        otherwise="error", scores=(), clusters=None, features=features, seed=17, where=HERE, search=(2, 5),
    )  # fmt: skip


def executors(application: str) -> list[int]:
    """Processes of executors on this machine that belong to the application."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"org.apache.spark.executor.CoarseGrainedExecutorBackend" in words and application.encode() in words:
            found.append(int(folder.name))
    return found


def kill_one(spark: SparkSession, said: dict[str, int]) -> None:
    """As soon as a stage of the fit has finished some of its tasks and has others before it."""
    tracker, application = spark.sparkContext.statusTracker(), spark.sparkContext.applicationId
    while not said["killed"]:
        for stage in tracker.getActiveStageIds():
            found = tracker.getStageInfo(stage)
            if found and 2 <= found.numCompletedTasks < found.numTasks and (alive := executors(application)):
                os.kill(alive[0], signal.SIGKILL)
                said["killed"] = 1
                return
        time.sleep(0.005)


def labels(frame: DataFrame, fit: Fit) -> str:
    """A hash over who is in which cluster, whatever the order of rows."""
    clusters = tuple(Cluster(i, i, None, None) for i in cluster_ids(len(fit.centres)))
    model = ClusterModel(
        segmentation="heaps", version=1, definition_hash="0" * 32, as_of_date=date(2017, 12, 31),
        known_at=datetime(2018, 1, 1, tzinfo=UTC), preparation=fit.preparation, centres=fit.centres, clusters=clusters,
        inertia=fit.inertia, fitted_rows=fit.fitted_rows, customers=fit.customers, found_by=fit.found_by,
        fitted_because="", selection=(), lineage=(), reference=Reference((), (), 1),
    )  # fmt: skip
    found = assign_all(frame, [with_clusters(clustering(), model)], {}, {"heaps": model})
    marked = found.select("segment", F.xxhash64("customer_id", "segment").alias("mark"))
    sizes = marked.groupBy("segment").agg(F.bit_xor("mark").alias("mark"), F.count("*").alias("customers"))
    return str(sizes.orderBy("segment").collect())


def main() -> None:
    spark, said = open_session(), {"killed": 0}
    frame = customers(spark)
    spark.range(1_000).repartition(8).count()
    if sys.argv[2] == "lose":
        Thread(target=kill_one, args=(spark, said), daemon=True).start()
    fit = fit_clusters(frame, clustering())
    plain = replace(fit, sample=None)  # type: ignore[arg-type]
    Path(sys.argv[1]).write_text(json.dumps({"fit": repr(plain), "labels": labels(frame, fit), **said}))
    spark.stop()


main()
