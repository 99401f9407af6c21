"""(r) One customer looked up in what a release leaves: the bytes that are read for it, of those of all customers."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tests.bench.bench import CUSTOMERS, Bench

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from strata.contract.columns import Table

DAY, KNOWN = date(2024, 12, 31), datetime(2025, 1, 1, tzinfo=UTC)
RELEASE_ID = "a" * 32
SEGMENTATIONS, FEATURES, LOOKED_UP = 6, 40, 10
FEWER = 30
READERS = ("row groups", "Spark", "DuckDB", "Polars")


def compare_lookups(bench: Bench, events: int) -> None:
    """(r) Customers by id in the three tables per customer, in every reader."""
    customers = min(events, CUSTOMERS)
    place = bench.work / "released"
    answer = bench.cluster("lookups", "strata", place, place, customers=customers)
    stages = answer.stages[0]
    bench.judge("r", events, f"staged and released, {customers:,} customers", f"{stages['staged']:.1f} s,"
                f" {stages['released']:.1f} s")  # fmt: skip
    for key in sorted(k for k in stages if "|" in k):
        table, reader = key.split("|")
        met = stages[key] * FEWER <= 1 if reader in ("row groups", "Spark") else None
        found = f"1/{1 / stages[key]:.0f}" if stages[key] else "nothing that was counted"
        wanted = f"≤ 1/{FEWER}" if met is not None else ""
        bench.judge("r", events, f"bytes of one customer in {table}: {reader}", found, wanted, met)


def frames(spark: "SparkSession", customers: int) -> "Iterator[tuple[type[Table], DataFrame]]":
    """Rows of the three tables per customer, with the contract that has their columns."""
    from pyspark.sql import functions as F  # noqa: PLC0415 - a process loads only what it measures

    from strata.contract.columns import Type, column, extend  # noqa: PLC0415
    from strata.contract.published import customer_features, customer_segments, segment_membership  # noqa: PLC0415

    def any_of(salt: int, many: int) -> Any:
        return F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(many))

    ids = spark.range(customers, numPartitions=4).withColumn(
        "customer_id", F.substring(F.sha2(F.col("id").cast("string"), 256), 1, 32)
    )
    keyed = ids.withColumn("as_of_date", F.lit(DAY))
    segments = {f"s{i}": F.concat(F.lit("segment_"), any_of(i, 7).cast("string")) for i in range(SEGMENTATIONS)}
    text = [column(Type.STRING, "Segment", nullable=True, name=name) for name in segments]
    yield extend(customer_segments, tuple(text)), keyed.withColumns(segments).drop("id")
    kinds = (Type.MONEY, Type.BIGINT, Type.DOUBLE)
    numbers = [column(kinds[i % 3], "Number", nullable=True, name=f"f{i:02}") for i in range(FEATURES)]
    values = {str(c): (any_of(i, 10**6) / 100).cast(c.type.value) for i, c in enumerate(numbers)}
    yield extend(customer_features, tuple(numbers)), keyed.withColumns(values).drop("id")
    each = F.explode(
        F.array(*(F.struct(F.lit(n).alias("segmentation"), v.alias("segment")) for n, v in segments.items()))
    )
    rows = keyed.withColumn("each", each).select("as_of_date", "customer_id", "each.*")
    yield (
        segment_membership,
        rows.withColumns({"version": F.lit(1).cast("bigint"), "score": F.lit(None).cast("double")}),
    )


def release(spark: "SparkSession", place: Path, customers: int) -> tuple[list[float], dict[str, float]]:
    """Stage and promote as the jobs do; the seconds of both."""
    from strata.contract.spark import rows_of  # noqa: PLC0415
    from strata.pipeline.staged import stage  # noqa: PLC0415
    from strata.project.models import Storage  # noqa: PLC0415
    from strata.publish.release import Release  # noqa: PLC0415
    from strata.storage.fingerprints import fingerprint  # noqa: PLC0415
    from strata.storage.promotion import Staged, promote, staging  # noqa: PLC0415
    from strata.storage.session import sized_for  # noqa: PLC0415
    from strata.storage.tables import Lakehouse  # noqa: PLC0415

    lakehouse = Lakehouse(spark, Storage(root=str(place)), "bench")
    run, target = cast(Any, SimpleNamespace(lakehouse=lakehouse)), cast(Any, SimpleNamespace(release_id=RELEASE_ID))
    begun = time.perf_counter()
    made = []
    with sized_for(spark, customers):
        for table, frame in frames(spark, customers):
            stage(run, target, table, frame)
            made.append(table)
    staged_after, staged = time.perf_counter(), []
    for table in made:
        version, _ = lakehouse.last_commit(staging(table))
        found = rows_of(fingerprint(lakehouse.read(staging(table), version)))[0]
        staged.append(Staged(table, version, found["row_count"], found["content_hash"]))
    gated = time.perf_counter()
    promote(lakehouse, Release(RELEASE_ID, DAY, KNOWN, "c" * 32, "1", None), staged, lambda: KNOWN)
    done = time.perf_counter()
    return [done - begun], {"staged": staged_after - begun, "released": done - gated}


def look_up(spark: "SparkSession", place: Path, customers: int) -> dict[str, float]:
    """Table and reader -> bytes read for one customer, as a share of the bytes of all."""
    import hashlib  # noqa: PLC0415

    ids = [hashlib.sha256(str(n * (customers // LOOKED_UP)).encode()).hexdigest()[:32] for n in range(LOOKED_UP)]
    shares = {}
    for name in ("customer_segments", "customer_features", "segment_membership"):
        table = place / "members" / name
        size = sum(file.stat().st_size for file in table.rglob("*.parquet"))
        readers: dict[str, Callable[[str], int]] = {
            "row groups": lambda who, table=table: by_footers(table, who),  # type: ignore[misc]
            "Spark": lambda who, table=table: _counted_by_jvm(spark, table, who),  # type: ignore[misc]
            "DuckDB": lambda who, table=table: _counted_by_system(_ask_duckdb, table, who),  # type: ignore[misc]
            "Polars": lambda who, table=table: _counted_by_system(_ask_polars, table, who),  # type: ignore[misc]
        }
        for reader, ask in readers.items():
            ask(ids[0])  # what is read once for all: the log, and footers where a reader keeps them
            shares[f"{name}|{reader}"] = sum(map(ask, ids)) / len(ids) / size
    return shares


def by_footers(table: Path, who: str) -> int:
    """Bytes that nobody can do without who skips files by Delta's statistics and row groups by Parquet's."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415
    from deltalake import DeltaTable  # noqa: PLC0415

    bytes_read = 0
    for file in pa.table(DeltaTable(str(table)).get_add_actions(flatten=True)).to_pylist():
        if not file["min.customer_id"] <= who <= file["max.customer_id"]:
            continue
        footer = pq.ParquetFile(table / file["path"]).metadata
        at = footer.schema.names.index("customer_id")
        bytes_read += footer.serialized_size
        for group in map(footer.row_group, range(footer.num_row_groups)):
            told = group.column(at).statistics
            if told is None or not told.has_min_max or told.min <= who <= told.max:
                bytes_read += sum(group.column(i).total_compressed_size for i in range(group.num_columns))
    return bytes_read


def _counted_by_jvm(spark: "SparkSession", table: Path, who: str) -> int:
    """Bytes that Hadoop's file system has read for a look-up of Spark."""
    statistics = spark._jvm.org.apache.hadoop.fs.FileSystem.getAllStatistics()  # type: ignore[union-attr]

    def so_far() -> int:
        return sum(statistics.get(i).getBytesRead() for i in range(statistics.size()))

    before = so_far()
    rows = spark.read.format("delta").load(str(table))
    assert rows.where((rows.as_of_date == DAY) & (rows.customer_id == who)).toArrow().num_rows
    return so_far() - before


def _counted_by_system(ask: Callable[[Path, str], int], table: Path, who: str) -> int:
    """Bytes that this process has asked the system for; what a reader maps into memory is not counted."""

    def so_far() -> int:
        return int(Path("/proc/self/io").read_text().split("rchar:")[1].split()[0])

    before = so_far()
    assert ask(table, who)
    return so_far() - before


def _ask_duckdb(table: Path, who: str) -> int:
    import duckdb  # noqa: PLC0415
    from deltalake import DeltaTable  # noqa: PLC0415

    rows = DeltaTable(str(table)).to_pyarrow_dataset()
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found = connection.execute("SELECT * FROM rows WHERE as_of_date = ? AND customer_id = ?", [DAY, who])
        return len(found.fetchall())


def _ask_polars(table: Path, who: str) -> int:
    import polars as pl  # noqa: PLC0415

    rows = pl.scan_delta(str(table))
    return len(rows.filter((pl.col("as_of_date") == DAY) & (pl.col("customer_id") == who)).collect())
