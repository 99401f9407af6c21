"""A definition that has changed under a released version stops the job before anything is built."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.ingest.kit import Silent
from tests.project.grocery import change, copy_of_grocery, loaded

from strata.console import Console
from strata.contract import bronze
from strata.contract.operations import releases
from strata.contract.published import segment_catalog
from strata.contract.spark import frame_of
from strata.errors import ProjectError
from strata.pipeline.context import Run
from strata.pipeline.jobs import Wanted, run_jobs
from strata.pipeline.versions import reused_versions
from strata.project.models import Project
from strata.publish.catalog import catalog_rows
from strata.publish.release import Promoted, Release, switch
from strata.storage.tables import Lakehouse

AS_OF, KNOWN = date(2017, 12, 31), datetime(2018, 1, 2, tzinfo=UTC)
FREQUENCY, RFM = "segmentations/purchase_frequency.yml", "segmentations/rfm.yml"


def release(spark: SparkSession, lakehouse: Lakehouse, project: Project) -> None:
    """The catalogue of these definitions, as version 0 of its table; and a later version that nobody follows."""
    rows = catalog_rows(project.segmentations, project.offers, project.definition_hashes, AS_OF)
    table = frame_of(spark, segment_catalog, [{**row, "release_id": "a" * 32} for row in rows])
    lakehouse.overwrite(segment_catalog, table)
    version, _ = lakehouse.last_commit(segment_catalog)
    lakehouse.overwrite(segment_catalog, table.limit(0))
    book = switch(
        [], Release("a" * 32, AS_OF, KNOWN, project.config_hash, "0", None),
        [Promoted(segment_catalog.full_name(), version, len(rows), "hash")], "run", KNOWN,
    )  # fmt: skip
    lakehouse.overwrite(releases, frame_of(spark, releases, book))


def test_all_that_have_changed_are_refused_at_once_before_anything_is_built(
    spark: SparkSession, lakehouse: Lakehouse, tmp_path: Path
) -> None:
    folder = copy_of_grocery(tmp_path)
    run = Run(loaded(folder), lakehouse, lambda: KNOWN, Silent())
    assert reused_versions(run) == [], "nothing is released yet"
    release(spark, lakehouse, run.project)
    assert reused_versions(run) == []

    change(folder / FREQUENCY, "purchase_days_182d >= 26", "purchase_days_182d >= 28")
    change(folder / RFM, "[50, 200, 600, 1500]", "[50, 200, 600, 1501]")
    edited = replace(run, project=loaded(folder))
    wanted = Wanted(("ingest", "features", "segments", "audiences", "publish"), (AS_OF,), None, True, {})
    with pytest.raises(ProjectError) as caught:
        run_jobs(edited, wanted, Console(io.StringIO()))
    assert caught.value.exit_code == 2
    places = [(p.where.file, p.where.line) for p in caught.value.problems if p.where]
    assert places == [(str(folder / FREQUENCY), _line(folder / FREQUENCY)), (str(folder / RFM), _line(folder / RFM))]
    assert all("under version 1, which is released since 2017-12-31" in p.what for p in caught.value.problems)
    assert not lakehouse.exists(bronze.files)

    change(folder / FREQUENCY, "version: 1", "version: 2")
    change(folder / RFM, "1501]", "1500]")
    assert reused_versions(replace(run, project=loaded(folder))) == []


def _line(path: Path) -> int:
    """Where the definition begins: behind the comments."""
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if not line.startswith("#"))
