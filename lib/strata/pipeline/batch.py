"""What the sources of one batch share, and how a batch that was never finished is taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from threading import Lock
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.bronze import identity_vault, rejected_rows
from strata.contract.columns import Table
from strata.contract.silver import FED_TABLES, quarantine
from strata.contract.spark import rows_of
from strata.ingest.landing import bronze_table
from strata.ingest.mapping import Batch
from strata.pipeline.context import Run
from strata.project.models import Project
from strata.project.sources import with_lookups
from strata.storage.tables import Lakehouse

ROWS_PER_FILE = 500_000
"""Most rows in a data file of bronze and silver: a delivery in one piece becomes work for several cores."""


@dataclass(frozen=True)
class Step:
    """What all sources of one batch share."""

    run: Run
    batch: Batch
    keys: DataFrame
    books: Sequence[Mapping[str, Any]]
    """Rows of `bronze.files`: every file of the batches that finished before."""
    shared: Lock = field(default_factory=Lock)
    """Held while a table is written that all sources write to."""

    @property
    def lakehouse(self) -> Lakehouse:
        """The project's tables."""
        return self.run.lakehouse

    @property
    def project(self) -> Project:
        """The project."""
        return self.run.project

    @property
    def seen_before(self) -> frozenset[str]:
        """Sources of earlier batches: only they have rows in silver."""
        return frozenset(b["source"] for b in self.books)

    def of_batch(self, table: type[Table]) -> DataFrame:
        """The rows of a table that this batch has written."""
        return self.lakehouse.read(table).filter(F.col("batch_id") == self.batch.batch_id)

    def write(self, table: type[Table], frame: DataFrame) -> int:
        """Append rows; returns how many the commit says it has written."""
        self.lakehouse.append(table, frame, ROWS_PER_FILE)
        return self.lakehouse.rows_written(table)


def withdraw_unfinished(step: Step) -> None:
    """Delete what a batch left behind that was never finished: its number is that of the batch which begins now."""
    lakehouse = step.lakehouse
    tables = [bronze_table(s) for s in with_lookups(step.project.sources)]
    tables += [*FED_TABLES.values(), quarantine, rejected_rows, identity_vault]
    there = {t.full_name(): t for t in tables if lakehouse.exists(t)}
    left = [
        lakehouse.read(t).filter(F.col("batch_id") >= step.batch.batch_id).select(F.lit(name).alias("name"))
        for name, t in there.items()
    ]
    if left:
        for row in rows_of(reduce(DataFrame.union, left).distinct()):
            lakehouse.withdraw_batches(there[row["name"]], step.batch.batch_id)
