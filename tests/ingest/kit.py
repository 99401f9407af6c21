"""A small project in a temporary folder: its sources, what was delivered to it, and its tables."""

import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from strata.contract.columns import Table
from strata.pipeline.context import Run
from strata.pipeline.ingest import IngestReport, SourceReport, ingest
from strata.project.load import load_project
from strata.project.models import Project, Storage
from strata.storage.held import hold
from strata.storage.tables import Lakehouse

KEY = b"an identity key for tests, 32 bytes long or more"
JANUARY, FEBRUARY, MARCH = (datetime(2024, month, 1, 3, tzinfo=UTC) for month in (1, 2, 3))

HEADER = """
project: corner
description: A shop on the corner
currency: UAH
time_zone: Europe/Kyiv
starts_on: 2023-01-01
identity: {key_id: test-1, key_env: CORNER_KEY, key_file: .strata/identity.key}
retention_days: 30
storage: {root: warehouse}
variables: {landing: landing}
"""
FEATURES = "features:\n  - {name: spend_28d, kind: sum, of: amount, days: 28, unit: currency, description: Paid}\n"

PURCHASES = """
source: purchases
description: Receipts
feeds: events
read: {format: csv, path: "${landing}/purchases*.csv"}
schema: {receipt: STRING, shopper: STRING, at: INSTANT, paid: MONEY}
delivery: {mode: append}
key: [receipt]
event_type: "'purchase'"
columns:
  customer_id: {from: shopper, identity: plain}
  occurred_at: {from: at, type: instant}
  amount:      {from: paid}
"""

SHOPPERS = """
source: shoppers
description: Undated profiles
feeds: customers
read: {format: csv, path: "${landing}/shoppers*.csv"}
schema: {shopper: STRING, sex: STRING, tariff: STRING}
delivery: {mode: snapshot}
key: [shopper]
columns:
  customer_id: {from: shopper, identity: plain}
  sex:         {from: sex, map: {f: female, m: male}}
  tariff:      {from: tariff}
"""


class Silent:
    """Progress that nobody watches."""

    def begin(self, stage: str, what: str) -> None: ...

    def end(self, stage: str, found: str, seconds: float) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass
class Corner:
    """A project folder and its lakehouse."""

    spark: SparkSession
    folder: Path
    sources: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("sources", "landing"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "project.yml").write_text(HEADER)
        (self.folder / "features.yml").write_text(FEATURES)
        for name, text in self.sources.items():
            (self.folder / "sources" / f"{name}.yml").write_text(textwrap.dedent(text))

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    @property
    def lakehouse(self) -> Lakehouse:
        return Lakehouse(self.spark, Storage(root=str(self.folder / "warehouse")), run_id="test-run")

    def deliver(self, name: str, content: str | bytes) -> Path:
        """Put a file into the landing folder; text is dedented."""
        path = self.folder / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).lstrip("\n").encode())
        return path

    def ingest(self, at: datetime = JANUARY, key: bytes = KEY) -> IngestReport:
        return ingest(Run(self.project, self.lakehouse, lambda: at, Silent()), key, at, environ={})

    def read(self, table: type[Table]) -> DataFrame:
        return hold(self.lakehouse, table, None)


def report_of(report: IngestReport, source: str) -> SourceReport:
    """What a batch took from one source."""
    return next(r for r in report.sources if r.source == source)
