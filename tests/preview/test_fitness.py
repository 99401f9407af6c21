"""Which techniques fit the data, on silver tables that deltalake has written; shares of the base counted by hand."""

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.preview.kit import CONF, MOMENT, Stored, stored
from tests.segments.definitions import customer

from strata.contract.columns import Table
from strata.contract.silver import customers, events, places, products

OLD, NEW = date(2017, 1, 1), date(2017, 6, 1)
KEPT: Mapping[str, Any] = {"is_deleted": False, "revision": 1, "ingested_at": MOMENT, "batch_id": 1, "source": "s"}


@pytest.fixture
def shop(tmp_path: Path) -> Stored:
    """A copy of conf/grocery with its catalogue, and without tables."""
    for name in (CONF.name, "catalogue"):
        shutil.copytree(CONF.parent / name, tmp_path / name, ignore=shutil.ignore_patterns(".strata"))
    return Stored(tmp_path / CONF.name, tmp_path / "warehouse")


def sheet(shop: Stored) -> dict[str, list[str]]:
    """Definition -> where it is, whether it fits, its coverage, what is missing."""
    said = shop.strata("check", "--data")
    assert said.code == 0, said.err
    rows = [re.split(r"  +", line.strip()) for line in said.out.splitlines()]
    return {row[1]: [*row[2:], ""][:4] for row in rows if len(row) > 3}


def profile(number: int, valid_from: date = OLD, **more: object) -> dict[str, object]:
    return {**KEPT, "customer_id": customer(number), "valid_from": valid_from, **more}


def act(number: int, key: int, event_type: str = "purchase", **more: object) -> dict[str, object]:
    return {
        **KEPT, "event_id": f"{key:032x}", "customer_id": customer(number), "event_type": event_type,
        "occurred_at": MOMENT, "event_date": NEW, **more,
    }  # fmt: skip


def put_twenty(shop: Stored, table: type[Table], rows: Sequence[Mapping[str, object]]) -> None:
    """Each customer twenty times, so that shares may be told."""
    ids = ("customer_id", "event_id")
    apart = [{**row, **{i: f"{n:016x}{row[i][16:]}" for i in ids if i in row}} for n in range(20) for row in rows]
    shop.put(table, apart)


def put_shop(shop: Stored) -> None:
    """A base of eight, twenty times: 0 to 6 bought, 8 has a known_from; 7 is closed, of 9 there is no date."""
    put_twenty(
        shop,
        customers,
        [
            profile(0, age_band="25-34"),
            profile(1),
            profile(1, revision=2, age_band="25-34"),  # a correction counts
            profile(2, age_band="25-34"),
            profile(2, NEW),  # the latest version no longer knows
            profile(3, age_band="65+"),
            profile(3, NEW, is_deleted=True, revision=2),  # a version that was withdrawn
            profile(7, status="former", age_band="25-34"),
            profile(8, known_from=OLD, income_band="50-74K"),
            profile(8, source="t", age_band="65+"),  # what one source knows is known
            profile(9, age_band="25-34"),
        ],
    )
    bought = [act(n, n, amount=Decimal(1), product_id="known" if n < 4 else "unknown") for n in range(8)]
    redeemed = [act(3, 11, "redemption"), act(4, 12, "redemption"), act(5, 13, "redemption")]
    gone = [act(4, 12, "redemption", revision=2, is_deleted=True), act(9, 14, is_deleted=True)]
    put_twenty(shop, events, [*bought, *redeemed, *gone])
    filled = {"category": "BREAD", "department": "GROCERY", "brand_type": "own", "subcategory": "BREAD"}
    shop.put(products, [{**KEPT, "product_id": "known", **filled}, {**KEPT, "product_id": "unknown"}])


def test_a_definition_fits_by_what_is_known_of_the_base(shop: Stored) -> None:
    put_shop(shop)
    found = sheet(shop)
    never = "events with event_type purchase, with events.amount, events.{}_location: nobody"  # nothing was looked up
    assert "38 definitions on 160 customers in the base" in shop.strata("check", "--data").out
    assert {name: found[name] for name in ("age", "income", "rfm", "response_channel", "purchase_habit")} == {
        "age": ["project", "yes", "50.00", ""],  # 0, 1, 3 and 8
        "income": ["project", "partly", "12.50", "customers.income_band: 12.5 %"],
        "rfm": ["project", "yes", "87.50", ""],
        "response_channel": ["project", "partly", "0.00", f"{never.format('display')}; {never.format('mailer')}"],
        "purchase_habit": ["catalogue", "yes", "50.00", ""],  # the product of 0 to 3 has a category
    }
    assert found["life_stage"] == ["project", "partly", "0.00", "customers.children_count: nobody"]
    assert found["trip_purpose"] == ["catalogue", "no", "-", "events with event_type trip"]
    assert found["skill_level"] == ["catalogue", "no", "-", "events with event_type lesson; products.level"]


def test_a_home_is_known_by_what_is_known_of_its_place(tmp_path: Path) -> None:
    telco = stored(tmp_path, Path("conf/telco"))
    homes = ["p1", "p1", "p2", None, "p3"]
    put_twenty(telco, customers, [profile(n, known_from=OLD, home_place_id=home) for n, home in enumerate(homes)])
    telco.put(
        places,
        [
            {**KEPT, "place_id": "p1", "city": "Kyiv", "kind": "home", "latitude": 50.0, "longitude": 30.0},
            {**KEPT, "place_id": "p2", "city": "Kyiv", "source": "t"},  # nobody knows where it lies
            {**KEPT, "place_id": "p2", "region": "Kyiv", "source": "u"},
            {**KEPT, "place_id": "p3", "region": "Kyiv"},
        ],
    )
    found = sheet(telco)
    assert {name: found[name][2] for name in ("city", "region", "near_store", "micro_district")} == {
        "city": "60.00",
        "region": "40.00",
        "near_store": "40.00",
        "micro_district": "0.00",
    }
    assert found["micro_district"][1:] == ["no", "0.00", "customers.home_place_id, places.micro_district: nobody"]


def test_techniques_stand_in_the_order_of_their_names(shop: Stored) -> None:
    said = shop.strata("check", "--data").out.splitlines()
    first = [re.split(r"  +", line.strip()) for line in said if re.search(r"  (project|catalogue)  ", line)]
    assert len(first) == 38
    assert [row[:2] for row in first] == sorted(row[:2] for row in first)


def test_without_events_nothing_that_needs_them_fits(shop: Stored) -> None:
    put_twenty(shop, customers, [profile(n, known_from=OLD, age_band="65+" if n else None) for n in range(4)])
    found = sheet(shop)
    assert found["age"] == ["project", "yes", "75.00", ""]
    assert found["rfm"][:3] == ["project", "no", "0.00"]
    assert found["rfm"][3] == "events with event_type purchase: nobody"


def test_without_profiles_the_base_are_those_with_events(shop: Stored) -> None:
    put_twenty(shop, events, [act(n, n, amount=Decimal(1)) for n in range(4)])
    found = sheet(shop)
    assert found["value_tier"] == ["project", "yes", "100.00", ""]
    assert found["age"] == ["project", "no", "0.00", "customers.age_band: nobody"]


def test_before_anything_is_ingested_the_sheet_tells_what_sources_declare(shop: Stored) -> None:
    said = shop.strata("check", "--data")
    assert (said.code, said.err) == (0, "")
    assert "nothing is ingested yet: run strata ingest" in said.out
    found = sheet(shop)
    assert found["age"] == ["project", "yes", "-", ""]
    assert found["trip_purpose"] == ["catalogue", "no", "-", "events with event_type trip"]
    assert "fits" not in shop.strata("check").out


def test_a_share_that_would_tell_of_a_few_persons_is_not_told(shop: Stored) -> None:
    """Of 60 customers the age is known of 51 and the income of 9; who has children nobody knows."""
    bands = [{"age_band": "65+" if n < 51 else None, "income_band": "50-74K" if n < 9 else None} for n in range(60)]
    shop.put(customers, [profile(n, known_from=OLD, **found) for n, found in enumerate(bands)])
    found = sheet(shop)
    assert found["age"] == ["project", "yes", "all but fewer than 10", ""]
    assert found["income"] == ["project", "partly", "fewer than 10", "customers.income_band: fewer than 10"]
    assert found["life_stage"][2:] == ["0.00", "customers.children_count: nobody"]
    shop.put(customers, [profile(n, known_from=OLD, age_band="65+" if n < 50 else None) for n in range(60)])
    assert sheet(shop)["age"] == ["project", "yes", "83.33", ""]
