"""Columns of another file beside the delivered ones: the join, what it refuses, and what a later batch sees."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.ingest.kit import FEBRUARY, JANUARY, MARCH, PURCHASES, Corner, report_of

from strata.contract.bronze import files
from strata.contract.columns import Type, column, extend
from strata.contract.silver import events, quarantine
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.ingest.landing import bronze_table
from strata.project.sources import with_lookups

LOOKUPS = """
lookups:
  rates:
    read: {format: csv, path: "${landing}/rates.csv"}
    schema: {item: STRING, store: BIGINT, promoted: STRING, cost: MONEY}
    on: {product: item, shop: store}
    several: refuse
"""
SOLD = PURCHASES.replace("paid: MONEY", "paid: MONEY, product: STRING, shop: BIGINT") + """
  discount_amount: {from: cost}
extra:
  promoted: {from: promoted, type: STRING, description: Promotion}
  margin:   {value: "paid - cost", type: MONEY, description: Margin}
reject:
  - {reason: below_cost, when: "margin < 0"}
""" + LOOKUPS  # fmt: skip
LINES = """
    receipt,shopper,at,paid,product,shop
    r1,anna,2023-12-30 10:00:00,10.00, tea ,1
    r2,bohdan,2023-12-31 10:00:00,20.00,tea,2
    r3,anna,2023-12-31 10:00:00,5.00,,1
    r4,anna,2023-12-31 10:00:00,1.00,jam,1
    r5,anna,2023-12-31 11:00:00,9.00,tea,1
"""
RATES = """
    item,store,promoted,cost
    tea,01,mailer,4.00
    jam,1,,2.50
    tea,1,mailer,4.0
    tea,3,display,1.00
    ,1,nowhere,1.00
"""


@pytest.fixture
def shop(corner: Callable[..., Corner]) -> Corner:
    made = corner(purchases=SOLD)
    made.deliver("purchases-1.csv", LINES)
    made.deliver("rates.csv", RATES)
    return made


def looked_up(shop: Corner) -> dict[int, tuple[Any, ...]]:
    """Hour-independent: receipt (by paid amount, whole) -> promoted, margin."""
    wide = extend(events, (column(Type.STRING, "", name="promoted", nullable=True),))
    rows = rows_of(shop.read(wide).select("amount", "promoted", "margin", "revision"))
    return {int(r["amount"]): (r["promoted"], r["margin"] and float(r["margin"])) for r in rows}


def landed(shop: Corner) -> list[dict[str, Any]]:
    _, table = with_lookups(shop.project.sources)
    return rows_of(shop.read(bronze_table(table)).orderBy("batch_id", "row_number"))


def test_records_stand_beside_the_row_of_their_key_or_beside_nothing(shop: Corner) -> None:
    told = report_of(shop.ingest(JANUARY), "purchases")
    assert (told.records, told.accepted, told.reasons) == (5, 4, {"below_cost": 1})
    found = {10: ("mailer", 6.0), 20: (None, None), 5: (None, None), 9: ("mailer", 5.0)}
    assert looked_up(shop) == found
    assert [r["reasons"] for r in rows_of(shop.read(quarantine))] == [["below_cost"]]
    # Two rows that say the same are one; rows that nobody asks for are not kept.
    assert [(r["item"], r["store"]) for r in landed(shop)] == [("tea", "01"), ("jam", "1"), ("tea", "1")]
    (book,) = rows_of(shop.read(files))
    assert book["looked_up"] == [f"rates {landed(shop)[0]['file_hash']}"]

    # Another content counts for what is taken later, and changes nothing that has been taken.
    shop.deliver("rates.csv", RATES.replace("mailer", "poster"))
    assert shop.ingest(FEBRUARY).batch_id is None
    shop.deliver("purchases-2.csv", "receipt,shopper,at,paid,product,shop\nr6,anna,2024-01-01 10:00:00,8.00,tea,1\n")
    assert report_of(shop.ingest(MARCH), "purchases").accepted == 1
    assert looked_up(shop) == {**found, 8: ("poster", 4.0)}


def test_rows_that_differ_or_cannot_be_used_are_refused_and_nothing_counts(shop: Corner) -> None:
    bad = "    tea,1,mailer,\n    jam,1,,2.51\n    tea,3,,\n    ,1,somewhere,1.00\n    soap,x,,1.00\n    soap,9\n"
    shop.deliver("rates.csv", RATES + bad)
    with pytest.raises(InputError) as refused:
        shop.ingest(JANUARY)
    said = str(refused.value)
    assert "rates.csv: 2 rows cannot be used, the first is row 10 (store_not_bigint)" in said
    assert said.count("sources/purchases.yml:23:3: purchases_rates: ") == 2
    assert "rates.csv: 2 keys have rows that differ, the first is item tea, store 1 (row 1)" in said
    assert "several: greatest" in said
    assert refused.value.exit_code == 3
    assert not shop.lakehouse.exists(files)

    shop.deliver("rates.csv", RATES)
    shop.ingest(FEBRUARY)
    assert {r["batch_id"] for r in landed(shop)} == {1}
    assert len(landed(shop)) == 3


def test_a_file_that_is_not_there_or_lacks_a_column_is_told(shop: Corner) -> None:
    (shop.folder / "landing" / "rates.csv").unlink()
    with pytest.raises(InputError, match=r"purchases_rates: nothing to read at .*rates\.csv"):
        shop.ingest(JANUARY)
    assert not shop.lakehouse.exists(bronze_table(shop.project.sources[0]))
    shop.deliver("rates.csv", "item,store,cost\ntea,1,4.00\n")
    with pytest.raises(InputError, match=r"purchases_rates: .*rates\.csv: missing promoted: found item, store, cost"):
        shop.ingest(JANUARY)
    assert not shop.lakehouse.exists(files)


def test_of_rows_that_differ_each_column_has_its_greatest_value_where_that_is_asked_for(
    corner: Callable[..., Corner],
) -> None:
    """Each column for itself, so that the order of rows says nothing: the greatest cost leaves the least margin."""
    parquet = SOLD.replace("{format: csv, path: \"${landing}/rates.csv\"}",
                           "{format: parquet, path: \"${landing}/rates.parquet\"}")  # fmt: skip
    shop = corner(purchases=parquet.replace("several: refuse", "several: greatest"))
    shop.deliver("purchases-1.csv", LINES)
    rates = {
        "item": ["tea", "tea", "tea", "tea"],
        "store": [1, 1, 1, 2],
        "promoted": ["mailer", "poster", None, "mailer"],
        "cost": pa.array(["8", "6", "7", "1.5"]).cast(pa.decimal128(18, 2)),
    }
    pq.write_table(pa.table(rates), shop.folder / "landing" / "rates.parquet")
    shop.ingest(JANUARY)
    assert looked_up(shop) == {
        10: ("poster", 2.0),
        20: ("mailer", 18.5),
        5: (None, None),
        1: (None, None),
        9: ("poster", 1.0),
    }
