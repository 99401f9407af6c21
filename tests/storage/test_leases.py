"""One writer at a time, and no lease outlives its holder."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from types import SimpleNamespace

import pytest
from delta.exceptions import ConcurrentAppendException
from pyspark.sql import functions as F

from strata.contract.operations import leases
from strata.contract.spark import frame_of, rows_of
from strata.errors import WriteConflict
from strata.storage import leases as leases_module
from strata.storage.leases import Patience, hold_lease

NOW = datetime(2018, 1, 1, 12, tzinfo=UTC)


def at(moment):
    return lambda: moment


def held_by(lakehouse, run_id, **of_holder):
    row = {
        "lease": "project",
        "holder": run_id,
        "host": "elsewhere",
        "process": 1,
        "expires_at": NOW + timedelta(hours=1),
    }
    lakehouse.append(leases, frame_of(lakehouse.spark, leases, [row | of_holder]))


def holders(lakehouse):
    return [r["holder"] for r in rows_of(lakehouse.read(leases))]


def test_a_second_run_is_told_who_writes_and_a_third_gets_it_afterwards(lakehouse):
    other = replace(lakehouse, run_id="other-run")
    with hold_lease(lakehouse, "project", at(NOW)):
        with (
            pytest.raises(
                WriteConflict, match=r"run test-run .* is writing to this project \(lease until 2018-01-01 13:20 UTC"
            ),
            hold_lease(other, "project", at(NOW)),
        ):
            pytest.fail("two runs hold one lease")
        assert holders(lakehouse) == ["test-run"]
    with hold_lease(other, "project", at(NOW)):
        assert holders(lakehouse) == ["other-run"]
    assert holders(lakehouse) == [None]


def test_a_lease_is_given_back_after_an_error(lakehouse):
    with pytest.raises(ZeroDivisionError), hold_lease(lakehouse, "project", at(NOW)):
        raise ZeroDivisionError
    assert holders(lakehouse) == [None]


def test_a_long_run_moves_its_lease_on_and_stops_when_another_has_it(lakehouse):
    moment = NOW
    with hold_lease(lakehouse, "project", lambda: moment) as keep:
        moment = NOW + timedelta(minutes=leases_module.MOVED_ON - 1)
        keep()
        assert rows_of(lakehouse.read(leases))[0]["expires_at"] - moment > timedelta(minutes=leases_module.MINUTES)
        moment = NOW + timedelta(minutes=30)
        keep()
        assert rows_of(lakehouse.read(leases))[0]["expires_at"] == NOW + timedelta(minutes=110)
        other = replace(lakehouse, run_id="other-run")
        with hold_lease(other, "project", at(NOW + timedelta(hours=3))):
            moment = NOW + timedelta(hours=3)
            with pytest.raises(WriteConflict, match="other-run"):
                keep()
        assert holders(lakehouse) == [None]


def test_a_lease_that_is_moved_on_while_somebody_takes_it_stays(lakehouse, monkeypatch):
    held_by(lakehouse, "slow-run", expires_at=NOW - timedelta(minutes=1))
    whole = leases_module._merge

    def late(mine_at, *what):
        lakehouse.delta(leases).update(F.lit(True), {"expires_at": F.lit(NOW + timedelta(minutes=80))})
        whole(mine_at, *what)

    monkeypatch.setattr(leases_module, "_merge", late)
    with pytest.raises(WriteConflict, match="run slow-run"), hold_lease(lakehouse, "project", at(NOW)):
        pytest.fail("the lease of a run that lives was taken")
    assert holders(lakehouse) == ["slow-run"]


def test_an_error_is_told_though_the_lease_cannot_be_given_back(lakehouse, monkeypatch):
    def work():
        monkeypatch.setattr(type(lakehouse), "delta", None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), hold_lease(lakehouse, "project", at(NOW)):
        work()


def test_an_expired_lease_of_another_machine_is_taken_and_a_valid_one_is_not(lakehouse):
    held_by(lakehouse, "far-run")
    with pytest.raises(WriteConflict, match="far-run"), hold_lease(lakehouse, "project", at(NOW)):
        pytest.fail("a valid lease was taken")
    with hold_lease(lakehouse, "project", at(NOW + timedelta(hours=2))):
        assert holders(lakehouse) == ["test-run"]


def test_the_lease_of_a_process_of_this_machine_that_is_gone_is_taken_at_once(lakehouse):
    import socket  # noqa: PLC0415

    held_by(lakehouse, "dead-run", host=socket.gethostname(), process=2**22 + 1)
    with hold_lease(lakehouse, "project", at(NOW)):
        assert holders(lakehouse) == ["test-run"]


def test_of_eight_runs_that_find_no_table_one_gets_the_lease_and_all_others_are_told_so(lakehouse):
    meet, done = Barrier(8), Barrier(8)

    def run(number):
        mine = replace(lakehouse, run_id=f"run-{number}", _ensured=set())
        meet.wait(60)
        try:
            with hold_lease(mine, "project", at(NOW)):
                done.wait(60)
                return "held"
        except WriteConflict as conflict:
            done.wait(60)
            return conflict.exit_code
        except Exception:
            done.abort()
            raise

    with ThreadPoolExecutor(8) as pool:
        assert sorted(map(str, pool.map(run, range(8)))) == ["5"] * 7 + ["held"]
    assert holders(lakehouse) == [None]


def test_who_waits_is_told_once_and_gets_the_lease_when_it_is_given_back(lakehouse, monkeypatch):
    monkeypatch.setattr(leases_module, "PAUSE_SECONDS", 0)
    told, moments = [], iter(NOW + timedelta(minutes=n) for n in range(99))
    held_by(lakehouse, "other-run")
    with (
        pytest.raises(WriteConflict, match="other-run"),
        hold_lease(lakehouse, "project", lambda: next(moments), Patience(4, told.append)),
    ):
        pytest.fail("the lease of another was taken")
    assert len(told) == 1
    assert told[0].startswith("waiting for at most 4 minutes: run other-run (process 1 on elsewhere) is writing")
    assert told[0].endswith("longer while it works)"), "what to do next is for those who do not wait"
    moments = iter(NOW + timedelta(minutes=n) for n in range(99))
    with hold_lease(lakehouse, "project", lambda: next(moments), Patience(90, told.append)):
        assert holders(lakehouse) == ["test-run"], "the other's time was over"


def test_a_lease_is_given_back_though_another_one_of_the_table_changes_hands(lakehouse):
    other = replace(lakehouse, run_id="other-run")
    with hold_lease(lakehouse, "project", at(NOW)):
        handle = lakehouse.delta(leases)
        changed = []

        def update(condition, values):
            if not changed:
                changed.append(1)
                raise ConcurrentAppendException("another commit")
            return handle.update(condition, values)

        stubborn = replace(lakehouse)
        object.__setattr__(stubborn, "delta", lambda table: SimpleNamespace(update=update))
        leases_module._set(stubborn, "project", {"holder": F.lit(None)})
    assert changed == [1]
    assert holders(other) == [None]
