"""Where tables live, and whether two runs there could overwrite each other's commits."""

import re

from strata.project import scalars as s
from strata.project.models import Storage
from strata.project.notes import Notes
from strata.project.reading import optional, plain_record
from strata.project.yaml import Entries, Node

ATOMIC = ("file", "hdfs", "viewfs", "gs", "abfs", "abfss", "wasb", "wasbs", "adl", "dbfs")
"""Schemes under which a file can be made that is not there, and by one writer only, as Delta's commits need."""
UNSAFE = "LocalLogStore"
"""Lets two writers make the same commit, on every file system."""
_NO_FOLDER = re.compile(r"~|[A-Za-z][A-Za-z0-9+.-]*:(?!//)")
"""Shells and Hadoop know more by such words than a path."""

_KEYS = plain_record(
    "storage",
    Storage,
    {
        "root": optional(s.phrase),
        "catalog": optional(s.phrase),
        "prefix": optional(s.phrase, ""),
        "single_writer": optional(s.boolean, False),
        "log_store": optional(s.phrase),
    },
)


def storage(node: Node, notes: Notes) -> Storage:
    """Either a root folder, or a catalog with an optional prefix; commits of two writers never meet there unseen."""
    read = _KEYS(node, notes)
    if (read.root is None) == (read.catalog is None):
        raise notes.refuse(node.where, "expected either `root` or `catalog`", "tables live in a folder or in a catalog")
    if any("`" in words for words in (read.root, read.catalog, read.prefix) if words):
        raise notes.refuse(node.where, "found a backtick, which Delta takes for the end of a name", "take another name")
    if read.root is not None and _NO_FOLDER.match(read.root):
        what = f"root: found `{read.root}`, which would be a folder of that name where strata is started"
        raise notes.refuse(node.where, what, "write the whole path, a scheme with `://`")
    if read.root is not None and read.prefix:
        raise notes.refuse(node.where, "found `prefix` beside `root`", "a prefix belongs to a catalog")
    _check_commits(read, node, notes)
    return read


def _check_commits(read: Storage, node: Node, notes: Notes) -> None:
    keys = node if isinstance(node, Entries) else None
    if read.log_store is not None and read.log_store.rpartition(".")[2] == UNSAFE:
        where = keys.value("log_store") if keys else None
        what = f"log_store: {UNSAFE} lets two runs make the same commit, of which one is lost"
        notes.add(where.where if where else node.where, what, "leave it out, or name one that is made for the storage")
    if read.log_store is not None and read.scheme is None:
        notes.add(node.where, "found `log_store` without a `root` of an object store", "leave it out")
    if read.scheme is None or read.scheme in ATOMIC or read.single_writer or read.log_store is not None:
        return
    root = keys.value("root") if keys else None
    notes.add(
        root.where if root else node.where,
        f"root: on {read.scheme}:// two runs at once can lose each other's commits",
        "declare `single_writer: true` where one scheduler alone writes, or `log_store: CLASS`, the log store that"
        f" the session has as spark.delta.logStore.{read.scheme}.impl",
    )
