"""Corrections are new rows, and what was known stays what was known."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from strata.contract.columns import Column, Table, Type, column
from strata.contract.silver import consents, customers, events, products
from strata.contract.spark import frame_of, rows_of
from strata.ingest.revisions import (
    CHANGED,
    FEW_KEYS,
    Arrival,
    closings,
    compare,
    first_revisions,
    key_of,
    known_by,
    reopenings,
    repeated_keys,
    revise,
    valid_rows,
    with_keys_in,
    with_keys_not_in,
)  # fmt: skip

DAY = date(2024, 2, 1)
APPEND, SNAPSHOT = Arrival("append", DAY), Arrival("snapshot", DAY)
UNDATED = Arrival("snapshot", DAY, opens_on=date(2023, 1, 1))
THEN, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
_TEXT, _NUMBER = (column(kind, "") for kind in (Type.STRING, Type.BIGINT))
TRACE: tuple[Column, ...] = (
    _TEXT.named("file_path"), _TEXT.named("file_hash"), _NUMBER.named("row_number"), _TEXT.named("record"),
)  # fmt: skip


def incoming(spark: SparkSession, table: type[Table], rows: Sequence[dict[str, Any]]) -> DataFrame:
    """Delivered rows in this order, in files of two rows, shuffled on the way to Spark."""
    own = [column(c.type, "", nullable=True, name=str(c)) for c in table.columns if c != "revision"]
    shape = type(table.__name__, (), {"columns": (*own, *TRACE)})
    common = {"source": "shop", "is_deleted": False, "ingested_at": NOW, "batch_id": 2, "record": "row"}
    full = [
        {**dict.fromkeys(map(str, shape.columns)), **common,
         "file_path": f"f{i // 2}", "file_hash": f"h{i // 2}", "row_number": i % 2 + 1, **row}
        for i, row in enumerate(rows)
    ]  # fmt: skip
    return frame_of(spark, shape, full[::-1]).repartition(3)  # type: ignore[arg-type]


def existing(spark: SparkSession, table: type[Table], rows: Sequence[dict[str, Any]]) -> DataFrame:
    common = {"source": "shop", "is_deleted": False, "ingested_at": THEN, "batch_id": 1, "revision": 1}
    return frame_of(spark, table, [{**dict.fromkeys(map(str, table.columns)), **common, **row} for row in rows])


def product(name: str | None, **more: Any) -> dict[str, Any]:
    return {"product_id": "p1", "name": name, **more}


@pytest.mark.parametrize(
    ("before", "delivered", "gained"),
    [
        ([], "A", [("A", 1)]),
        ([], "AA", [("A", 1)]),
        ([], "AABA", [("A", 1), ("B", 2), ("A", 3)]),
        ([product("A")], "A", []),
        ([product("A")], "B", [("B", 2)]),
        ([product("A")], "ABB", [("B", 2)]),
        ([product("A"), product("B", revision=2)], "A", [("A", 3)]),
        ([product("A"), product("A", revision=2, is_deleted=True)], "A", [("A", 3)]),
        ([product(None)], "A", [("A", 2)]),
    ],
)
def test_a_key_gains_a_revision_for_each_new_content_in_the_order_of_delivery(
    spark: SparkSession, before: list[dict[str, Any]], delivered: str, gained: list[tuple[str, int]]
) -> None:
    older = existing(spark, products, before) if before else None
    made = rows_of(revise(incoming(spark, products, [product(name) for name in delivered]), older, products, APPEND))
    assert sorted((r["revision"], r["name"]) for r in made) == [(revision, name) for name, revision in gained]
    assert all(r["batch_id"] == 2 for r in made)


def test_the_short_way_gives_what_the_long_way_gives(spark: SparkSession) -> None:
    delivered = incoming(
        spark, products,
        [{"product_id": f"p{i % 40}", "name": "B" if i > 47 else "A"} for i in range(50)],
    )  # fmt: skip
    older = existing(spark, products, [{"product_id": f"p{i}", "name": "A" if i % 3 else "C"} for i in range(20, 60)])
    keys = known_by(products, APPEND)
    repeated = repeated_keys(delivered, older, keys)
    assert repeated.count() == 30  # ten came twice, twenty were there
    alone = first_revisions(with_keys_not_in(delivered, repeated, keys), APPEND).drop(*map(str, TRACE))
    again = with_keys_in(delivered, repeated, keys)
    short = alone.drop(CHANGED).unionByName(revise(again, with_keys_in(older, repeated, keys), products, APPEND))
    long = revise(delivered, older, products, APPEND)
    assert sorted(map(tuple, short.select(*long.columns).collect())) == sorted(map(tuple, long.collect()))


def test_unchanged_rows_are_told_by_file(spark: SparkSession) -> None:
    delivered = incoming(spark, products, [product("A"), product("A"), product("B"), product("B")])
    made = rows_of(compare(delivered, None, products, APPEND).filter(f"not {CHANGED}"))
    assert sorted((r["file_hash"], r["row_number"]) for r in made) == [("h0", 2), ("h1", 2)]


def shopper(customer: str, sex: str | None, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "sex": sex, **more}


def test_an_undated_profile_opens_with_the_project_and_a_changed_one_on_the_day_it_came(spark: SparkSession) -> None:
    older = existing(
        spark, customers,
        [
            shopper("same", "f", valid_from=date(2023, 1, 1)),
            shopper("changed", "f", valid_from=date(2023, 1, 1)),
            shopper("twice", "f", valid_from=date(2023, 1, 1)),
            shopper("twice", "m", valid_from=DAY),
        ],
    )  # fmt: skip
    delivered = [shopper("same", "f"), shopper("changed", "m"), shopper("twice", "f"), shopper("new", "f")]
    made = rows_of(revise(incoming(spark, customers, delivered), older, customers, UNDATED))
    assert sorted((r["customer_id"], r["valid_from"], r["revision"], r["sex"]) for r in made) == [
        ("changed", DAY, 1, "m"),
        ("new", date(2023, 1, 1), 1, "f"),
        ("twice", DAY, 2, "f"),
    ]


def test_a_snapshot_without_a_row_deletes_it_but_not_a_rejected_one(spark: SparkSession) -> None:
    older = existing(
        spark, products,
        [
            {"product_id": "kept", "name": "A"},
            {"product_id": "gone", "name": "A"},
            {"product_id": "gone", "name": "B", "revision": 2},
            {"product_id": "gone long ago", "is_deleted": True},
        ],
    )  # fmt: skip
    delivered = incoming(spark, products, [{"product_id": "kept", "name": None}])
    made = rows_of(closings(older, delivered, products, SNAPSHOT))
    assert [(r["product_id"], r["revision"], r["is_deleted"], r["name"]) for r in made] == [("gone", 3, True, "B")]


def test_a_customer_missing_in_a_snapshot_is_unknown_from_that_day_on(spark: SparkSession) -> None:
    first = date(2023, 1, 1)
    older = existing(
        spark, customers,
        [
            shopper("kept", "f", valid_from=first),
            shopper("profile", "f", valid_from=first),
            shopper("member", "m", valid_from=first, status="active"),
            shopper("left", None, valid_from=first, status="former"),
            shopper("today", "m", valid_from=DAY),
        ],
    )  # fmt: skip
    made = rows_of(closings(older, incoming(spark, customers, [shopper("kept", "f")]), customers, UNDATED))
    told = sorted((r["customer_id"], r["valid_from"], r["revision"], r["sex"], r["status"]) for r in made)
    assert told == [
        ("member", DAY, 1, None, "former"),
        ("profile", DAY, 1, None, None),
        ("today", DAY, 2, None, None),
    ]
    assert not any(r["is_deleted"] for r in made)


def test_a_dated_customer_who_is_back_is_no_longer_closed(spark: SparkSession) -> None:
    first, closed = date(2023, 1, 1), date(2024, 1, 15)
    older = existing(
        spark, customers,
        [
            shopper("back", "f", valid_from=first),
            shopper("back", None, valid_from=closed),
            shopper("still away", "f", valid_from=first),
            shopper("still away", None, valid_from=closed),
            shopper("back with news", "f", valid_from=first),
            shopper("back with news", None, valid_from=closed),
            shopper("never away", "f", valid_from=first),
            shopper("says nothing", "f", valid_from=first),
            shopper("says nothing", None, valid_from=closed),
        ],
    )  # fmt: skip
    delivered = incoming(
        spark, customers,
        [
            shopper("back", "f", valid_from=first),
            shopper("back with news", "f", valid_from=DAY),
            shopper("never away", "f", valid_from=first),
            shopper("says nothing", None, valid_from=closed),
        ],
    )  # fmt: skip
    assert rows_of(revise(delivered.filter("customer_id = 'back'"), older, customers, SNAPSHOT)) == []
    made = rows_of(reopenings(older, delivered, customers, SNAPSHOT))
    assert [(r["customer_id"], r["valid_from"], r["revision"], r["is_deleted"]) for r in made] == [
        ("back", closed, 2, True)
    ]
    assert reopenings(older, delivered, customers, UNDATED).isEmpty()


def test_a_customer_who_was_back_can_be_closed_again_even_on_the_same_day(spark: SparkSession) -> None:
    first = date(2023, 1, 1)
    older = existing(
        spark, customers,
        [
            shopper(name, sex, valid_from=day, revision=revision, is_deleted=revision == 2)
            for name, closed in (("earlier", date(2024, 1, 15)), ("today", DAY))
            for sex, day, revision in (("f", first, 1), (None, closed, 1), (None, closed, 2))
        ],
    )  # fmt: skip
    made = rows_of(closings(older, incoming(spark, customers, [shopper("other", "f")]), customers, SNAPSHOT))
    assert sorted((r["customer_id"], r["valid_from"], r["revision"], r["is_deleted"]) for r in made) == [
        ("earlier", DAY, 1, False),
        ("today", DAY, 3, False),
    ]


REVISIONS = [
    {"product_id": "once", "name": "A"},
    {"product_id": "corrected", "name": "A"},
    {"product_id": "corrected", "name": "B", "revision": 2, "ingested_at": NOW},
    {"product_id": "withdrawn", "name": "A"},
    {"product_id": "withdrawn", "name": "A", "revision": 2, "ingested_at": NOW, "is_deleted": True},
    {"product_id": "back", "name": "A", "revision": 2, "is_deleted": True},
    {"product_id": "back", "name": "C", "revision": 3, "ingested_at": NOW},
    {"product_id": "new", "name": "A", "ingested_at": NOW},
]


@pytest.mark.parametrize("corrected", [None, 4, FEW_KEYS + 1])
@pytest.mark.parametrize(
    ("known_at", "valid"),
    [
        (datetime(2023, 12, 31, tzinfo=UTC), {}),
        (THEN, {"once": "A", "corrected": "A", "withdrawn": "A"}),
        (datetime(2024, 1, 31, 23, 59, tzinfo=UTC), {"once": "A", "corrected": "A", "withdrawn": "A"}),
        (NOW, {"once": "A", "corrected": "B", "back": "C", "new": "A"}),
    ],
)
def test_valid_is_the_highest_revision_known_unless_it_is_deleted(
    spark: SparkSession, known_at: datetime, valid: dict[str, str], corrected: int | None
) -> None:
    found = valid_rows(existing(spark, products, REVISIONS), products, known_at, corrected)
    assert found.columns == list(map(str, products.columns))
    assert {r["product_id"]: r["name"] for r in rows_of(found)} == valid


def test_valid_rows_do_not_shuffle_the_table(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    frame = existing(spark, products, REVISIONS)
    valid_rows(frame, products, NOW).explain()
    plan = capsys.readouterr().out
    assert "BroadcastHashJoin" in plan
    # The one exchange is of the corrected keys; the big side goes from the scan straight to the join.
    assert plan.count("Exchange hashpartitioning") == 1
    assert "SortMergeJoin" not in plan


NINTH, TENTH, TWELFTH = (date(2024, 1, day) for day in (9, 10, 12))


@pytest.mark.parametrize(
    ("before", "delivered", "expected"),
    [
        (None, [TENTH], [None]),
        (TENTH, [TENTH], [None]),
        (TENTH, [TWELFTH], [TENTH]),
        (TENTH, [TWELFTH, NINTH], [TENTH, TWELFTH]),
        (None, [TENTH, TWELFTH], [None, TENTH]),
    ],
    ids=["new", "the same day", "moved", "moved twice", "moved within a delivery"],
)
def test_a_correction_says_which_day_it_has_left(
    spark: SparkSession, before: date | None, delivered: list[date], expected: list[date | None]
) -> None:
    def event(day: date, **more: Any) -> dict[str, Any]:
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return {"event_id": "e", "customer_id": "c", "event_date": day, "occurred_at": moment, **more}

    older = existing(spark, events, [event(before, event_type="was")]) if before else None
    came = incoming(spark, events, [event(day, event_type=f"n{n}") for n, day in enumerate(delivered)])
    gained = rows_of(revise(came, older, events, APPEND))
    found = [row["previous_date"] for row in sorted(gained, key=lambda row: row["revision"])]
    assert found == expected


def test_what_closes_an_event_has_left_no_day(spark: SparkSession) -> None:
    kept = {"event_id": "e", "customer_id": "c", "event_date": TWELFTH, "occurred_at": THEN, "event_type": "was"}
    kept |= {"revision": 2, "previous_date": TENTH}
    gone = incoming(spark, events, [{"event_id": "other"}])
    (row,) = rows_of(closings(existing(spark, events, [kept]), gone, events, SNAPSHOT))
    assert (row["is_deleted"], row["event_date"], row.get("previous_date")) == (True, TWELFTH, None)


def test_without_corrections_rows_are_not_looked_up(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [r for r in REVISIONS if r.get("revision", 1) == 1]
    found = valid_rows(existing(spark, products, rows), products, NOW, 0)
    found.explain()
    assert "Join" not in capsys.readouterr().out
    known = valid_rows(existing(spark, products, rows), products, NOW)
    by_id = [{r["product_id"]: r["name"] for r in rows_of(frame)} for frame in (found, known)]
    assert by_id[0] == by_id[1] != {}


def test_many_corrected_keys_are_never_sent_to_every_executor(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    valid_rows(existing(spark, products, REVISIONS), products, NOW, FEW_KEYS + 1).explain()
    plan = capsys.readouterr().out
    assert "SortMergeJoin" in plan
    assert "Broadcast" not in plan


def test_a_consent_does_not_correct_an_objection_of_the_same_day(spark: SparkSession) -> None:
    said = {"customer_id": "c", "purpose": "profiling", "granted": True, "valid_from": DAY}
    objected = existing(spark, consents, [{**said, "basis": "objection"}])
    made = revise(incoming(spark, consents, [{**said, "basis": "consent"}]), objected, consents, APPEND)
    assert [(r["basis"], r["revision"]) for r in rows_of(made)] == [("consent", 1)]


def test_customers_are_told_apart_by_day_too() -> None:
    assert key_of(customers) == ("customer_id", "source", "valid_from")
    assert known_by(customers, UNDATED) == ("customer_id", "source")
    assert known_by(customers, SNAPSHOT) == key_of(customers)
