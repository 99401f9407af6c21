"""The only place that builds a SparkSession."""

import atexit
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from py4j.java_gateway import JavaGateway
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from strata.errors import ProjectError
from strata.storage.jars import class_archive, local_jars
from strata.storage.java import find_java

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
SOUGHT = ("as_of_date", "customer_id", "event_date", "occurred_at")
FOOTERS = {
    # Readers skip by least and greatest values of a key or a day. Those of every column, and the histograms of sizes
    # that nobody reads, would cost a wide table a seventh of its write.
    "parquet.size.statistics.enabled": "false",
    "parquet.column.statistics.enabled": "false",
    **{f"parquet.column.statistics.enabled#{column}": "true" for column in SOUGHT},
}
ENGINE = {
    **FOOTERS,
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Else `${env:X}` in a description or a path would become what the environment holds.
    "spark.sql.variable.substitute": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.databricks.delta.snapshotPartitions": "2",
    # An empty table of a release is staged by a commit that says so, even when it was empty before.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # HotSpot compiles no method beyond this many bytes: what Spark fuses into a larger one would stay interpreted.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # What lies together by customer is not shuffled again for being joined by customer and date.
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    # Else every function of a column asks the JVM three times more, for errors to name the line that called it.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
SUBMITTED = {
    # Else files are split by how many executors have come so far, and a row's number would not be the same twice.
    "spark.sql.files.minPartitionNum": "32",
}
LOCAL = {
    "spark.app.name": "strata",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.driver.memory": "4g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # On one machine plans are small and many: planning again after every stage costs more than it saves.
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
}


LATE_OPTIMISER = {"Invocation": 50_000, "MinInvocation": 6_000, "Compile": 150_000, "BackEdge": 400_000}
"""From which counts on HotSpot compiles a method with its second compiler: ten times its own. Most of a run's code is
warm rather than hot: this takes 10 to 30 % off a run's processor time, and inner loops are optimised all the same."""
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
ROWS_OF_A_GROUP = 10_000
"""Rows of a row group of what readers look single customers up in: the least that they read of a file."""
ROWS_PER_PARTITION = 1_000_000
"""Rows that a task aggregates at a time without writing to disk, with a heap of 4 GiB and two tasks."""


def open_session(settings: Mapping[str, str] | None = None, verbose: bool | None = None) -> SparkSession:
    """The session of this process: the cluster's own under spark-submit, a local one otherwise.

    Args:
        settings: Spark settings that override the defaults.
        verbose: show what the local JVM logs; otherwise it goes to a file that is kept only when it holds errors.
            None asks the environment: STRATA_VERBOSE=1 shows it.

    Raises:
        ProjectError: a local Spark cannot start: no usable Java, no Delta JARs, or settings the JVM refuses.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ or SparkSession.getActiveSession() is not None
    chosen = {**DELTA, **ENGINE, **(SUBMITTED if submitted else _local_settings()), **(settings or {})}
    if not submitted:
        _start_local(chosen, os.environ.get("STRATA_VERBOSE") == "1" if verbose is None else verbose)
    builder = SparkSession.builder.appName("strata")
    for key, value in chosen.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _local_settings() -> dict[str, str]:
    # On the class path rather than in spark.jars, which a local session would serve to itself and copy.
    class_path = os.pathsep.join(map(str, local_jars()))
    master = os.environ.get("STRATA_MASTER", "local[*]")
    options = {"spark.driver.extraClassPath": class_path, "spark.driver.extraJavaOptions": java_options(os.environ)}
    return {**LOCAL, "spark.master": master, **options}


def java_options(environ: Mapping[str, str]) -> str:
    """Room for compiled code, a late optimiser, classes from set-up's archive, no collector beside busy cores, our log.

    A JVM refuses two collectors, so one that the environment has chosen stays; so do its own settings of the log.
    """
    said = " ".join(environ.get(name, "") for name in ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"))
    collector = [] if "GC" in said else ["-XX:+UseParallelGC"]
    archive = [f'"-XX:SharedArchiveFile={class_archive()}"', "-Xlog:cds*=off"] if class_archive().exists() else []
    optimiser = [f"-XX:Tier4{what}Threshold={count}" for what, count in LATE_OPTIMISER.items()]
    log = [] if "log4j" in said or _has_log_settings(environ) else [f'"-Dlog4j2.configurationFile={LOG_SETTINGS}"']
    return " ".join([*collector, *archive, *optimiser, *log, "-XX:ReservedCodeCacheSize=512m"])


def _has_log_settings(environ: Mapping[str, str]) -> bool:
    folders = (Path(environ.get("SPARK_CONF_DIR", "")), Path(environ.get("SPARK_HOME", "")) / "conf")
    return any(folder.is_absolute() and (folder / LOG_SETTINGS.name).exists() for folder in folders)


def _start_local(settings: Mapping[str, str], verbose: bool) -> None:
    """Start the JVM and its context ourselves: pyspark would let all it says through to the terminal."""
    conf = SparkConf().setAll(list(settings.items()))
    # A process has one JVM; it outlives its sessions.
    gateway = SparkContext._gateway or _launch(conf, verbose)
    SparkContext(conf=conf, gateway=gateway)


def _launch(conf: SparkConf, verbose: bool) -> JavaGateway:
    os.environ["JAVA_HOME"] = str(find_java(os.environ))
    if verbose:
        return launch_gateway(conf)  # type: ignore[no-untyped-call]
    descriptor, name = tempfile.mkstemp(prefix="strata-spark-", suffix=".log")
    log = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            gateway = launch_gateway(conf, {"stdout": sink, "stderr": sink})  # type: ignore[no-untyped-call]
    except PySparkRuntimeError as exited:
        said = log.read_text(errors="replace").strip().splitlines() or ["nothing"]
        raise ProjectError(f"Spark did not start: {said[-1].strip()} (the whole log: {log})") from exited
    atexit.register(_drop_unless_errors, log)
    return gateway


def _drop_unless_errors(log: Path) -> None:
    if log.exists() and " ERROR " not in log.read_text(errors="replace"):
        log.unlink()


@contextmanager
def planned_without_constraints(spark: SparkSession) -> Iterator[None]:
    """Plans are made without what filters imply of columns.

    Spark writes every alias of a projection into every such consequence: of fifty audiences' flags in one filter that
    takes minutes (SPARK-33152), where the query takes seconds.
    """
    key = "spark.sql.constraintPropagation.enabled"
    before = spark.conf.get(key) or "true"
    spark.conf.set(key, "false")
    try:
        yield
    finally:
        spark.conf.set(key, before)


@contextmanager
def small_row_groups(spark: SparkSession) -> Iterator[None]:
    """What is written has row groups of few rows; by their least and greatest customer readers skip all but one.

    Of row groups of the usual 128 MB a file of a million customers has one, and a look-up would read it whole.
    """
    key = "parquet.block.row.count.limit"
    spark.conf.set(key, str(ROWS_OF_A_GROUP))
    try:
        yield
    finally:
        spark.conf.unset(key)


@contextmanager
def sized_for(spark: SparkSession, rows: int) -> Iterator[None]:
    """On one machine, where nothing plans again: as many partitions of a shuffle as keep each in memory."""
    key = "spark.sql.shuffle.partitions"
    before = spark.conf.get(key) or LOCAL[key]
    if spark.conf.get("spark.sql.adaptive.enabled") == "false":
        spark.conf.set(key, str(max(int(before), -(-rows // ROWS_PER_PARTITION))))
    try:
        yield
    finally:
        spark.conf.set(key, before)
