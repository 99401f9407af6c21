"""One writer at a time, and no lease outlives its holder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from strata.contract.operations import leases
from strata.contract.spark import frame_of, rows_of
from strata.errors import WriteConflict
from strata.storage.leases import hold_lease

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
                WriteConflict, match=r"run test-run .* is writing to this project until 2018-01-01 13:00 UTC"
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
        moment = NOW + timedelta(minutes=30)
        keep()
        assert rows_of(lakehouse.read(leases))[0]["expires_at"] == NOW + timedelta(minutes=90)
        other = replace(lakehouse, run_id="other-run")
        with hold_lease(other, "project", at(NOW + timedelta(hours=3))):
            moment = NOW + timedelta(hours=3)
            with pytest.raises(WriteConflict, match="other-run"):
                keep()
        assert holders(lakehouse) == [None]


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
