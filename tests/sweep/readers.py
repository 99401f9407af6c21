"""What readers see while somebody writes and dies: sets that follow `releases`, slices of single tables. No Spark."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from strata.contract.columns import Table
from strata.contract.published import GATED_TABLES

BY_NAME: dict[str, type[Table]] = {t.full_name(): t for t in GATED_TABLES}


def read(root: Path, table: str, version: int | None = None) -> pl.DataFrame | None:
    """The rows of schema.table; None: there is no such table yet."""
    try:
        found = DeltaTable(root / table.replace(".", "/"), version=version)
    except TableNotFoundError:
        return None
    return pl.from_arrow(found.to_pyarrow_table())  # type: ignore[return-value]


def digest(rows: pl.DataFrame) -> tuple[int, int]:
    """How many rows, and a sum over them that knows neither their order nor that of the columns."""
    # What is nested has no hash; its text is as exact, and such tables are small.
    flat = [
        pl.Series(c, map(repr, rows[c].to_list())) if rows[c].dtype.is_nested() else rows[c]
        for c in sorted(rows.columns)
    ]
    return rows.height, int(pl.DataFrame(flat).hash_rows().sum() or 0) if rows.height else 0


@dataclass
class Readers:
    """Two readers of the tables at a root, and what they have seen since they began."""

    root: Path
    tables: Mapping[str, type[Table]] = field(default_factory=lambda: BY_NAME)
    seen: Counter[str] = field(default_factory=Counter)
    """`sets` and `slices` read."""
    wrong: list[str] = field(default_factory=list)
    digests: dict[tuple[str, int, str], tuple[int, int]] = field(default_factory=dict)
    """What a table had in a release, by release, sequence and table: the same whenever it is read."""

    def follow(self) -> None:
        """Read the release that `releases` calls current, every table at its pinned version."""
        book = read(self.root, "publish.releases")
        current = [] if book is None else book.filter("is_current").to_dicts()
        mixed = [f"{r['release_id'][:12]} {r['table_name']}" for r in current if not self._is_of(r)]
        if len({r["release_id"] for r in current}) > 1 or (current and len(current) != len(self.tables)):
            mixed.append(f"releases: {len(current)} tables, {len({r['release_id'] for r in current})} releases")
        self.seen["sets"] += bool(current)
        self.seen["mixed sets"] += bool(mixed)
        self.wrong += [f"mixed set: {m}" for m in mixed]

    def _is_of(self, row: dict) -> bool:
        rows = read(self.root, row["table_name"], row["delta_version"])
        if rows is None:
            return False
        if self.tables[row["table_name"]].slice_by:
            rows = rows.filter(pl.col("as_of_date") == row["as_of_date"])
        now = digest(rows)
        known = self.digests.setdefault((row["release_id"], row["sequence"], row["table_name"]), now)
        return (known, rows.height) == (now, row["row_count"]) and set(rows["release_id"]) <= {row["release_id"]}

    def look(self) -> None:
        """Read each table by itself as it is now: every slice is whole, of one release that is known or promised."""
        for name, table in self.tables.items():
            rows = read(self.root, name)
            if rows is None or rows.is_empty():
                continue
            keys = ["as_of_date"] if table.slice_by else []
            slices = rows.group_by(*keys, "release_id").len()
            # Read after the table: what it holds was promised before.
            known = self._promised(name)
            torn = [s for s in slices.to_dicts() if (s["release_id"], s["len"]) not in known]
            if slices.height != (slices.select(keys).n_unique() if keys else 1):
                torn.append("slices of two releases")
            self.seen["slices"] += slices.height
            self.seen["torn slices"] += len(torn)
            self.wrong += [f"torn slice: {name} {t}" for t in torn]

    def _promised(self, name: str) -> set[tuple[str, int]]:
        books = [read(self.root, book) for book in ("staging.promotions", "publish.releases")]
        return {
            (r["release_id"], r["row_count"])
            for book in books if book is not None
            for r in book.filter(pl.col("table_name") == name).to_dicts()
        }  # fmt: skip


@dataclass
class Watch:
    """The two readers at work beside a run, each in a thread of its own."""

    readers: Readers
    over: Event = field(default_factory=Event)
    threads: list[Thread] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> "Watch":
        self.threads = [
            Thread(target=self._repeat, args=(work,), daemon=True) for work in (self.readers.follow, self.readers.look)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self.over.is_set():
            try:
                work()
            except Exception as error:  # a reader that fails is what is looked for
                with self._lock:
                    self.failed.append(f"{work.__name__}: {type(error).__name__}: {str(error)[:300]}")
            time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
