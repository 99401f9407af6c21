from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.ingest.kit import Corner


@pytest.fixture
def corner(spark: SparkSession, tmp_path: Path) -> Callable[..., Corner]:
    """Makes a project of the given sources: name -> YAML."""

    def make(**sources: str) -> Corner:
        return Corner(spark, tmp_path / "corner", sources)

    return make
