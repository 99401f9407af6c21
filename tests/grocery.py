"""The Complete Journey, ingested once per test run: read its tables, write no others into it.

from tests.grocery import grocery_lakehouse  # noqa: F401 - a fixture
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.ingest.kit import KEY, Silent

from strata.pipeline.context import Run
from strata.pipeline.ingest import IngestReport, ingest
from strata.project.load import load_project
from strata.project.models import Project, Storage
from strata.storage.tables import Lakehouse

GROCERY = Path(__file__).parents[1] / "conf" / "grocery"
INGESTED_AT = datetime(2018, 1, 2, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Grocery:
    """The project, its tables, and what its first batch said."""

    project: Project
    lakehouse: Lakehouse
    report: IngestReport

    def ingest_again(self, project: Project, at: datetime) -> IngestReport:
        return ingest(Run(project, self.lakehouse, lambda: at, Silent()), KEY, at, environ={})


_INGESTED: dict[int, Grocery] = {}


@pytest.fixture(scope="session")
def grocery_lakehouse(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Grocery:
    """Whichever module asks first pays for it."""
    if id(spark) not in _INGESTED:
        project = load_project(GROCERY)
        root = tmp_path_factory.mktemp("grocery") / "warehouse"
        lakehouse = Lakehouse(spark, Storage(root=str(root)), run_id="grocery")
        report = ingest(Run(project, lakehouse, lambda: INGESTED_AT, Silent()), KEY, INGESTED_AT, environ={})
        _INGESTED[id(spark)] = Grocery(project, lakehouse, report)
    return _INGESTED[id(spark)]
