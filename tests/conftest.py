"""One Spark session for all tests: UI off, few shuffle partitions, nothing shared through tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from strata.project.models import Storage
from strata.storage.session import open_session
from strata.storage.tables import Lakehouse


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = open_session(
        {
            "spark.master": "local[2]",
            "spark.sql.shuffle.partitions": "2",
            "spark.driver.memory": "2g",
            "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark-warehouse")),
        }
    )
    session.conf.set("spark.databricks.delta.snapshotPartitions", "2")
    yield session
    session.stop()


@pytest.fixture
def lakehouse(spark: SparkSession, tmp_path: Path) -> Lakehouse:
    return Lakehouse(spark, Storage(root=str(tmp_path / "warehouse")), run_id="test-run")
