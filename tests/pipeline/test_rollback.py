"""What comes back with a release, who does not, and what a crash on the way leaves."""

import io
import shutil
from dataclasses import replace

import pytest
from pyspark.sql import functions as F
from tests.pipeline import going_back as world
from tests.pipeline.going_back import FIRST, RELEASES, SECOND, ZERO, numbers

from strata.console import Console
from strata.contract.audience_changes import audience_changes, audience_refusals
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.published import customer_segments, segment_catalog, segment_membership
from strata.contract.spark import rows_of
from strata.errors import ProjectError, StrataError
from strata.pipeline import rollback
from strata.pipeline.rollback import roll_back
from strata.project.models import Storage
from strata.publish.release import current_release
from strata.storage import promotion
from strata.storage.fingerprints import fingerprint
from strata.storage.held import hold, rows_held
from strata.storage.promotion import read_releases, recover
from strata.storage.tables import Lakehouse


@pytest.fixture(scope="module")
def before(spark, tmp_path_factory):
    """The tables of three releases in a folder; tests work on copies."""
    root = tmp_path_factory.mktemp("before") / "warehouse"
    world.released(Lakehouse(spark, Storage(str(root)), "run-1"))
    return root


@pytest.fixture
def copy(spark, before, tmp_path):
    shutil.copytree(before, tmp_path / "copy")
    return Lakehouse(spark, Storage(str(tmp_path / "copy")), "run-2")


@pytest.fixture(scope="module")
def back(spark, before, tmp_path_factory):
    """After the rollback from the third release to the second, with what it printed."""
    root = tmp_path_factory.mktemp("back") / "warehouse"
    shutil.copytree(before, root)
    lakehouse = Lakehouse(spark, Storage(str(root)), "run-2")
    return lakehouse, world.go_back(lakehouse)


def slice_of(lakehouse, table, day=FIRST, version=None):
    return rows_of(lakehouse.read(table, version).where(F.col("as_of_date") == F.lit(day)))


def test_the_release_is_current_again_and_later_dates_have_left(back):
    lakehouse, said = back
    current = current_release(read_releases(lakehouse))
    assert {(r["release_id"], r["sequence"], r["kind"]) for r in current} == {("b" * 32, 4, "rollback")}
    assert f"Release {'b' * 12} is current: as of {FIRST}, 7 tables" in said
    assert f"{SECOND} left the published tables" in said
    for table in world.TABLES:
        days = {r["as_of_date"] for r in rows_held(lakehouse, table)} if table.slice_by else set()
        assert SECOND not in days
        assert not table.slice_by or table is audience_refusals or days == {ZERO, FIRST}
    assert {r["release_id"] for r in rows_held(lakehouse, segment_catalog)} == {"b" * 32}
    version = {r["table_name"]: r["delta_version"] for r in current}
    for table in world.TABLES:
        pinned = rows_of(fingerprint(hold(lakehouse, table, version[table.full_name()])))
        assert pinned == rows_of(fingerprint(hold(lakehouse, table, None)))


def test_where_nobody_is_taken_out_what_is_in_place_is_not_written_again_and_all_is_as_it_was(copy):
    world.say_nothing(copy)
    said = world.go_back(copy)
    assert "taken out" not in said
    book = {(r["sequence"], r["table_name"]): (r["row_count"], r["content_hash"]) for r in read_releases(copy)}
    names = [t.full_name() for t in world.TABLES]
    assert [book[4, name] for name in names] == [book[2, name] for name in names]
    metrics = copy.delta(segment_membership).history(1).first()["operationMetrics"]
    assert int(metrics.get("numOutputRows", 0)) == 0


@pytest.mark.long
@pytest.mark.soak
def test_what_somebody_has_deleted_in_place_comes_from_the_version_that_has_it(copy):
    world.say_nothing(copy)
    copy.delta(segment_membership).delete(f"as_of_date = '{FIRST}' AND segment = 'a'")
    assert world.go_back(copy)
    book = {(r["sequence"], r["table_name"]): (r["row_count"], r["content_hash"]) for r in read_releases(copy)}
    name = segment_membership.full_name()
    assert book[4, name] == book[2, name]
    assert len(slice_of(copy, segment_membership)) == book[2, name][0]


def test_what_no_version_has_any_more_is_said_before_anything_is_promised(copy, monkeypatch):
    world.say_nothing(copy)
    wrong = [
        {**r, "content_hash": "0" * 16} if r["table_name"] == segment_catalog.full_name() else r
        for r in read_releases(copy)
    ]
    monkeypatch.setattr(rollback, "read_releases", lambda _: wrong)
    old = world.told(copy)
    with pytest.raises(StrataError, match=r"publish\.segment_catalog: version \d+ has \d+ rows .* nothing is changed"):
        world.go_back(copy)
    monkeypatch.undo()
    assert world.told(copy) == old
    assert recover(copy, world.TABLES, lambda: world.NOW) is None


def test_nobody_is_readmitted_who_has_objected_withdrawn_or_been_erased(back):
    lakehouse, said = back
    assert numbers(slice_of(lakehouse, audience_membership)) == {0, 1}
    assert numbers(slice_of(lakehouse, customer_segments)) == {0, 1, 3, 4}
    assert {world.ERASED, world.OBJECTS_TO_ALL} & numbers(slice_of(lakehouse, segment_membership)) == set()
    assert [r["customers"] for r in slice_of(lakehouse, audience_catalog)] == [2]
    assert "taken out: 2 customers who object to profiling by now, or are erased" in said
    assert "taken out of audiences, not eligible any more: 4 of a" in said


def test_the_differences_lead_to_the_members_that_are_left(back):
    lakehouse, _ = back
    changes = slice_of(lakehouse, audience_changes)
    added, removed = (numbers(r for r in changes if r["change"] == change) for change in ("added", "removed"))
    assert (numbers(slice_of(lakehouse, audience_membership, ZERO)) | added) - removed == {0, 1}
    assert (added, removed) == ({1}, {world.OBJECTS, world.OBJECTS_TO_ALL})
    assert {r["reason"] for r in changes if r["change"] == "removed"} == {"not eligible"}
    why = {int(r["customer_id"], 16): r["reason"] for r in slice_of(lakehouse, audience_refusals)}
    assert why == {world.OBJECTS: "objection", world.OBJECTS_TO_ALL: "objection to profiling"}


def test_a_crash_on_the_way_leaves_the_old_release_and_the_next_run_completes_the_rollback(back, copy, monkeypatch):
    whole, old = promotion._promote_table, world.told(copy)

    def die(lakehouse, staged, release, keep_lease, **how):
        if staged.table.full_name() == segment_catalog.full_name():
            raise OSError("the machine is gone")
        return whole(lakehouse, staged, release, keep_lease, **how)

    monkeypatch.setattr(promotion, "_promote_table", die)
    with pytest.raises(OSError, match="the machine is gone"):
        world.go_back(copy)
    assert world.told(copy) == old
    monkeypatch.undo()
    completed = recover(replace(copy, run_id="run-3"), world.TABLES, lambda: world.NOW)
    assert (completed.release_id, completed.is_rollback, completed.withdraws) == ("b" * 32, True, (SECOND,))
    assert world.told(copy) == world.told(back[0])
    assert recover(copy, world.TABLES, lambda: world.NOW) is None


@pytest.mark.long
@pytest.mark.soak
def test_what_was_taken_back_can_come_back_from_its_versions(back, tmp_path):
    lakehouse, _ = back
    shutil.copytree(lakehouse.storage.root, tmp_path / "again")
    again = replace(lakehouse, storage=Storage(str(tmp_path / "again")), run_id="run-4", _ensured=set())
    world.go_back(again, "c")
    assert {(r["sequence"], r["as_of_date"]) for r in current_release(read_releases(again))} == {(5, SECOND)}
    assert numbers(slice_of(again, audience_membership, SECOND)) == {1}
    assert len(slice_of(again, segment_membership, SECOND)) == 43 - 2
    assert len(slice_of(again, segment_membership, FIRST)) == 43 - 2


def test_an_audience_for_a_purpose_that_is_gone_is_refused_and_nothing_is_touched(copy):
    run, old = world.run_on(copy), world.told(copy)
    run.project.privacy.purposes = run.project.privacy.purposes[1:]
    with pytest.raises(ProjectError, match=r"audience a was released for the purpose email, which privacy\.yml has no"):
        roll_back(run, "bb", Console(io.StringIO()))
    with pytest.raises(ProjectError, match="cannot be brought back: it is current already"):
        roll_back(run, "c", Console(io.StringIO()))
    assert world.told(copy) == old
    assert RELEASES[SECOND].release_id == "c" * 32
