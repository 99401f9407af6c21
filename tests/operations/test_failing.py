"""Runs that fail: what their log says afterwards, and what `strata status` tells. No person is named anywhere."""

import json

import polars as pl
import pytest
from tests.operations.tiny import CUSTOMERS, FIRST, tiny_shop

pytestmark = pytest.mark.long
IMPOSSIBLE = """
checks:
  - {check: nobody_spends, table: members.customer_features, expect: expect_column_values_to_be_between,
     with: {column: spend_28d, max_value: 1}, severity: fail}
"""


@pytest.fixture(scope="module")
def told(spark, tmp_path_factory):
    """A date that is not reached, a gate that closes; with what each printed."""
    shop = tiny_shop(tmp_path_factory.mktemp("failing") / "tiny", days=1)
    early = shop.run(FIRST.replace(month=4))
    shop.write("quality.yml", IMPOSSIBLE)
    closed = shop.run(FIRST, "--log", "json")
    return shop, (early, closed)


def test_each_run_ends_with_a_row_that_says_how(told):
    shop, said = told
    assert [s.code for s in said] == [3, 4], [s.out + s.err for s in said]
    ends = shop.read("publish/run_log").filter(pl.col("stage") == "end").sort("started_at")
    assert ends["exit_code"].to_list() == [3, 4]
    assert "2024-03-01" in ends["error"][0]
    assert "nobody_spends" in ends["error"][1]
    failed = shop.read("publish/run_log").filter(pl.col("exit_code") == 4).sort("started_at")
    assert failed["stage"].to_list() == ["gate", "end"]


def test_a_log_of_json_has_a_line_per_stage_and_no_person(told):
    shop, (_, closed) = told
    found = [json.loads(line) for line in closed.out.splitlines()]
    stages = [line["stage"] for line in found if line["event"] == "stage"]
    assert stages[-1] == "gate"
    assert len(stages) == len(set(stages)) > 5
    assert found[-1]["event"] == "end"
    assert {line["exit_code"] for line in found if "exit_code" in line} == {4}
    assert len({line["run_id"] for line in found}) == 1
    (error,) = map(json.loads, closed.err.splitlines())
    assert (error["event"], error["exit_code"]) == ("error", 4)
    people = set(shop.read("restricted/identity_vault")["customer_id"])
    assert len(people) == CUSTOMERS
    assert not [person for person in people if person in closed.out + closed.err]


def test_status_tells_how_they_ended_without_spark(told, monkeypatch):
    shop, _ = told
    monkeypatch.setattr("strata.storage.session.open_session", None)
    said = shop.strata("status")
    assert said.code == 0, said.err
    assert "nothing is released yet" in said.out
    assert said.out.index("the gate closed: ") < said.out.index("input: ")
