"""What is measured of the input, by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

from strata.contract.silver import events
from strata.contract.spark import frame_of, rows_of
from strata.quality.arrivals import event_metrics, measure_events

DAY = date(2024, 10, 8)


def _event(n: int, **more):
    row = {
        "event_id": f"{n:032x}", "revision": 1, "is_deleted": False, "customer_id": f"{n % 2:032x}",
        "occurred_at": datetime(2024, 10, 8, 6 + n, tzinfo=UTC), "event_date": DAY, "event_type": "call",
        "source": "usage", "ingested_at": datetime(2024, 10, 9, tzinfo=UTC), "batch_id": 1,
    }  # fmt: skip
    return {**dict.fromkeys(map(str, events.columns)), **row, **more}


def test_kinds_of_events_are_measured_by_hand_made_rows(spark) -> None:
    rows = [
        _event(1, channel="app", amount=Decimal("1.00"), duration_s=10),
        _event(2, channel="app", amount=Decimal("2.50"), duration_s=20),
        _event(3, channel="web", duration_s=60, product_id="p1", event_date=date(2024, 10, 7)),
        _event(4, is_deleted=True, channel="app"),
        _event(5, event_type="message", value_number=float("nan")),
    ]
    measured = rows_of(measure_events(frame_of(spark, events, rows), DAY))
    found = {(m["metric"], m["dimension"]): m["value"] for m in event_metrics(measured, 2)}
    call = {key: value for key, value in found.items() if key[1].startswith("usage/call") and value not in (0, 1)}
    assert call == {
        ("events", "usage/call"): 1.5,
        ("customers", "usage/call"): 2.0,
        ("hour", "usage/call"): 8.0,
        ("share", "usage/call channel=app"): 2 / 3,
        ("share", "usage/call channel=web"): 1 / 3,
        ("null_share", "usage/call amount"): 1 - 2 / 3,
        ("null_share", "usage/call product_id"): 1 - 1 / 3,
        ("mean", "usage/call amount"): 1.75,
        ("mean", "usage/call duration_s"): 30.0,
    }
    assert found["null_share", "usage/call duration_s"] == 0
    assert found["null_share", "usage/call place_id"] == 1
    assert ("distinct", "usage/call product_id") not in found, "of the last day, which has none"
    assert found["events", "usage/message"] == 0.5
    assert found["mean", "usage/message value_number"] is None, "what is no number is left out"
    assert {m["table_name"] for m in event_metrics(measured, 2)} == {"silver.events"}


def test_without_events_there_is_nothing_to_measure(spark) -> None:
    assert event_metrics(rows_of(measure_events(frame_of(spark, events, []), DAY)), 1) == []
