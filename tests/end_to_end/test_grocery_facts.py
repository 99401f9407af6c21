"""What the Complete Journey holds, counted by others, and found again in silver. No test writes into the tables."""

import hashlib
import hmac
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.end_to_end.kit import Shop, package_data
from tests.ingest.kit import Silent, report_of

from strata.contract.bronze import files, identity_vault
from strata.contract.silver import campaigns, communications, customers, events, products
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.ingest.revisions import valid_rows
from strata.pipeline.context import Run
from strata.pipeline.ingest import ingest, read_books, require_complete
from strata.project.load import load_project
from strata.project.models import Project, Storage
from strata.storage.tables import Lakehouse

pytestmark = pytest.mark.long
LATER = datetime(2200, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def tables(grocery: Shop, spark: SparkSession) -> Lakehouse:
    return Lakehouse(spark, Storage(root=str(grocery.root)), run_id="facts")


@pytest.fixture(scope="module")
def project(grocery: Shop) -> Project:
    return load_project(grocery.folder, {"variables.landing": str(grocery.landing)})


@pytest.fixture(scope="module")
def key(grocery: Shop) -> bytes:
    return bytes.fromhex((grocery.folder / ".strata" / "identity.key").read_text())


@pytest.fixture(scope="module")
def facts(tables: Lakehouse) -> dict[str, dict[str, object]]:
    """Per event type: counts and sums of silver.events."""
    found = tables.read(events).groupBy("event_type").agg(
        F.count(F.lit(1)).alias("events"),
        F.countDistinct("event_id").alias("ids"),
        F.sum("amount").alias("amount"),
        F.sum("list_amount").alias("list_amount"),
        F.sum("discount_amount").alias("discount_amount"),
        F.min("event_date").alias("first"),
        F.max("event_date").alias("last"),
        F.countDistinct("customer_id", "event_date").alias("customer_days"),
        F.countDistinct("customer_id").alias("customers"),
        F.countDistinct("product_id").alias("products"),
        F.countDistinct("basket_id").alias("baskets"),
        F.countDistinct("place_id").alias("places"),
        F.count_if(F.col("quantity") == 0).alias("no_quantity"),
        F.count_if(F.to_date("occurred_at") != F.col("event_date")).alias("other_day_in_utc"),
        F.count_if(F.year("occurred_at") == 2018).alias("in_2018_in_utc"),
        F.max("revision").alias("revisions"),
        F.collect_set("currency").alias("currencies"),
    )  # fmt: skip
    return {str(row["event_type"]): row for row in rows_of(found)}


def test_every_purchase_line_is_an_event_and_the_money_is_exact(facts: dict[str, dict[str, object]]) -> None:
    lines = facts["purchase"]
    assert (lines["events"], lines["ids"], lines["revisions"]) == (1_469_307, 1_469_307, 1)
    assert lines["amount"] == Decimal("4596039.58")
    assert (lines["customers"], lines["customer_days"]) == (2_469, 127_431)
    assert (lines["products"], lines["baskets"], lines["places"]) == (68_509, 155_848, 457)
    assert lines["no_quantity"] == 8_869
    assert lines["currencies"] == ["USD"]


def test_discounts_and_list_prices_are_the_sums_of_their_parts(facts: dict[str, dict[str, object]]) -> None:
    path = package_data() / "transactions.parquet"
    cents = "cast(round({} * 100) as bigint)"
    parts = {name: cents.format(name) for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")}
    query = (
        "select sum({sales_value} + {retail_disc} + {coupon_match_disc}),"
        " sum({retail_disc} + {coupon_disc} + {coupon_match_disc})"
    ).format(**parts)
    list_cents, discount_cents = duckdb.sql(f"{query} from '{path}'").fetchall()[0]
    assert facts["purchase"]["list_amount"] == Decimal(list_cents) / 100
    assert facts["purchase"]["discount_amount"] == Decimal(discount_cents) / 100


def test_every_line_lies_in_2017_in_the_zone_of_the_store(facts: dict[str, dict[str, object]]) -> None:
    lines = facts["purchase"]
    assert (lines["first"], lines["last"]) == (date(2017, 1, 1), date(2017, 12, 31))
    assert lines["in_2018_in_utc"] == 534


def test_a_redemption_keeps_its_local_day(facts: dict[str, dict[str, object]]) -> None:
    assert (facts["redemption"]["events"], facts["redemption"]["ids"]) == (2_102, 2_102)
    assert facts["redemption"]["other_day_in_utc"] == 0


def test_the_other_tables_hold_what_was_delivered(tables: Lakehouse) -> None:
    counts = {t.__name__: tables.read(t).count() for t in (customers, products, campaigns, communications)}
    assert counts == {"customers": 801, "products": 92_331, "campaigns": 27, "communications": 6_589}
    starts = {r["valid_from"] for r in rows_of(tables.read(customers).select("valid_from").distinct())}
    assert starts == {date(2017, 1, 1)}
    days = {r["campaign_id"]: (r["starts_on"], r["ends_on"]) for r in rows_of(tables.read(campaigns))}
    assert days["1"] == (date(2017, 3, 3), date(2017, 4, 9))
    sizes = tables.read(customers).groupBy("household_size").count().orderBy("household_size")
    assert {r["household_size"] for r in rows_of(sizes)} <= {None, 1, 2, 3, 4, 5}


def test_the_vault_knows_every_household_by_pythons_hmac(tables: Lakehouse, key: bytes) -> None:
    vault = {r["source_id"]: r["customer_id"] for r in rows_of(tables.read(identity_vault))}
    expected = {i: hmac.new(key, i.encode(), hashlib.sha256).hexdigest()[:32] for i in vault}
    assert vault == expected
    assert len(vault) == 2_469


def test_rows_in_are_rows_accepted_and_rejected(tables: Lakehouse, project: Project) -> None:
    book = {b["source"]: b for b in read_books(tables)}
    assert {name: (b["row_count"], b["rejected_count"]) for name, b in book.items()} == {
        "campaigns": (27, 0), "products": (92_331, 0), "profiles": (801, 0), "redemptions": (2_102, 0),
        "targeting": (6_589, 0), "transactions": (1_469_307, 0),
    }  # fmt: skip
    assert {name: b["complete_through"] for name, b in book.items() if b["complete_through"]} == {
        "transactions": date(2017, 12, 31)
    }
    require_complete(tables, project, date(2017, 12, 31))
    with pytest.raises(InputError, match="transactions: complete through 2017-12-31, the as-of date is 2018-01-01"):
        require_complete(tables, project, date(2018, 1, 1))


def test_the_same_files_under_other_names_change_nothing(
    tables: Lakehouse, project: Project, key: bytes, tmp_path: Path
) -> None:
    sources = []
    for source in project.sources:
        original = Path(str(source.read.path))
        shutil.copy(original, tmp_path / f"copy of {original.name}")
        sources.append(replace(source, read=replace(source.read, path=str(tmp_path / f"copy of {original.name}"))))
    renamed = replace(project, sources=tuple(sources))
    before = {t.full_name(): tables.last_commit(t) for t in (files, events, customers, products)}
    for same in (project, renamed):
        report = ingest(Run(same, tables, lambda: LATER, Silent()), key, LATER, environ={})
        assert report.batch_id is None
        assert report_of(report, "transactions").known_files == 1
    after = {t.full_name(): tables.last_commit(t) for t in (files, events, customers, products)}
    assert after == before


def test_valid_events_are_one_scan_without_a_shuffle(tables: Lakehouse, capsys: pytest.CaptureFixture[str]) -> None:
    frame = valid_rows(tables.read(events), events, LATER)
    assert frame.count() == 1_469_307 + 2_102
    capsys.readouterr()
    frame.explain()
    plan = capsys.readouterr().out
    assert plan.count("Exchange hashpartitioning") <= 1  # of the corrected keys, which are none
    assert "SortMergeJoin" not in plan
