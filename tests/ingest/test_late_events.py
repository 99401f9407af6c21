"""Events that come too late, and days without any: through the real ingest, batch by batch."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from tests.ingest.kit import PURCHASES, Corner, Silent, report_of

from strata.contract.bronze import rejected_rows
from strata.contract.silver import events, quarantine
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.ingest.revisions import valid_rows
from strata.pipeline.ingest import read_books, require_complete

CALLS = PURCHASES.replace("purchases", "calls").replace("mode: append", "mode: append, late_days: 3, every_day: true")
VISITS = PURCHASES.replace("purchases", "visits")
FIRST, SECOND = (datetime(2024, 1, day, 3, tzinfo=UTC) for day in (11, 12))


def on(*days: int, paid: int = 1) -> str:
    """A receipt on each of these days of January."""
    rows = [f"r{day},anna,2024-01-{day:02} 10:00:00,{paid}" for day in days]
    return "\n".join(["receipt,shopper,at,paid", *rows, ""])


def test_late_events_are_quarantined_and_missing_days_must_come(
    corner: Callable[..., Corner], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(Silent, "note", lambda _, text: notes.append(text))
    shop = corner(calls=CALLS, visits=VISITS)
    known = {"lakehouse": shop.lakehouse, "project": shop.project}

    # Nothing is late in the first batch. Two days are missing in both sources, and one has promised them.
    shop.deliver("calls-1.csv", on(8, 9, 1, 10, 2, 3, 5, 4))
    shop.deliver("visits-1.csv", on(5, 8, 9, 10))
    first = shop.ingest(FIRST)
    assert (report_of(first, "calls").rejected, report_of(first, "calls").complete_through) == (0, date(2024, 1, 10))
    assert {f"{source}: no events on 2024-01-06 and 1 more day" for source in ("calls", "visits")} <= set(notes)
    written = [pq.read_table(path)["event_date"].to_pylist() for path in shop.folder.glob("**/silver/events/*.parquet")]
    assert max(map(len, written)) > 1
    assert all(days == sorted(days) for days in written), "readers of a few days skip what lies between"
    require_complete(**known, as_of=date(2024, 1, 5))
    with pytest.raises(InputError) as error:
        require_complete(**known, as_of=date(2024, 1, 10))
    assert error.value.exit_code == 3
    (problem,) = error.value.problems
    assert problem.what == "calls: no events on 2024-01-06, 2024-01-07, but it has `every_day: true`"
    assert problem.next_step == "deliver the days, or remove every_day, or ask for --as-of 2024-01-05"

    # Complete through the 5th, the source may bring the 2nd and what it owes, but not the 1st, corrected or not.
    notes.clear()
    shop.deliver("calls-2.csv", on(2, 6, 7, 11, paid=2) + on(1, paid=3).split("\n", 1)[1] + "late,anna,2023-12-31,4\n")
    second = report_of(shop.ingest(SECOND), "calls")
    assert (second.records, second.accepted, second.rejected) == (6, 4, 2)
    assert second.reasons == {"too_late": 2}
    assert "calls: 6 records, 2 rejected (2 too_late)" in notes
    assert not [note for note in notes if "no events" in note]
    late = sorted((r["row_number"], r["reasons"]) for r in rows_of(shop.read(quarantine)))
    assert late == [(5, ["too_late"]), (6, ["too_late"])]
    assert sorted(r["row_number"] for r in rows_of(shop.read(rejected_rows))) == [5, 6]
    paid = {
        r["event_date"].day: r["amount"]
        for r in rows_of(valid_rows(shop.read(events), events, SECOND))
        if r["source"] == "calls"
    }
    assert paid == {day: Decimal(2 if day in (2, 6, 7, 11) else 1) for day in range(1, 12)}

    # Nothing is missing any more; for what was known before, it still is.
    require_complete(**known, as_of=date(2024, 1, 10))
    with pytest.raises(InputError, match="calls: no events on 2024-01-06, 2024-01-07, but"):
        require_complete(**known, as_of=date(2024, 1, 10), known_at=FIRST)
    days = {b["batch_id"]: b["event_days"] for b in read_books(shop.lakehouse) if b["source"] == "calls"}
    assert days == {
        1: ["2024-01-01..2024-01-05", "2024-01-08..2024-01-10"],
        2: ["2024-01-02..2024-01-02", "2024-01-06..2024-01-07", "2024-01-11..2024-01-11"],
    }
