"""From bronze rows to silver rows and reasons, by YAML alone."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Column, SparkSession
from tests.ingest.kit import FEBRUARY, KEY, PURCHASES, Corner

from strata.contract.spark import frame_of, rows_of
from strata.ingest.identity import key_frame
from strata.ingest.landing import bronze_table
from strata.ingest.mapping import Batch, key_unknown, map_records, source_ids
from strata.ingest.records import as_list, make_records
from strata.project.landed import UNREADABLE

Maker = Callable[..., Corner]

CALLS = """
source: calls
description: Billing
feeds: events
read: {format: csv, path: "${landing}/calls*.csv", delimiter: ";", encoding: windows-1251}
schema: {id: STRING, msisdn: STRING, begun: STRING, seconds: BIGINT, sum: MONEY, how: STRING, operator: STRING}
delivery: {mode: append}
key: [id]
event_type: "case when seconds > 0 then 'call' else 'missed' end"
columns:
  customer_id: {from: msisdn, identity: msisdn}
  occurred_at: {from: begun, type: local, zone: Europe/Kyiv, format: dd.MM.yyyy HH:mm}
  duration_s:  {from: seconds}
  amount:      {from: sum}
  list_amount: {value: "sum + sum"}
  channel:     {from: how, map: {1: app, 2: kiosk}}
extra:
  operator: {from: operator, type: STRING, description: Operator}
reject:
  - {reason: too_long, when: "duration_s > 86400"}
"""


A_BATCH = Batch(7, FEBRUARY)


def mapped(corner: Corner, rows: list[dict[str, Any]], batch: Batch = A_BATCH, **more: Column) -> list[dict[str, Any]]:
    """Rows of bronze, numbered in this order, through the mapping of the project's first source."""
    project = corner.project
    source = project.sources[0]
    bronze = bronze_table(source)
    trace = {"file_path": "/in/a", "file_hash": "f" * 64, "batch_id": batch.batch_id}
    blank = dict.fromkeys(map(str, bronze.columns))
    frame = frame_of(corner.spark, bronze, [{**blank, **trace, "row_number": i + 1, **r} for i, r in enumerate(rows)])
    records = make_records(frame, source, bronze)
    made = map_records(records, source, project, batch, key_frame(corner.spark, KEY)).withColumns(more)
    made = made.withColumn("reasons", as_list(made["reasons"]))
    return sorted(rows_of(made), key=lambda r: (r["row_number"], r["record"]))


def call(**more: str | None) -> dict[str, str | None]:
    good = {"id": "c1", "msisdn": "+380 50 123 45 67", "begun": "15.01.2024 00:30", "seconds": "60", "sum": "1.5",
            "how": "1", "operator": " "}  # fmt: skip
    return {**good, **more}


@pytest.fixture
def calls(corner: Maker) -> Corner:
    return corner(calls=CALLS)


def test_a_row_becomes_what_the_yaml_says(calls: Corner) -> None:
    (row,) = mapped(calls, [call()])
    customer = hmac.new(KEY, b"380501234567", hashlib.sha256).hexdigest()[:32]
    assert {name: value for name, value in row.items() if name not in ("file_hash", "event_id")} == {
        "customer_id": customer,
        "occurred_at": datetime(2024, 1, 14, 22, 30, tzinfo=UTC),
        "event_date": date(2024, 1, 15),
        "event_type": "call",
        "duration_s": 60,
        "amount": Decimal("1.50"),
        "list_amount": Decimal("3.00"),
        "channel": "app",
        "operator": None,
        "currency": "UAH",
        "is_deleted": False,
        "source": "calls",
        "ingested_at": FEBRUARY,
        "batch_id": 7,
        "file_path": "/in/a",
        "row_number": 1,
        "record": "row",
        "reasons": [""],
    }
    assert row["event_id"] == hmac.new(KEY, b"calls|2:c1", hashlib.sha256).hexdigest()[:32]


def test_every_reason_against_a_row_is_told(calls: Corner) -> None:
    bad = [
        (call(seconds="1 min"), ["seconds_not_bigint"]),
        (call(sum="1,50"), ["sum_not_money"]),
        (call(sum="1.505"), ["sum_more_than_2_decimals"]),
        (call(how="3"), ["how_unmapped"]),
        (call(msisdn=" "), ["customer_id_missing"]),
        (call(msisdn="3.8E11"), ["customer_id_malformed"]),
        (call(id=""), ["key_missing"]),
        (call(begun="2024-01-15 10:00"), ["begun_not_instant", "occurred_at_missing", "event_date_missing"]),
        (call(begun="15.01.0024 10:00"), ["occurred_at_before_1990"]),
        (call(seconds="90000"), ["too_long"]),
        (call(operator="Ки\ufffdв"), ["row_undecodable"]),
        (call(seconds="x", how="9", id=None), ["seconds_not_bigint", "how_unmapped", "key_missing"]),
        ({"id": "c1", "how": "9", UNREADABLE: "c1;9"}, ["row_unreadable"]),
        (call(how=None, seconds=None, sum=None), [""]),
    ]
    found = [sorted(r["reasons"]) for r in mapped(calls, [row for row, _ in bad])]
    assert found == [sorted(reasons) for _, reasons in bad]


@pytest.mark.parametrize(
    ("local", "utc", "day"),
    [
        ("31.03.2024 02:59", "2024-03-31 00:59", date(2024, 3, 31)),
        ("31.03.2024 03:30", "2024-03-31 01:30", date(2024, 3, 31)),  # skipped in spring: 04:30 summer time
        ("27.10.2024 03:30", "2024-10-27 00:30", date(2024, 10, 27)),  # comes twice in autumn: the first
        ("27.10.2024 04:00", "2024-10-27 02:00", date(2024, 10, 27)),
        ("31.12.2023 23:59", "2023-12-31 21:59", date(2023, 12, 31)),
    ],
)
def test_local_time_is_read_in_its_zone(calls: Corner, local: str, utc: str, day: date) -> None:
    (row,) = mapped(calls, [call(begun=local)])
    assert (f"{row['occurred_at']:%Y-%m-%d %H:%M}", row["event_date"]) == (utc, day)


def test_a_local_time_that_names_a_zone_is_refused(corner: Maker) -> None:
    text = PURCHASES.replace("{from: at, type: instant}", "{from: at, type: local, zone: Europe/Kyiv}")
    rows = [
        {"receipt": "r", "shopper": "s", "at": at, "paid": "1"} for at in ("2024-01-15T10:00:00Z", "2024-01-15 10:00")
    ]
    found = mapped(corner(purchases=text), rows)
    assert [r["reasons"] for r in found] == [["at_not_local"], [""]]
    assert found[1]["occurred_at"] == datetime(2024, 1, 15, 8, tzinfo=UTC)


def test_a_day_that_names_a_zone_is_refused_where_it_would_be_shifted(corner: Maker) -> None:
    days = PURCHASES.replace("type: instant", "type: date")
    rows = [
        {"receipt": "r", "shopper": "s", "at": at, "paid": "1"} for at in ("2024-01-15T00:00:00+02:00", "2024-01-15")
    ]
    found = mapped(corner(purchases=days), rows)
    assert [r["reasons"] for r in found] == [["at_not_date"], [""]]
    assert found[1]["event_date"] == date(2024, 1, 15)


TWICE = (
    "{from: how, map: {1: app, 2: kiosk}}",
    "{from: how, map: {1: app, 2: kiosk}}\n  device_class: {from: how, map: {1: phone, 3: till}}",
)


def test_a_column_that_feeds_two_must_be_known_to_both(corner: Maker) -> None:
    made = mapped(corner(calls=CALLS.replace(*TWICE)), [call(how=code) for code in "1234"])
    assert [r["reasons"] for r in made] == [[""], ["how_unmapped"], ["how_unmapped"], ["how_unmapped"]]


def test_a_rejected_record_may_be_any_row_when_its_key_is_not_certain(corner: Maker) -> None:
    by_person = corner(calls=CALLS.replace("key: [id]", "key: [id, msisdn, seconds]"))
    unsure = [
        call(id=""),
        call(seconds="1 min"),
        call(msisdn="3.8E11"),
        call(operator="Ки\ufffdв"),
        {**call(), UNREADABLE: "c1;9"},
    ]
    certain = [call(), call(how="3"), call(seconds="90000"), call(begun="someday")]
    made = mapped(by_person, [*unsure, *certain], unsure=key_unknown(["event_id"]))
    assert [r["unsure"] for r in made] == [True] * len(unsure) + [False] * len(certain)


def test_a_day_is_never_shifted(corner: Maker) -> None:
    days = PURCHASES.replace("type: instant", "type: date").replace("at: INSTANT", "at: DATE")
    (row,) = mapped(corner(purchases=days), [{"receipt": "r", "shopper": "s", "at": "2024-01-15", "paid": "1"}])
    assert (row["occurred_at"], row["event_date"]) == (datetime(2024, 1, 15, tzinfo=UTC), date(2024, 1, 15))


def test_keys_that_read_alike_are_not_alike(corner: Maker) -> None:
    two_parts = PURCHASES.replace("key: [receipt]", "key: [receipt, paid, shopper]")
    rows = [
        ("1", "12.00", "s"),
        ("11", "2.00", "s"),
        ("1", "12.00", " s"),
        ("1|5:12.00", "1.00", "s"),
        ("1", "12", "s"),
    ]
    made = mapped(corner(purchases=two_parts), [
        {"receipt": receipt, "paid": paid, "shopper": shopper, "at": "2024-01-15"} for receipt, paid, shopper in rows
    ])  # fmt: skip
    ids = [r["event_id"] for r in made]
    assert ids[0] == ids[2] == ids[4]
    assert len(set(ids)) == 3


SURVEY = """
source: survey
description: A sheet with a column per question
feeds: events
read: {format: csv, path: "${landing}/survey*.csv"}
schema: {person: STRING, day: DATE, q1_price: DOUBLE, q2_health: DOUBLE}
unpivot: {columns: [q1_price, q2_health], name: question, value: answer}
delivery: {mode: append}
key: [person, question]
event_type: "'answer'"
columns:
  customer_id:  {from: person, identity: plain}
  occurred_at:  {from: day, type: date}
  value_text:   {from: question}
  value_number: {from: answer}
reject:
  - {reason: off_scale, when: "value_number > 5"}
"""


def test_a_wide_sheet_becomes_a_record_per_answer(corner: Maker) -> None:
    rows = [
        {"person": "a", "day": "2024-01-15", "q1_price": "5", "q2_health": "4.5"},
        {"person": "b", "day": "2024-01-15", "q1_price": " ", "q2_health": "9"},
        {"person": "c", "day": "2024-01-15", "q1_price": None, "q2_health": None},
        {"person": "d", "day": "someday", "q1_price": "high", "q2_health": "1"},
        {"person": "e", UNREADABLE: "e"},
    ]
    made = mapped(corner(survey=SURVEY), rows)
    assert [(r["row_number"], r["record"], r["value_text"], r["value_number"], r["reasons"]) for r in made] == [
        (1, "q1_price", "q1_price", 5.0, [""]),
        (1, "q2_health", "q2_health", 4.5, [""]),
        (2, "q2_health", "q2_health", 9.0, ["off_scale"]),
        (4, "q1_price", "q1_price", None,
         ["day_not_date", "q1_price_not_double", "occurred_at_missing", "event_date_missing"]),
        (4, "q2_health", "q2_health", 1.0, ["day_not_date", "occurred_at_missing", "event_date_missing"]),
        (5, "row", "row", None, ["row_unreadable"]),
    ]  # fmt: skip
    assert len({r["event_id"] for r in made[:4]}) == 4


def test_values_that_a_contract_does_not_allow_are_refused(corner: Maker) -> None:
    text = """
    source: members
    description: Members
    feeds: customers
    read: {format: csv, path: "${landing}/members*.csv"}
    schema: {id: STRING, since: DATE, status: STRING, children: BIGINT}
    delivery: {mode: append}
    key: [id]
    columns:
      customer_id:    {from: id, identity: plain}
      valid_from:     {from: since, type: date}
      status:         {from: status}
      children_count: {from: children}
    """
    rows = [("active", "0"), ("sleeping", "0"), (None, "-1"), (None, None)]
    made = mapped(corner(members=text), [
        {"id": "a", "since": "2024-01-01", "status": status, "children": children} for status, children in rows
    ])  # fmt: skip
    assert [r["reasons"] for r in made] == [[""], ["status_unexpected"], ["children_count_out_of_range"], [""]]


def test_the_ids_of_a_source_are_told_once_and_only_where_they_can_be_ids(calls: Corner, spark: SparkSession) -> None:
    source = calls.project.sources[0]
    bronze = bronze_table(source)
    ids = ["+380501234567", "380501234567", "3.8E11", "", None]
    blank = {**dict.fromkeys(map(str, bronze.columns)), "file_path": "", "file_hash": "", "batch_id": 1}
    frame = frame_of(spark, bronze, [{**blank, "row_number": i, "msisdn": text} for i, text in enumerate(ids)])
    found = source_ids(make_records(frame, source, bronze), source)
    assert found is not None
    assert rows_of(found) == [{"source_id": "380501234567"}]
