"""What lies at the path of a source: files with their size, SHA-256 and first bytes.

Local files are hashed here, as a stream. Files of any other file system are read by the JVM (`binaryFile`, `sha2`),
which holds one file in memory at a time and takes none beyond 2 GB; deliver larger ones in parts.
"""

import bz2
import glob
import gzip
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.errors import InputError
from strata.project.sources import Source

HEAD = 1 << 16
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:")
_OPENERS: Mapping[str, Callable[[BinaryIO], io.BufferedIOBase]] = {
    ".gz": lambda packed: gzip.GzipFile(fileobj=packed),
    ".bz2": bz2.BZ2File,
}
_LEGAL_IN_URI = "/_-!.~'()*,;:$&+=@"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivered file, table or query result.

    Attributes:
        path: where it lay, as people write it.
        size: in bytes; 0 for tables and queries.
        sha256: 64 hex digits over its content; for tables and queries over the rows.
        head: its first bytes, decompressed; empty for binary formats.
        uris: how Spark may spell its path in `_metadata.file_path`.
        modified: time of its last change in nanoseconds, by which a local file is seen to change; 0 elsewhere.
    """

    path: str
    size: int
    sha256: str
    head: bytes = b""
    uris: tuple[str, ...] = ()
    modified: int = 0


def find_files(source: Source, folder: Path) -> tuple[Delivered, ...]:
    """The local files of a source, by path, hashed.

    Args:
        source: its `read.path` is a file, a folder or a glob pattern; names that begin with `.` or `_` are no data.
        folder: folder of the project; a relative path starts there.

    Raises:
        InputError: nothing is there, or `ready_when` is not there yet.
    """
    pattern = local_path(source, folder)
    found = [Path(p) for p in sorted(glob.glob(pattern, recursive=True)) if Path(p).is_file()]
    if Path(pattern).is_dir():
        found = [p for p in sorted(Path(pattern).rglob("*")) if p.is_file()]
    marker = source.delivery.ready_when
    data = [p for p in found if not p.name.startswith((".", "_")) and p.name != marker]
    _expect_ready(source, [str(p.parent) for p in data] or [_folder_of(pattern)])
    if not data:
        raise _nothing(source, pattern)
    if unread := [str(p) for p in data if ":" in p.name]:
        what = f"{', '.join(unread)}: Hadoop opens no local file with a colon in its name: rename it"
        raise InputError(f"{source.name}: {what}")
    return tuple(_delivered(source, path) for path in data)


def local_path(source: Source, folder: Path) -> str:
    """The absolute path or pattern of a source on the local file system."""
    return str(folder.absolute() / re.sub("^file:/*", "/", source.read.path or ""))


def is_remote(source: Source) -> bool:
    """True when the path of the source names another file system than the local one."""
    path = source.read.path or ""
    return bool(_SCHEME.match(path)) and not path.startswith("file:")


def find_remote_files(spark: SparkSession, source: Source) -> tuple[Delivered, ...]:
    """The files of a source on another file system, by path; one Spark job reads and hashes them.

    Raises:
        InputError: as `find_files`.
    """
    found = _listed(spark.read.format("binaryFile").load(source.read.path))
    rows = sorted(found.toArrow().to_pylist(), key=lambda row: str(row["path"]))
    marker = source.delivery.ready_when
    if marker:
        there = spark.read.format("binaryFile").option("pathGlobFilter", marker).load(_remote_folder(source))
        ready = [str(row["path"]) for row in there.select("path").toArrow().to_pylist()]
        if not ready:
            raise _waiting(source, f"{_remote_folder(source)}/{marker}")
    if not rows:
        raise _nothing(source, source.read.path)
    return tuple(
        Delivered(row["path"], row["length"], row["sha256"], _head(source, row["path"], row["head"]), (row["uri"],))
        for row in rows
    )


def _listed(files: DataFrame) -> DataFrame:
    name = F.element_at(F.split("path", "/"), -1)
    return files.filter(~name.startswith("_") & ~name.startswith(".")).select(
        "path",
        "length",
        F.sha2("content", 256).alias("sha256"),
        F.substring("content", 1, HEAD).alias("head"),
        F.col("_metadata.file_path").alias("uri"),
    )


def _remote_folder(source: Source) -> str:
    path = (source.read.path or "").rstrip("/")
    return path.rsplit("/", 1)[0] if re.search(r"[*?\[{]|\.\w+$", path.rsplit("/", 1)[-1]) else path


def _expect_ready(source: Source, folders: Sequence[str]) -> None:
    marker = source.delivery.ready_when
    waiting = [f for f in sorted(set(folders)) if marker and not (Path(f) / marker).exists()]
    if waiting:
        raise _waiting(source, ", ".join(f"{folder}/{marker}" for folder in waiting))


def _nothing(source: Source, place: str | None) -> InputError:
    return InputError(f"{source.name}: nothing to read at {place}: deliver the files, or correct `read: path`")


def _waiting(source: Source, marker: str) -> InputError:
    return InputError(f"{source.name}: the delivery is not complete, waiting for {marker}: run again when it is there")


def _folder_of(pattern: str) -> str:
    return pattern if Path(pattern).is_dir() else str(Path(pattern).parent)


def check_unchanged(source: Source, files: Sequence[Delivered]) -> None:
    """Are local files, after they were read, still those that were hashed?

    Raises:
        InputError: names those that are not.
    """
    changed = [f.path for f in files if f.modified and _stamp(Path(f.path)) != (f.size, f.modified)]
    if changed:
        raise InputError(f"{source.name}: {', '.join(changed)} changed while it was read: run again when it is whole")


def _stamp(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _delivered(source: Source, path: Path) -> Delivered:
    size, modified = path.stat().st_size, path.stat().st_mtime_ns
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        head = stream.read(HEAD)
    return Delivered(str(path), size, digest, _head(source, str(path), head), _uris(str(path)), modified)


def _head(source: Source, path: str, head: bytes) -> bytes:
    """The first bytes of what is in a file; of a compressed one as far as its own first bytes reach."""
    opener = _OPENERS.get(Path(path).suffix)
    if opener is None:
        return head
    unpacked = bytearray()
    try:
        with opener(io.BytesIO(head)) as stream:
            while len(unpacked) < HEAD and (piece := stream.read(1024)):
                unpacked += piece
    except EOFError:
        pass
    except OSError as error:
        raise InputError(f"{source.name}: {path}: cannot be unpacked ({error}): deliver it again") from None
    return bytes(unpacked)


def _uris(path: str) -> tuple[str, ...]:
    """Java quotes what is illegal in a path, blanks and control signs of all scripts, and leaves their letters."""
    is_kept = {c: c > "\x7f" and unicodedata.category(c) not in ("Cc", "Zs", "Zl", "Zp") for c in set(path)}
    quoted = "".join(c if is_kept[c] else quote(c, safe=_LEGAL_IN_URI) for c in path)
    return (f"file:{quoted}", f"file://{quoted}")
