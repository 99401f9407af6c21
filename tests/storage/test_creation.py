"""A run that died while it was making a table: the next one makes it, as if it were the first."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from pyspark.errors import AnalysisException

from strata.contract.columns import Table, Type, column
from strata.contract.spark import frame_of, rows_of
from strata.project.models import Storage
from strata.storage import creation
from strata.storage.tables import Lakehouse

ROW = {"as_of_date": date(2018, 1, 31), "name": "a", "amount": None}


class beginnings(Table):  # noqa: N801
    """A table that somebody dies over."""

    schema = "publish"
    grain = ("as_of_date", "name")
    partition_by = "as_of_date"
    as_of_date = column(Type.DATE, "Day it is about")
    name = column(Type.STRING, "What it's called")
    amount = column(Type.MONEY, "What it costs", unit="currency", nullable=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(creation, "PAUSE_SECONDS", 0)


@pytest.fixture
def in_catalog(spark):
    yield Lakehouse(spark, Storage(None, "spark_catalog", "begun_"), "run-1")
    spark.sql("drop schema if exists spark_catalog.begun_publish cascade")


@pytest.fixture(params=["path", "catalog"])
def place(request, lakehouse, in_catalog):
    return lakehouse if request.param == "path" else in_catalog


def seen(lakehouse: Lakehouse) -> tuple[Any, ...]:
    """All that readers find of a table without rows."""
    told, fields = lakehouse.delta(beginnings).detail().collect()[0], lakehouse.read(beginnings).schema
    return told.description, told.partitionColumns, lakehouse.properties(beginnings), fields.json()


def anew(lakehouse: Lakehouse) -> Lakehouse:
    """The same tables to the next run."""
    return Lakehouse(lakehouse.spark, lakehouse.storage, "run-2")


def folder_of(lakehouse: Lakehouse) -> Path:
    return Path(urlparse(lakehouse.delta(beginnings).detail().collect()[0].location).path)


@pytest.mark.parametrize("left", ["_delta_log", "_delta_log/_staged_commits"])
def test_of_a_table_that_was_cut_short_before_its_commit_nothing_is_missing(place, left):
    place.ensure(beginnings)
    wanted, folder = seen(place), folder_of(place)
    if place.storage.catalog:
        place.spark.sql(f"drop table {place.address(beginnings)}")
        again = anew(place)
    else:
        again = Lakehouse(place.spark, Storage(f"{place.storage.root}-2"), "run-2")
        folder = Path(again.address(beginnings))
    (folder / left).mkdir(parents=True)
    assert not again.exists(beginnings)
    again.ensure(beginnings)
    assert seen(again) == wanted
    again.append(beginnings, frame_of(place.spark, beginnings, [ROW]))
    assert rows_of(again.read(beginnings)) == [ROW]


def test_a_table_that_the_catalog_has_not_heard_of_is_taken_over_with_its_rows(spark, tmp_path, in_catalog):
    in_catalog.append(beginnings, frame_of(spark, beginnings, [ROW]))
    wanted, folder = seen(in_catalog), folder_of(in_catalog)
    shutil.copytree(folder, tmp_path / "kept")
    spark.sql(f"drop table {in_catalog.address(beginnings)}")
    shutil.copytree(tmp_path / "kept", folder, dirs_exist_ok=True)
    again = anew(in_catalog)
    again.ensure(beginnings)
    assert (seen(again), rows_of(again.read(beginnings))) == (wanted, [ROW])


def test_what_cannot_be_made_for_another_reason_is_told(lakehouse):
    folder = Path(lakehouse.address(beginnings))
    folder.mkdir(parents=True)
    (folder / "foreign.parquet").write_text("somebody's")
    with pytest.raises(AnalysisException, match="is not a Delta table"):
        lakehouse.ensure(beginnings)
    assert [f.name for f in folder.iterdir()] == ["foreign.parquet"]
