"""How long versions stay: as long as the project says, also when it says otherwise later; VACUUM goes by that."""

import os
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from tests.storage import promote_once as small

from strata.contract.operations import leases, releases
from strata.contract.spark import rows_of
from strata.publish.release import is_in_place, last_version
from strata.storage.promotion import promote, read_releases
from strata.storage.retention import keep_versions
from strata.storage.tables import Lakehouse

DAYS = (date(2017, 11, 30), date(2017, 12, 31))
NAMES = ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration")


def kept(lakehouse: Lakehouse, table) -> set[str]:
    return {lakehouse.properties(table)[name] for name in NAMES}


def test_tables_that_are_there_take_a_new_time_once(lakehouse):
    for table in (leases, releases):
        lakehouse.ensure(table)
    tables = (leases, releases, *small.TABLES)
    assert keep_versions(lakehouse, tables) == 0
    longer = replace(lakehouse, retention_days=90)
    assert kept(longer, releases) == {"interval 30 days"}
    assert keep_versions(longer, tables) == 2, "what does not exist gets it when it is made"
    assert [kept(longer, t) for t in (leases, releases)] == [{"interval 90 days"}] * 2
    versions = [longer.last_commit(t)[0] for t in (leases, releases)]
    assert keep_versions(longer, tables) == 0
    assert [longer.last_commit(t)[0] for t in (leases, releases)] == versions


@pytest.mark.long
def test_vacuum_keeps_to_the_time_of_the_table_and_leaves_what_releases_pin(lakehouse):
    for number, day in enumerate((*DAYS, DAYS[1])):
        release, staged = small.stage(lakehouse, day, 3 + number)
        promote(lakehouse, replace(release, release_id=f"{number:032x}"), staged, small.clock)
    history = read_releases(lakehouse)
    by_name = {t.full_name(): t for t in small.TABLES}
    for table in small.TABLES:
        young, old = (left_behind(lakehouse, table, days) for days in (10, 40))
        with pytest.raises(Exception, match=r"(?i)retention period"):
            lakehouse.delta(table).vacuum(0)
        lakehouse.delta(table).vacuum(24)
        assert (young.exists(), old.exists()) == (True, False), "thirty days, whatever is asked for"
    for row in history:
        table = by_name[row["table_name"]]
        version = None if is_in_place(history, table, row) else last_version(table, row)
        rows = lakehouse.read(table, version)
        if table.slice_by:
            rows = rows.where(F.col(table.slice_by) == F.lit(row["as_of_date"]))
        assert len(rows_of(rows)) == row["row_count"]
        assert lakehouse.read(table, row["delta_version"]).count() >= row["row_count"]


def left_behind(lakehouse, table, days):
    """A file that no version has, as old as that."""
    place, moment = Path(lakehouse.address(table)) / f"left-{days}.parquet", time.time() - days * 86_400
    place.write_bytes(b"")
    os.utime(place, (moment, moment))
    return place
