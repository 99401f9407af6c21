"""The release protocol: killed at any point, the next run completes it, and readers never see a mix."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from tests.storage import promote_once as small

from strata.contract.columns import Type, column, extend
from strata.contract.operations import promotions, releases
from strata.contract.spark import frame_of, rows_of
from strata.errors import ProjectError, StrataError, WriteConflict
from strata.project.models import Storage
from strata.publish.release import Release, current_release
from strata.storage import session
from strata.storage.faults import VARIABLE, Fault, Faults
from strata.storage.fingerprints import fingerprint
from strata.storage.held import hold
from strata.storage.promotion import Staged, promote, read_releases, recover, staging
from strata.storage.tables import Lakehouse

NOVEMBER, DECEMBER, JANUARY = date(2017, 11, 30), date(2017, 12, 31), date(2018, 1, 31)
SWITCHED = "after overwrite publish.releases"
KILLS = [
    "after overwrite staging.promotions",
    "after replace members.segment_membership",
    "after overwrite publish.segment_catalog",
    "after replace publish.audience_catalog",
    "before overwrite publish.releases",
    SWITCHED,
]
RAISED = [
    "before overwrite staging.promotions",
    "before replace members.segment_membership",
    "before overwrite publish.segment_catalog",
    "before replace publish.audience_catalog",
]


def contents(lakehouse):
    """What readers of `releases` get: count and hash of every table at its pinned version, and the book itself."""
    current = current_release(read_releases(lakehouse))
    by_name = {t.full_name(): t for t in small.TABLES}
    found = {
        r["table_name"]: rows_of(fingerprint(hold(lakehouse, by_name[r["table_name"]], r["delta_version"])))[0]
        for r in current
    }
    return found, sorted((r["table_name"], r["row_count"], r["content_hash"], r["as_of_date"]) for r in current)


def start_and_kill(point, root, spark):
    """A driver that dies at `point` while it promotes December, with the JVM of these tests as its own.

    The same run has released November before, as a run for two dates does.
    """
    java = spark.sparkContext._gateway.gateway_parameters
    environ = {
        **os.environ,
        VARIABLE: f"kill:{point}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYSPARK_GATEWAY_PORT": str(java.port),
        "PYSPARK_GATEWAY_SECRET": java.auth_token,
    }
    command = [sys.executable, small.__file__, str(root), "run-1", str(root.parent / "december")]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def november(spark, tmp_path_factory):
    """Tables after the release of November, December staged; tests work on copies."""
    root = tmp_path_factory.mktemp("november") / "warehouse"
    small.promote_once(spark, str(root), "run-1", NOVEMBER, 3)
    staged = small.stage(Lakehouse(spark, Storage(root=str(root)), "run-2"), DECEMBER, 5)
    (root.parent / "december").write_bytes(pickle.dumps(staged))
    return root


def copy(november, tmp_path_factory):
    """Tables and what is staged beside them, in a place of their own."""
    place = tmp_path_factory.mktemp("copy")
    shutil.copytree(november.parent, place, dirs_exist_ok=True)
    return place / november.name


@pytest.fixture(scope="module")
def undisturbed(spark, november, tmp_path_factory):
    root = copy(november, tmp_path_factory)
    faults = Faults("record", str(root.parent / "points"))
    lakehouse = Lakehouse(spark, Storage(root=str(root)), "run-2", faults=faults)
    promote(lakehouse, *pickle.loads((root.parent / "december").read_bytes()), small.clock)
    assert sorted((root.parent / "points").read_text().splitlines()) == sorted([*KILLS, *RAISED])
    return contents(lakehouse)


@pytest.fixture(scope="module")
def killed(spark, november, tmp_path_factory):
    """For each point the tables that a driver left behind when it was killed there."""
    roots = {point: copy(november, tmp_path_factory) for point in KILLS}
    drivers = {point: start_and_kill(point, root, spark) for point, root in roots.items()}
    for point, driver in drivers.items():
        _, errors = driver.communicate(timeout=400)
        assert driver.returncode == -signal.SIGKILL, f"{point}: {errors[-2000:]}"
    return roots


@pytest.mark.parametrize("point", KILLS)
def test_a_driver_killed_during_promotion_is_completed_by_the_next_run(spark, november, killed, undisturbed, point):
    lakehouse = Lakehouse(spark, Storage(root=str(killed[point])), "next-run")
    if point != SWITCHED:
        assert contents(lakehouse) == contents(Lakehouse(spark, Storage(root=str(november)), "reader"))
    completed = recover(lakehouse, small.TABLES, small.clock)
    assert (completed is None) == (point == SWITCHED)
    assert contents(lakehouse) == undisturbed
    assert recover(lakehouse, small.TABLES, small.clock) is None


@pytest.mark.parametrize("point", RAISED)
def test_a_promotion_that_fails_anywhere_else_is_completed_too(spark, november, undisturbed, tmp_path_factory, point):
    root = copy(november, tmp_path_factory)
    release, staged = pickle.loads((root.parent / "december").read_bytes())
    lakehouse = Lakehouse(spark, Storage(root=str(root)), "run-1")
    before = contents(lakehouse)
    with pytest.raises(Fault, match=point):
        promote(replace(lakehouse, faults=Faults("raise", point)), release, staged, small.clock)
    assert contents(lakehouse) == before
    later = replace(lakehouse, run_id="run-2")
    completed = recover(later, small.TABLES, small.clock)
    assert (completed is None) == (point == "before overwrite staging.promotions")
    if completed is None:
        promote(later, release, staged, small.clock)
    assert contents(lakehouse) == undisturbed


def test_what_was_written_is_held_against_what_passed_the_gate(spark, tmp_path):
    lakehouse = Lakehouse(spark, Storage(root=str(tmp_path)), "run-1")
    release, staged = small.stage(lakehouse, NOVEMBER, 3)
    wrong = [staged[0].__class__(staged[0].table, staged[0].version, staged[0].row_count, "0"), *staged[1:]]
    with pytest.raises(StrataError, match=r"members\.segment_membership: 43 rows .* passed the gate"):
        promote(lakehouse, release, wrong, small.clock)
    assert read_releases(lakehouse) == []


def cut_short(spark, root, commit):
    """Tables whose promotion has failed behind a commit, the release, and what was staged for it."""
    release, staged = pickle.loads((root.parent / "december").read_bytes())
    lakehouse = Lakehouse(spark, Storage(root=str(root)), "run-1")
    with pytest.raises(Fault):
        promote(replace(lakehouse, faults=Faults("raise", f"after {commit}")), release, staged, small.clock)
    return lakehouse, release, staged


def test_a_promise_that_cannot_be_kept_is_told_with_a_way_out_that_works(
    spark, november, undisturbed, tmp_path_factory
):
    lakehouse, release, staged = cut_short(
        spark, copy(november, tmp_path_factory), "replace members.segment_membership"
    )
    gone = Path(lakehouse.address(staging(staged[1].table)))
    kept = gone.rename(tmp_path_factory.mktemp("gone") / "gone")
    later = replace(lakehouse, run_id="run-2", _ensured=set())
    with pytest.raises(
        StrataError, match=r"release \w{12}, as of 2017-12-31, was cut short and cannot be compl"
    ) as told:
        recover(later, small.TABLES, small.clock)
    step = told.value.problems[0].next_step
    assert f"remove the table {lakehouse.address(promotions)}, then `strata run --as-of 2017-12-31 --force`" in step
    shutil.rmtree(lakehouse.address(promotions))
    assert recover(later, small.TABLES, small.clock) is None
    kept.rename(gone)  # as if staged again
    promote(later, release, staged, small.clock)
    assert contents(lakehouse) == undisturbed


def test_a_promise_of_another_strata_is_left_to_that(spark, november, tmp_path_factory):
    lakehouse, *_ = cut_short(spark, copy(november, tmp_path_factory), "overwrite staging.promotions")
    with pytest.raises(
        ProjectError, match=r"strata 1 has promised release \w{12}, .* know its publish.segment_catalog;"
    ):
        recover(lakehouse, [t for t in small.TABLES if t.full_name() != "publish.segment_catalog"], small.clock)


def test_who_has_lost_the_lease_or_the_book_stops_before_the_switch(spark, november, tmp_path_factory):
    root = copy(november, tmp_path_factory)
    release, staged = pickle.loads((root.parent / "december").read_bytes())
    lakehouse = Lakehouse(spark, Storage(root=str(root)), "run-1")
    before, asked = contents(lakehouse), []

    def lost():
        asked.append(1)
        if len(asked) > len(staged):
            raise WriteConflict("lost")

    with pytest.raises(WriteConflict, match="lost"):
        promote(lakehouse, release, staged, small.clock, lost)
    assert contents(lakehouse) == before

    def released_by_another():
        asked.append(1)
        if len(asked) == 2 * (len(staged) + 1):
            rows = [{**r, "run_id": "another"} for r in read_releases(lakehouse)]
            lakehouse.overwrite(releases, frame_of(spark, releases, rows).coalesce(1))

    with pytest.raises(WriteConflict, match="another run has released meanwhile"):
        promote(lakehouse, release, staged, small.clock, released_by_another)
    assert {r["run_id"] for r in read_releases(lakehouse)} == {"another"}


def test_a_table_that_cannot_take_what_is_staged_is_found_before_anything_is_promised(spark, tmp_path):
    lakehouse = Lakehouse(spark, Storage(root=str(tmp_path)), "run-1")
    _, catalog, _ = small.TABLES
    lakehouse.ensure(extend(catalog, (column(Type.DOUBLE, "Width", nullable=True, name="width"),)))
    other = extend(catalog, (column(Type.STRING, "Width", nullable=True, name="width"),))
    release = Release("r" * 32, NOVEMBER, small.KNOWN_AT, "c" * 32, "1", None)
    with pytest.raises(ProjectError, match="width is double and would become string"):
        promote(lakehouse, release, [Staged(other, 0, 0, "0")], small.clock)
    assert not lakehouse.exists(promotions)


def test_a_backfill_fills_its_slice_and_leaves_catalogue_and_current_release(spark, tmp_path):
    lakehouse = Lakehouse(spark, Storage(root=str(tmp_path)), "reader")
    small.promote_once(spark, str(tmp_path), "run-1", DECEMBER, 5)
    before = contents(lakehouse)
    small.promote_once(spark, str(tmp_path), "run-2", NOVEMBER, 3)
    assert contents(lakehouse) == before
    membership, catalog, _ = small.TABLES
    assert lakehouse.read(membership).where(F.col("as_of_date") == F.lit(NOVEMBER)).count() == 43
    assert lakehouse.read(catalog).count() == 5
    assert Path(lakehouse.address(promotions)).exists()


@pytest.mark.long
@pytest.mark.soak
def test_what_expires_leaves_with_the_commit_that_brings_the_new_slice_and_a_crash_is_completed(spark, tmp_path):
    lakehouse = Lakehouse(spark, Storage(root=str(tmp_path)), "run-1")
    membership, _, audiences = small.TABLES
    sliced = (membership, audiences)
    for day, shape in ((NOVEMBER, 3), (DECEMBER, 5)):
        promote(lakehouse, *small.stage(lakehouse, day, shape), small.clock)
    before, versions = contents(lakehouse), [lakehouse.last_commit(t)[0] for t in sliced]
    release, staged = small.stage(lakehouse, JANUARY, 4)

    dying = replace(lakehouse, faults=Faults("raise", "before overwrite publish.releases"))
    with pytest.raises(Fault, match="before overwrite"):
        promote(dying, replace(release, expires=(NOVEMBER,)), staged, small.clock)
    assert contents(lakehouse) == before
    assert statuses(lakehouse) == {NOVEMBER: {"released"}, DECEMBER: {"released"}}
    assert [lakehouse.last_commit(t)[0] for t in sliced] == [v + 1 for v in versions]
    assert [days_of(lakehouse, t) for t in sliced] == [[DECEMBER, JANUARY]] * 2

    assert recover(replace(lakehouse, run_id="run-2"), small.TABLES, small.clock).expires == (NOVEMBER,)
    assert statuses(lakehouse) == {NOVEMBER: {"expired"}, DECEMBER: {"released"}, JANUARY: {"released"}}
    assert [days_of(lakehouse, t) for t in sliced] == [[DECEMBER, JANUARY]] * 2
    pinned = {r["table_name"]: r["delta_version"] for r in read_releases(lakehouse) if r["as_of_date"] == NOVEMBER}
    assert [days_of(lakehouse, t, pinned[t.full_name()]) for t in sliced] == [[NOVEMBER]] * 2

    promote(lakehouse, *small.stage(lakehouse, NOVEMBER, 3), small.clock)
    assert statuses(lakehouse) == {NOVEMBER: {"superseded", "released"}, DECEMBER: {"released"}, JANUARY: {"released"}}
    assert [days_of(lakehouse, t) for t in sliced] == [[NOVEMBER, DECEMBER, JANUARY]] * 2
    assert {r["as_of_date"] for r in current_release(read_releases(lakehouse))} == {JANUARY}


def statuses(lakehouse):
    """What `releases` says of each day."""
    rows = read_releases(lakehouse)
    return {day: {r["status"] for r in rows if r["as_of_date"] == day} for day in {r["as_of_date"] for r in rows}}


def days_of(lakehouse, table, version=None):
    """The slices of a table, of its newest version or another."""
    return sorted(r["as_of_date"] for r in rows_of(lakehouse.read(table, version).select("as_of_date").distinct()))


def test_a_customer_lies_in_one_row_group_of_a_file(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "ROWS_OF_A_GROUP", 10)
    lakehouse = Lakehouse(spark, Storage(root=str(tmp_path)), "run-1")
    release, staged = small.stage(lakehouse, NOVEMBER, 43)
    promote(lakehouse, release, staged, small.clock)
    assert spark.conf.get("parquet.block.row.count.limit", None) is None
    files = list((tmp_path / "members" / "segment_membership").rglob("*.parquet"))
    assert files
    for file in map(pq.ParquetFile, files):
        ids = file.read(columns=["customer_id"])["customer_id"].to_pylist()
        assert ids == sorted(ids)
        groups = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        assert max(groups) <= 10
