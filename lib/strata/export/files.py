"""A file that is seen whole or not at all, and by its owner only."""

import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from strata.errors import ProjectError
from strata.export.cells import write_csv

OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds: SHA-256 of its bytes, its rows, texts that were made harmless."""

    digest: str
    rows: int
    harmless: int


def make_file(place: Path, batches: pa.RecordBatchReader, announce: Callable[[Written], None]) -> Written:
    """Write a file under another name, announce it, and only then give it its name.

    Args:
        place: where it shall lie, ending in .csv or .parquet; what is there is replaced. Its folder exists.
        batches: its rows.
        announce: called before the file can be seen; where it fails, there is no file.

    Raises:
        ProjectError: the folder cannot be written to.
    """
    draft: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
        draft = Path(name)
        with os.fdopen(descriptor, "w+b") as file:
            written = _fill(file, place.suffix, batches)
            file.flush()
            os.fsync(descriptor)
        announce(written)
        draft.replace(place)
    except OSError as error:
        raise ProjectError(f"{place}: cannot be written: {error.strerror or error}") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    return written


def _fill(file: io.BufferedRandom, ending: str, batches: pa.RecordBatchReader) -> Written:
    counted = _Counted(batches)
    harmless = 0
    if ending == ".parquet":
        with pq.ParquetWriter(file, batches.schema, compression="zstd") as writer:
            for batch in counted:
                writer.write_batch(batch)
    else:
        words = io.TextIOWrapper(file, encoding="utf-8", newline="")
        parts = (list(zip(*(c.to_pylist() for c in batch.columns), strict=True)) for batch in counted)
        harmless = write_csv(batches.schema.names, parts, words)
        words.detach()
    file.seek(0)
    return Written(hashlib.file_digest(file, "sha256").hexdigest(), counted.rows, harmless)


class _Counted:
    """Batches, and how many rows have come."""

    def __init__(self, batches: pa.RecordBatchReader) -> None:
        self.batches, self.rows = batches, 0

    def __iter__(self) -> "_Counted":
        return self

    def __next__(self) -> pa.RecordBatch:
        batch = self.batches.read_next_batch()
        self.rows += batch.num_rows
        return batch
