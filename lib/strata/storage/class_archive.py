"""What one JVM has learned about Spark's classes, kept for those that follow: a local session starts sooner.

`python -m strata.storage.class_archive` runs a little of everything that jobs do and lets the JVM write the classes it
has loaded to a file beside the JARs (dynamic class-data sharing, JEP 350). Every other local session maps this file
instead of reading, checking and linking twenty thousand classes. Another JVM, or one with another class path, ignores
it: nothing depends on it.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from delta.tables import DeltaTable
from pyspark import SparkContext
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.errors import StrataError
from strata.storage.jars import class_archive
from strata.storage.session import java_options, open_session

ROWS = 2_000


def make_class_archive() -> Path:
    """Write the archive anew; the JVM of this process ends."""
    archive = class_archive()
    archive.unlink(missing_ok=True)
    options = f'{java_options(os.environ)} "-XX:ArchiveClassesAtExit={archive}"'
    spark = open_session({"spark.driver.extraJavaOptions": options})
    folder = tempfile.mkdtemp(prefix="strata-classes-")
    try:
        _do_what_jobs_do(spark, folder)
    finally:
        _end(spark)
        shutil.rmtree(folder)
    return archive


def _do_what_jobs_do(spark: SparkSession, folder: str) -> None:
    table, made = f"{folder}/table", _rows(spark)
    made.write.format("delta").partitionBy("month").save(table)
    made.limit(9).write.format("delta").mode("overwrite").option("replaceWhere", "id < 9").save(table)
    spark.sql(f"alter table delta.`{table}` add columns (more bigint)")
    DeltaTable.forPath(spark, table).delete("id = 100")
    DeltaTable.forPath(spark, table).history(1).collect()
    stored = spark.read.format("delta").load(table)
    for kind in ("csv", "json", "parquet"):
        stored.drop("many").write.format(kind).save(f"{folder}/{kind}")
        spark.read.schema(stored.drop("many").schema).format(kind).load(f"{folder}/{kind}").count()
    _merged(stored).write.format("delta").save(f"{folder}/merged")
    spark.createDataFrame(stored.select("id", "name").limit(10).toArrow()).collect()
    vectors = VectorAssembler(inputCols=["id", "score"], outputCol="features").transform(stored)
    KMeans(k=2, maxIter=2, seed=1).fit(vectors).transform(vectors).count()


def _rows(spark: SparkSession) -> DataFrame:
    day = F.date_add(F.lit("2024-01-01").cast("date"), (F.col("id") % 60).cast("int"))
    columns = {
        "day": day,
        "month": F.trunc(day, "month"),
        "name": F.concat(F.lit("n"), F.col("id") % 7),
        "amount": F.lit("1.25").cast("decimal(18,2)"),
        "score": F.col("id") / 7,
        "moment": F.timestamp_seconds("id"),
        "is_even": F.col("id") % 2 == 0,
        "many": F.array("id"),
    }
    return spark.range(ROWS).withColumns(columns)


def _merged(stored: DataFrame) -> DataFrame:
    merged = {
        "spend": F.sum("amount"),
        "latest": F.max(F.struct("day", "score")),
        "days": F.countDistinct("day"),
        "last_id": F.max_by("id", "moment"),
    }
    by_name = stored.groupBy("name").agg(*(value.alias(name) for name, value in merged.items()))
    ranked = stored.withColumn("place", F.row_number().over(Window.partitionBy("name").orderBy(F.desc("id"), "day")))
    joined = ranked.join(F.broadcast(by_name), "name", "left").drop("many").hint("merge")
    return joined.join(stored.select("id", F.explode("many").alias("one")), "id", "full")


def _end(spark: SparkSession) -> None:
    """End the JVM as the end of the process would, and wait for what it writes."""
    gateway = SparkContext._gateway
    spark.stop()
    if gateway is not None and gateway.proc is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()


if __name__ == "__main__":
    try:
        make_class_archive()
    except StrataError as problem:
        sys.stderr.write(f"set-up: {problem}\n")
        sys.exit(problem.exit_code)
