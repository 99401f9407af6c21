"""What a warehouse publishes, read by delta-rs and hashed: the same rows give the same hash, whoever wrote them."""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

import polars
from deltalake import DeltaTable

SCHEMAS = ("publish", "members")


def published_hashes(
    root: Path, leave_out: Collection[str] = (), only: Collection[str] | None = None
) -> dict[str, tuple[int, str]]:
    """`schema.table` -> rows and a hash over them, in whatever order they lie.

    Args:
        root: folder of the warehouse: tables at <root>/<schema>/<table>.
        leave_out: columns that may differ between two runs of the same release (run_id, started_at, ...).
        only: tables to look at; None: all of `publish` and `members`.
    """
    schemas = SCHEMAS if only is None else sorted({name.partition(".")[0] for name in only})
    logs = [log for schema in schemas for log in sorted((root / schema).glob("*/_delta_log"))]
    tables = {f"{log.parent.parent.name}.{log.parent.name}": log.parent for log in logs}
    return {name: _hash(path, leave_out) for name, path in tables.items() if only is None or name in only}


def _hash(path: Path, leave_out: Collection[str]) -> tuple[int, str]:
    # json of each row: floats in their shortest exact form, decimals as text, None apart from ""
    frame = polars.from_arrow(DeltaTable(path).to_pyarrow_table())
    kept = frame.select(sorted(set(frame.columns) - set(leave_out)))
    rows = sorted(repr(row) for row in kept.iter_rows())
    return len(rows), sha256("\n".join(rows).encode()).hexdigest()
