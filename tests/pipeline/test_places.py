"""The release protocol and the way back in a catalog: the tables are those of a folder."""

from dataclasses import replace

import pytest
from tests.pipeline import going_back as world

from strata.contract.operations import leases, releases
from strata.project.models import Storage
from strata.storage.leases import hold_lease
from strata.storage.retention import keep_versions
from strata.storage.tables import Lakehouse

pytestmark = [pytest.mark.long, pytest.mark.soak]


def test_a_catalog_gives_what_a_folder_gives(spark, tmp_path):
    by_path = Lakehouse(spark, Storage(str(tmp_path)), "run-1")
    by_name = Lakehouse(spark, Storage(None, "spark_catalog", "back_"), "run-1")
    try:
        for first in (by_path, by_name):
            second = replace(first, run_id="run-2", _ensured=set())
            with hold_lease(first, "project", lambda: world.NOW):
                world.released(first)
            with hold_lease(second, "project", lambda: world.NOW):
                assert keep_versions(replace(second, retention_days=60), (releases, leases)) == 2
                world.go_back(second)
        assert world.told(by_name) == world.told(by_path)
        for table in (*world.TABLES, releases, leases):
            places = [store.delta(table).detail().first() for store in (by_name, by_path)]
            assert places[0]["partitionColumns"] == places[1]["partitionColumns"]
            assert places[0]["properties"] == places[1]["properties"]
            assert places[0]["description"] == places[1]["description"]
            assert by_name.read(table).schema == by_path.read(table).schema
        for table in world.TABLES:
            assert by_name.last_commit(table)[1] == by_path.last_commit(table)[1] == "run-2"
    finally:
        for row in spark.sql("show schemas like 'back_*'").collect():
            spark.sql(f"drop schema if exists {row[0]} cascade")
