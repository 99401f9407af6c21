"""A source's delivery from discovery to the frame that lands in `bronze.<source>`."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Table, Type
from strata.errors import InputError
from strata.ingest import numbering, parquet, readers
from strata.ingest.files import Delivered, find_files, find_remote_files, is_remote
from strata.ingest.landing import TEXT_FORMATS, UNREADABLE, bronze_table, landed_name
from strata.ingest.records import bronze_type
from strata.project.models import Source

_FILES = TEXT_FORMATS | {"parquet"}
_UNREAD = re.compile(r"\[(FAILED_READ_FILE|PATH_NOT_FOUND)[^\]]*\]|EOFException|ZipException|unexpected end of")


@dataclass(frozen=True)
class Found:
    """What a source offers now: its files, and how the new ones are opened."""

    source: Source
    files: tuple[Delivered, ...]
    land: Callable[[Sequence[Delivered], int], tuple[type[Table], DataFrame]]
    """Of some of the files, in a batch: the contract of `bronze.<source>`, and its rows."""
    verify: Callable[[], None] = lambda: None
    """Called after the rows have been written: was what was read what had been hashed?"""


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
    if source.read.format not in _FILES:
        return _find_table(spark, source, folder, environ)
    files = find_remote_files(spark, source) if is_remote(source) else find_files(source, folder)

    def land(new: Sequence[Delivered], batch_id: int) -> tuple[type[Table], DataFrame]:
        return _land_files(spark, source, new, batch_id)

    return Found(source, files, land)


def _land_files(
    spark: SparkSession, source: Source, new: Sequence[Delivered], batch_id: int
) -> tuple[type[Table], DataFrame]:
    with readable(source):
        if source.read.format in TEXT_FORMATS:
            readers.check_heads(source, new)
            bronze = bronze_table(source)
            located = readers.read_text(spark, source, new)
            blocks = numbering.block_sizes(located, next(iter(source.schema))).toArrow().to_pylist()
            rows = numbering.numbered(located, numbering.shifts(blocks))
        else:
            read, landed = _parquet_types(spark, source, new)
            bronze = bronze_table(source, landed)
            rows = readers.read_parquet(spark, new, read)
        return bronze, _landed(rows, source, bronze, new, batch_id)


def _parquet_types(
    spark: SparkSession, source: Source, new: Sequence[Delivered]
) -> tuple[dict[str, str], dict[str, Type]]:
    if not is_remote(source):
        return parquet.delivered_types(source, new)
    rows = readers.remote_parquet(spark, new)
    landed = readers.landed_types(source, str(source.read.path), rows)
    return {f.name: f.dataType.simpleString() for f in rows.schema.fields}, landed


def _find_table(spark: SparkSession, source: Source, folder: Path, environ: Mapping[str, str]) -> Found:
    """A table or a query counts as one file; its hash is over its rows, whatever their order."""
    name, rows = readers.open_table(spark, source, folder, environ)
    bronze = bronze_table(source, readers.landed_types(source, name, rows))
    located = numbering.located_in_one(rows.select(*[f"`{c}`" for c in source.schema]), name)
    with readable(source):
        blocks = _sums(located, source).toArrow().to_pylist()
    sums = [sum((b[c] for b in blocks), Decimal(0)) for c in ("row_count", "sum_1", "sum_2")]
    digest = hashlib.sha256(":".join(str(int(s)) for s in sums).encode()).hexdigest()
    seen = Observation()

    def land(new: Sequence[Delivered], batch_id: int) -> tuple[type[Table], DataFrame]:
        counted = located.observe(seen, *_sums_of(source))
        numbered = numbering.numbered(counted, numbering.shifts(blocks))
        return bronze, _landed(numbered, source, bronze, new, batch_id)

    def verify() -> None:
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
    own = [
        F.col(f"`{name}`").cast(bronze_type(bronze, name).value).alias(landed_name(name)) for name in source.schema
    ]
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
