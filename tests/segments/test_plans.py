"""What assigning costs: one scan of the snapshot and no shuffle, however many segmentations there are."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.bench import thirty

from strata.segments.assign import to_columns, to_rows, with_segments


@pytest.mark.parametrize("shape", ["columns", "rows"])
def test_thirty_segmentations_are_one_scan(
    spark: SparkSession, tmp_path: Path, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    thirty.make_snapshot(tmp_path / "snapshot.parquet", 10)
    made = thirty.definitions()
    assigned = with_segments(spark.read.parquet(str(tmp_path / "snapshot.parquet")), made, thirty.NAMES)
    found = to_columns(assigned, [s.name for s in made]) if shape == "columns" else to_rows(assigned, made)
    found.explain()
    plan = capsys.readouterr().out
    assert plan.count("FileScan") == 1
    assert "Exchange" not in plan
    assert "Expand" not in plan
    assert "PythonUDF" not in plan
