"""From delivered files to silver: batches, corrections, accounts, and what happens when something is wrong."""

import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tests.ingest.kit import FEBRUARY, JANUARY, KEY, MARCH, PURCHASES, SHOPPERS, Corner, Silent, report_of

from strata.contract.bronze import files, identity_vault, rejected_rows
from strata.contract.silver import customers, events, quarantine
from strata.contract.spark import rows_of
from strata.errors import InputError, ProjectError
from strata.ingest.landing import bronze_table
from strata.ingest.revisions import valid_rows
from strata.pipeline import ingest as pipeline
from strata.pipeline.ingest import read_books, require_complete
from strata.storage.tables import Lakehouse

FIRST = """
    receipt,shopper,at,paid
    r1,anna,2023-12-30 10:00:00,10.00
    r2,bohdan,2023-12-31 10:00:00,20.5
    r2,bohdan,2023-12-31 10:00:00,20.50
    r3,anna,2023-12-31 23:30:00,1.005
    r4,,2023-12-31 10:00:00,1
    r5,anna
    r6,anna,2023-12-29 10:00:00,3
    r6,anna,2023-12-29 10:00:00,4
"""
SECOND = """
    receipt,shopper,at,paid
    r1,anna,2023-12-30 10:00:00,12.00
    r2,bohdan,2023-12-31 10:00:00,20.50
    r7,bohdan,2024-01-15 10:00:00,7
"""


def pseudonym(text: str) -> str:
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()[:32]


def paid(corner: Corner, known_at: datetime) -> list[Decimal]:
    """The valid amounts, by receipt (in the order of their events)."""
    valid = valid_rows(corner.read(events), events, known_at)
    return [r["amount"] for r in sorted(rows_of(valid), key=lambda r: (r["occurred_at"], r["amount"]))]


@pytest.fixture
def shop(corner: Callable[..., Corner]) -> Corner:
    return corner(purchases=PURCHASES)


def test_a_year_in_the_life_of_a_source(shop: Corner) -> None:
    shop.deliver("purchases-1.csv", FIRST)
    first = report_of(shop.ingest(JANUARY), "purchases")
    assert (first.rows, first.records, first.accepted, first.unchanged, first.rejected) == (8, 8, 5, 1, 3)
    assert first.complete_through == date(2023, 12, 31)
    assert paid(shop, JANUARY) == [Decimal("4.00"), Decimal("10.00"), Decimal("20.50")]

    reasons = {r["row_number"]: r["reasons"] for r in rows_of(shop.read(quarantine))}
    assert reasons == {
        4: ["paid_more_than_2_decimals"],
        5: ["customer_id_missing"],
        6: ["row_unreadable"],
    }
    raw = {r["row_number"]: r["raw_row"] for r in rows_of(shop.read(rejected_rows))}
    assert json.loads(raw[4]) == {"receipt": "r3", "shopper": "anna", "at": "2023-12-31 23:30:00", "paid": "1.005"}
    assert raw[6] == "r5,anna"
    vault = {r["source_id"]: (r["customer_id"], r["key_id"]) for r in rows_of(shop.read(identity_vault))}
    assert vault == {name: (pseudonym(name), "test-1") for name in ("anna", "bohdan")}

    # The same content again, under another name, changes nothing at all: not one commit.
    versions = {t.full_name(): shop.lakehouse.last_commit(t) for t in (files, events, quarantine, identity_vault)}
    again = shop.ingest(FEBRUARY)
    shop.deliver("purchases-copy.csv", FIRST)
    renamed = shop.ingest(FEBRUARY)
    assert again.batch_id is None
    assert renamed.batch_id is None
    assert report_of(renamed, "purchases").known_files == 2
    found = {t.full_name(): shop.lakehouse.last_commit(t) for t in (files, events, quarantine, identity_vault)}
    assert found == versions

    # A correction is a new revision; what was known before can still be asked for.
    shop.deliver("purchases-2.csv", SECOND)
    second = report_of(shop.ingest(FEBRUARY), "purchases")
    assert (second.new_files, second.accepted, second.unchanged, second.rejected) == (1, 3, 1, 0)
    assert paid(shop, FEBRUARY) == [Decimal("4.00"), Decimal("12.00"), Decimal("20.50"), Decimal("7.00")]
    assert paid(shop, JANUARY) == [Decimal("4.00"), Decimal("10.00"), Decimal("20.50")]
    revisions = sorted(
        (r["revision"], r["amount"], r["batch_id"]) for r in rows_of(shop.read(events)) if r["revision"] > 1
    )
    assert revisions == [(2, Decimal("4.00"), 1), (2, Decimal("12.00"), 2)]

    assert max(b["ingested_at"] for b in read_books(shop.lakehouse)) == FEBRUARY
    require_complete(shop.lakehouse, shop.project, date(2024, 1, 15))
    with pytest.raises(
        InputError, match="purchases: complete through 2024-01-15, the as-of date is 2024-01-16"
    ) as error:
        require_complete(shop.lakehouse, shop.project, date(2024, 1, 16))
    assert error.value.exit_code == 3
    with pytest.raises(InputError, match="complete through 2023-12-31"):
        require_complete(shop.lakehouse, shop.project, date(2024, 1, 15), known_at=JANUARY)
    shop.deliver("purchases-3.csv", SECOND + "    r8,anna,2024-01-16 10:00:00,1\n")
    with pytest.raises(InputError, match="the clock says"):
        shop.ingest(JANUARY)

    book = sorted(read_books(shop.lakehouse), key=lambda r: r["batch_id"])
    counts = ("row_count", "record_count", "accepted_count", "unchanged_count", "rejected_count")
    assert [tuple(b[c] for c in counts) for b in book] == [(8, 8, 5, 1, 3), (3, 3, 3, 1, 0)]


def test_several_files_of_one_batch_are_taken_in_order_and_counted_apart(shop: Corner) -> None:
    for name, amount in (("b", "2"), ("a", "1"), ("c", "x")):
        rows = f"r1,anna,2023-12-31 10:00:00,{amount}\nr-{name},anna,2023-12-31 10:00:00,5\n"
        shop.deliver(f"purchases-{name}.csv", f"receipt,shopper,at,paid\n{rows}")
    shop.ingest()
    found = sorted((r["revision"], r["amount"]) for r in rows_of(shop.read(events)))
    assert found == [(1, 1), (1, 5), (1, 5), (1, 5), (2, 2)]
    book = {b["file_path"][-5:-4]: (b["accepted_count"], b["rejected_count"]) for b in read_books(shop.lakehouse)}
    assert book == {"a": (2, 0), "b": (2, 0), "c": (1, 1)}


@pytest.mark.long
@pytest.mark.soak
def test_profiles_of_a_snapshot_change_and_close_from_the_day_they_came(corner: Callable[..., Corner]) -> None:
    shop = corner(shoppers=SHOPPERS)
    shop.deliver("shoppers-1.csv", "shopper,sex,tariff\nanna,f,gold\nbohdan,m,\nvira,f,gold\n")
    shop.ingest(JANUARY)
    shop.deliver("shoppers-2.csv", "shopper,sex,tariff\nanna,f,gold\nbohdan,m,silver\nvira,x,gold\ndmytro,m,\n")
    report = report_of(shop.ingest(FEBRUARY), "shoppers")
    assert (report.accepted, report.unchanged, report.rejected, report.closed) == (3, 1, 1, 0)
    shop.deliver("shoppers-3.csv", "shopper,sex,tariff\nbohdan,m,silver\nvira,f,gold\ndmytro,m,\n")
    assert report_of(shop.ingest(MARCH), "shoppers").closed == 1

    names = {pseudonym(name): name for name in ("anna", "bohdan", "vira", "dmytro")}
    versions = sorted(
        (names[r["customer_id"]], r["valid_from"], r["sex"], r["tariff"])
        for r in rows_of(valid_rows(shop.read(customers), customers, MARCH))
    )
    opening = date(2023, 1, 1)
    assert versions == [
        ("anna", opening, "female", "gold"),
        ("anna", date(2024, 3, 1), None, None),
        ("bohdan", opening, "male", None),
        ("bohdan", date(2024, 2, 1), "male", "silver"),
        ("dmytro", opening, "male", None),
        ("vira", opening, "female", "gold"),
    ]
    shop.deliver("shoppers-4.csv", "shopper,sex,tariff\n")
    with pytest.raises(InputError, match="shoppers: the snapshot has no usable row"):
        shop.ingest(datetime(2024, 4, 1, tzinfo=UTC))


MEMBERS = """
source: members
description: Dated profiles
feeds: customers
read: {format: csv, path: "${landing}/members*.csv"}
schema: {shopper: STRING, since: DATE, tariff: STRING}
delivery: {mode: snapshot}
key: [shopper, since]
columns:
  customer_id: {from: shopper, identity: plain}
  valid_from:  {from: since, type: date}
  tariff:      {from: tariff}
"""


def test_a_customer_whom_a_truncated_snapshot_closed_is_open_again_with_the_next(corner: Callable[..., Corner]) -> None:
    shop = corner(members=MEMBERS)
    whole = "shopper,since,tariff\nanna,2023-05-01,gold\nbohdan,2023-06-01,gold\n"
    for month, delivered, closed in ((JANUARY, whole, 0), (FEBRUARY, whole[:42], 1), (MARCH, whole, 1)):
        shop.deliver("members.csv", delivered)
        assert report_of(shop.ingest(month), "members").closed == closed
    known = {at: rows_of(valid_rows(shop.read(customers), customers, at)) for at in (FEBRUARY, MARCH)}
    lost = {at: [r["valid_from"] for r in rows if r["tariff"] is None] for at, rows in known.items()}
    assert lost == {FEBRUARY: [date(2024, 2, 1)], MARCH: []}
    assert len(known[MARCH]) == 2


@pytest.mark.long
@pytest.mark.soak
def test_a_file_that_returns_to_earlier_content_is_taken_again(corner: Callable[..., Corner]) -> None:
    shop = corner(shoppers=SHOPPERS)
    for month, tariff in ((JANUARY, "gold"), (FEBRUARY, "silver"), (MARCH, "gold")):
        shop.deliver("shoppers.csv", f"shopper,sex,tariff\nanna,f,{tariff}\nvira,x,gold\n")
        assert report_of(shop.ingest(month), "shoppers").new_files == 1
        assert shop.ingest(datetime(2024, 4, 1, tzinfo=UTC)).batch_id is None
    valid = rows_of(valid_rows(shop.read(customers), customers, MARCH))
    assert [r["tariff"] for r in sorted(valid, key=lambda r: r["valid_from"])] == ["gold", "silver", "gold"]
    # The rows of one content in two batches are told apart by batch.
    assert [b["rejected_count"] for b in read_books(shop.lakehouse)] == [1, 1, 1]
    assert shop.read(rejected_rows).count() == shop.read(quarantine).count() == 3


def test_what_a_broken_batch_left_behind_is_withdrawn_before_the_next(
    shop: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.deliver("purchases-1.csv", FIRST)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "file_rows", crash)
        with pytest.raises(KeyboardInterrupt):
            shop.ingest(JANUARY, key=b"a key that no finished batch has used")
    assert shop.read(events).count() == 4
    assert read_books(shop.lakehouse) == []

    (shop.folder / "landing" / "purchases-1.csv").unlink()
    shop.deliver("purchases-2.csv", SECOND)
    shop.ingest(FEBRUARY)
    assert paid(shop, FEBRUARY) == [Decimal("12.00"), Decimal("20.50"), Decimal("7.00")]
    assert {r["ingested_at"] for r in rows_of(shop.read(events))} == {FEBRUARY}
    assert shop.read(quarantine).count() == 0
    assert shop.read(bronze_table(shop.project.sources[0])).count() == 3
    assert shop.read(rejected_rows).count() == 0
    assert {r["customer_id"] for r in rows_of(shop.read(identity_vault))} == {pseudonym("anna"), pseudonym("bohdan")}

    shop.deliver("purchases-3.csv", FIRST)
    with pytest.raises(ProjectError, match="not the one that the customer ids of key_id test-1 were made with"):
        shop.ingest(MARCH, key=b"a key that no finished batch has used")
    assert len(read_books(shop.lakehouse)) == 1


CONSENTS = """
source: consents
description: What shoppers said
feeds: consents
read: {format: csv, path: "${landing}/consents*.csv"}
schema: {shopper: STRING, purpose: STRING, since: DATE}
delivery: {mode: snapshot}
key: [shopper, purpose]
columns:
  customer_id: {from: shopper, identity: msisdn}
  purpose:     {from: purpose, map: {p: profiling}}
  basis:       {value: "'objection'"}
  granted:     {value: "true"}
  valid_from:  {from: since, type: date}
"""


def test_a_snapshot_with_a_row_whose_key_cannot_be_read_closes_nothing(
    corner: Callable[..., Corner], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(Silent, "note", lambda _, text: notes.append(text))
    shop = corner(consents=CONSENTS)
    shop.deliver("consents-1.csv", "shopper,purpose,since\n380501,p,2024-01-01\n380502,p,2024-01-01\n")
    shop.ingest(JANUARY)
    shop.deliver("consents-2.csv", "shopper,purpose,since\n380501,p,2024-01-01\n380502,profil,2024-01-01\n")
    report = report_of(shop.ingest(FEBRUARY), "consents")
    assert (report.rejected, report.closed) == (1, 0)
    assert "consents: rejected rows may be those that are missing, so that none is closed" in notes
    # The code is right again, and now the day cannot be read: it is part of the key too.
    shop.deliver("consents-3.csv", "shopper,purpose,since\n380501,p,someday\n380502,p,2024-01-01\n")
    assert report_of(shop.ingest(MARCH), "consents").closed == 0
    shop.deliver("consents-4.csv", "shopper,purpose,since\n380501,p,2024-01-01\n")
    assert report_of(shop.ingest(datetime(2024, 4, 1, tzinfo=UTC)), "consents").closed == 1


def test_an_unusable_file_stops_the_whole_batch_and_every_one_is_named(corner: Callable[..., Corner]) -> None:
    shop = corner(purchases=PURCHASES, shoppers=SHOPPERS)
    with pytest.raises(InputError) as error:
        shop.ingest()
    assert "purchases: nothing to read at" in str(error.value)
    assert "shoppers: nothing to read at" in str(error.value)
    shop.deliver("purchases.csv", "receipt,shopper,at\n")
    shop.deliver("shoppers.csv", "sex,shopper,tariff\nf,anna,gold\n")
    with pytest.raises(InputError) as error:
        shop.ingest()
    assert "purchases.csv: missing paid" in str(error.value)
    assert "shoppers.csv: columns in another order" in str(error.value)
    assert read_books(shop.lakehouse) == []


def test_a_truncated_archive_is_named(shop: Corner) -> None:
    rows = "".join(f"r{i},anna,2023-12-31 10:00:00,{hashlib.md5(str(i).encode()).hexdigest()}\n" for i in range(20_000))
    packed = gzip.compress(b"receipt,shopper,at,paid\n" + rows.encode())
    (shop.folder / "sources" / "purchases.yml").write_text(PURCHASES.replace("*.csv", "*.csv.gz"))
    path = shop.deliver("purchases.csv.gz", packed[: len(packed) // 2])
    with pytest.raises(InputError, match="purchases: a file cannot be read") as error:
        shop.ingest()
    assert path.name in str(error.value)


def test_a_file_with_a_header_and_nothing_else_is_taken(shop: Corner) -> None:
    shop.deliver("purchases.csv", "receipt,shopper,at,paid\n")
    report = report_of(shop.ingest(), "purchases")
    assert (report.new_files, report.records, report.complete_through) == (1, 0, None)
    assert shop.ingest(FEBRUARY).batch_id is None


def test_accounts_that_do_not_balance_finish_nothing(shop: Corner, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.deliver("purchases.csv", FIRST)
    monkeypatch.setattr(Lakehouse, "rows_written", lambda *_: 7)
    with pytest.raises(Exception, match="the accounts of the batch do not balance"):
        shop.ingest()
    assert read_books(shop.lakehouse) == []
