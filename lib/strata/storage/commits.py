"""What the log of a Delta table tells of a commit, whoever read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a table: `note` is its userMetadata, `rows` went into data files (None: its log does not tell)."""

    version: int
    note: str
    rows: int | None


def commit_of(told: Mapping[str, Any]) -> Commit:
    """A commit as Delta's history has it, by Spark's names or those of deltalake, which are the same."""
    rows = (told.get("operationMetrics") or {}).get("numOutputRows")
    return Commit(int(told["version"]), told.get("userMetadata") or "", None if rows is None else int(rows))
