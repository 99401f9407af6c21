"""What a warehouse holds, but for what two runs that do the same may differ in."""

from collections.abc import Collection
from pathlib import Path

import polars as pl
from tests.sweep.readers import digest, read

OF_A_RUN = ("run_id", "delta_version", "last_version", "staging_version", "seconds", "holder", "host", "process")
OF_A_PLACE = ("file_path",)
OF_AN_INGEST = ("ingested_at", "known_at", "release_id", "previous_release_id", "month_release_id", "year_release_id",
                "model_id", "released_at", "content_hash", "started_at", "header", "valid_from")  # fmt: skip
LOGS = ("publish.quality_results", "publish.quality_metrics")
"""A run that dies behind the gate has its verdicts kept, and the next one has the same."""
NOT_COMPARED = ("publish.run_log", "staging.leases", "staging.promotions")


def contents(root: Path, leave_out: Collection[str] = OF_A_RUN) -> dict[str, tuple[int, int]]:
    """schema.table -> rows and a digest of them, of every table in its newest version; a log may have no commit."""
    logs = sorted(root.glob("*/*/_delta_log"))
    names = [f"{log.parent.parent.name}.{log.parent.name}" for log in logs]
    found = {name: read(root, name) for name in names if name not in NOT_COMPARED}
    return {name: _content(name, rows, leave_out) for name, rows in found.items() if rows is not None}


def _content(name: str, rows: pl.DataFrame, leave_out: Collection[str]) -> tuple[int, int]:
    kept = rows.select(c for c in rows.columns if c not in leave_out)
    return digest(kept.unique() if name in LOGS else kept)


def differing(one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]) -> list[str]:
    """The tables that two warehouses do not both have with the same rows, with how many rows each has."""
    names = sorted(one.keys() | other.keys())
    return [
        f"{n}: {one.get(n, ('no',))[0]} rows, expected {other.get(n, ('no',))[0]}"
        for n in names
        if one.get(n) != other.get(n)
    ]
