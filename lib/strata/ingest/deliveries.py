"""A source's delivery from discovery to the frame that lands in `bronze.<source>`."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Table
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.ingest import numbering, parquet, readers
from strata.ingest.files import Delivered, check_unchanged, find_files, find_remote_files, is_remote
from strata.ingest.landing import bronze_table
from strata.ingest.records import bronze_type
from strata.project.landed import TEXT_FORMATS, UNREADABLE, landed_name
from strata.project.sources import Source, source_of

_FILES = TEXT_FORMATS | {"parquet"}
_UNREAD = re.compile(r"\[(FAILED_READ_FILE|PATH_NOT_FOUND)[^\]]*\]|EOFException|ZipException|unexpected end of")


@dataclass(frozen=True)
class Landing:
    """What is about to land: the contract of `bronze.<source>`, its rows, and how many each file (by hash) has."""

    bronze: type[Table]
    rows: DataFrame
    row_counts: Mapping[str, int]


@dataclass(frozen=True)
class Found:
    """What a source offers now: its files, and how the new ones are opened."""

    source: Source
    files: tuple[Delivered, ...]
    land: Callable[[Sequence[Delivered], int], Landing]
    """Opens some of the files for a batch."""
    verify: Callable[[], None]
    """Called after the rows have been written: was what was read what had been hashed?"""
    find_lookups: Callable[[], tuple["Found", ...]] = tuple
    """What its lookups offer, in their order: asked only when there is something to look up."""


def find(spark: SparkSession, source: Source, folder: Path, environ: Mapping[str, str]) -> Found:
    """What a source offers.

    Args:
        spark: reads what is not local.
        source: as declared.
        folder: folder of the project, where relative paths start.
        environ: the environment, for the passwords of databases.

    Raises:
        InputError: nothing is there, it is not ready, or it does not fit the schema; names the file.
        ProjectError: a password is not set.
    """
    is_file = source.read.format in _FILES
    mine = _find_files(spark, source, folder) if is_file else _find_table(spark, source, folder, environ)
    tables = [source_of(lookup, source) for lookup in source.lookups]
    return replace(mine, find_lookups=lambda: tuple(find(spark, table, folder, environ) for table in tables))


def _find_files(spark: SparkSession, source: Source, folder: Path) -> Found:
    files = find_remote_files(spark, source) if is_remote(source) else find_files(source, folder)

    def land(new: Sequence[Delivered], batch_id: int) -> Landing:
        with readable(source):
            opened = _text if source.read.format in TEXT_FORMATS else _parquet
            return opened(spark, source, new, batch_id)

    return Found(source, files, land, lambda: check_unchanged(source, files))


def _text(spark: SparkSession, source: Source, new: Sequence[Delivered], batch_id: int) -> Landing:
    readers.check_heads(source, new)
    bronze = bronze_table(source)
    located = readers.read_text(spark, source, new)
    blocks = rows_of(numbering.block_sizes(located, next(iter(source.schema))))
    rows = numbering.numbered(located, numbering.shifts(blocks))
    counts = {f.sha256: sum(b["row_count"] for b in blocks if b[numbering.FILE] in f.uris) for f in new}
    return Landing(bronze, _landed(rows, source, bronze, new, batch_id), counts)


def _parquet(spark: SparkSession, source: Source, new: Sequence[Delivered], batch_id: int) -> Landing:
    if is_remote(source):
        read, landed = readers.remote_parquet_types(spark, source, new)
        rows = readers.read_parquet(spark, new, read)
        found = {r[numbering.FILE]: r["count"] for r in rows_of(rows.groupBy(numbering.FILE).count())}
        counts = {f.sha256: found.get(f.uris[0], 0) for f in new}
    else:
        read, landed = parquet.delivered_types(source, new)
        rows = readers.read_parquet(spark, new, read)
        counts = {f.sha256: parquet.row_count(f) for f in new}
    bronze = bronze_table(source, landed)
    return Landing(bronze, _landed(rows, source, bronze, new, batch_id), counts)


def _find_table(spark: SparkSession, source: Source, folder: Path, environ: Mapping[str, str]) -> Found:
    """A table or a query counts as one file; its hash is over its rows, whatever their order."""
    name, rows = readers.open_table(spark, source, folder, environ)
    bronze = bronze_table(source, readers.landed_types(source, name, rows))
    located = numbering.located_in_one(rows.select(*[f"`{c}`" for c in source.schema]), name)
    with readable(source):
        blocks = rows_of(_sums(located, source))
    sums = [sum((b[c] for b in blocks), Decimal(0)) for c in ("row_count", "sum_1", "sum_2")]
    digest = hashlib.sha256(":".join(str(int(s)) for s in sums).encode()).hexdigest()
    seen = Observation()

    def land(new: Sequence[Delivered], batch_id: int) -> Landing:
        counted = located.observe(seen, *_sums_of(source))
        numbered = numbering.numbered(counted, numbering.shifts(blocks))
        return Landing(bronze, _landed(numbered, source, bronze, new, batch_id), {digest: int(sums[0])})

    def verify() -> None:
        if not blocks:
            return
        now = [int(seen.get[c] or 0) for c in ("row_count", "sum_1", "sum_2")]
        if now != [int(s) for s in sums]:
            found = f"{name} changed while it was read ({sums[0]} rows, then {now[0]})"
            raise InputError(f"{source.name}: {found}: run again")

    return Found(source, (Delivered(name, 0, digest, uris=(name,)),), land, verify)


def _sums(located: DataFrame, source: Source) -> DataFrame:
    first = F.min(numbering.POSITION).alias("first")
    return located.groupBy(numbering.FILE, numbering.BLOCK).agg(first, *_sums_of(source))


def _sums_of(source: Source) -> list[Column]:
    """Count, and sums of two row hashes; xxhash64 skips NULL, so that where NULL stands is hashed too."""
    columns = [F.col(f"`{c}`") for c in source.schema]
    values = [*columns, *(c.isNull() for c in columns)]
    hashes = {"sum_1": F.xxhash64(*values), "sum_2": F.xxhash64(F.lit(1), *values)}
    sums = [F.sum(h.cast("decimal(38,0)")).alias(name) for name, h in hashes.items()]
    return [F.count(F.lit(1)).alias("row_count"), *sums]


def _landed(
    rows: DataFrame, source: Source, bronze: type[Table], files: Sequence[Delivered], batch_id: int
) -> DataFrame:
    own = [F.col(f"`{name}`").cast(bronze_type(bronze, name).value).alias(landed_name(name)) for name in source.schema]
    text = [UNREADABLE] if source.read.format in TEXT_FORMATS else []
    places = [{numbering.FILE: uri, "file_path": f.path, "file_hash": f.sha256} for f in files for uri in f.uris]
    trace = pa.schema([(c, pa.string()) for c in (numbering.FILE, "file_path", "file_hash")])
    known = F.broadcast(rows.sparkSession.createDataFrame(pa.Table.from_pylist(places, trace)))
    traced = rows.join(known, numbering.FILE, "left")
    batch = F.lit(batch_id).cast("bigint").alias("batch_id")
    return traced.select(*own, *text, "file_path", "file_hash", "row_number", batch)


@contextmanager
def readable(source: Source) -> Iterator[None]:
    """What Spark says when it cannot read a file becomes an InputError with its name.

    Raises:
        InputError: a file is truncated, has gone, or is not what it was declared to be.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not _UNREAD.search(str(error)):
            raise
        said = next(line for line in str(error).splitlines() if _UNREAD.search(line))
        raise InputError(f"{source.name}: a file cannot be read: {said.strip()}: deliver it again") from error
