"""Segmentations added to a project by YAML alone, of customers and per unit, in every published table."""

from datetime import date

import duckdb
import polars as pl
import pytest
from tests.end_to_end.kit import Shop, small_shop

from strata.contract.clusterings import cluster_lineage, cluster_selection
from strata.contract.published import GATED_TABLES, segment_groups, unit_segments

pytestmark = [pytest.mark.long, pytest.mark.soak]

UNITS = """units:
  - {unit: basket, of: basket_id, where: "event_type = 'purchase'", days: 28, description: A basket}
features:
  - {name: basket_lines, kind: count, per: basket, description: Lines of the basket}
  - {name: basket_spend, kind: sum, of: amount, per: basket, description: Paid for the basket}
"""
DEFINITION = """segmentation: basket_size
version: 1
technique: baskets
owner: crm
task: See what baskets are for
kind: rules
per: basket
roll_up: {by: highest, without: no_basket}
segments:
  - {segment: stock_up, label: Stock-up, when: "basket_spend >= 50 and basket_lines >= 10"}
  - {segment: top_up,   label: Top-up}
  - {segment: no_basket, label: No basket}
otherwise: top_up
"""
TECHNIQUE = """segmentation: cheese_lovers
version: 1
technique: taste
owner: category
task: Choose who tastes first
kind: rules
needs:
  - name: cheese_days_182d
    kind: active_days
    where: "event_type = 'purchase' and category = 'CHEESE'"
    days: 182
    description: Days with cheese
segments:
  - {segment: often,  label: Often,  when: "cheese_days_182d >= 10 and purchase_frequency = 'high'", offer: keep_habit}
  - {segment: at_all, label: At all, when: "cheese_days_182d > 0"}
  - {segment: never,  label: Never}
otherwise: never
"""
BASKETS = """SELECT household_id, basket_id::VARCHAR AS unit_id, CASE WHEN sum(sales_value) >= 50 AND count(*) >= 10
    THEN 'stock_up' ELSE 'top_up' END AS segment, min(day) AS from_date
    FROM (SELECT *, (transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::DATE AS day
        FROM '{landing}/transactions.parquet')
    WHERE day BETWEEN DATE '{as_of}' - 27 AND DATE '{as_of}' GROUP BY household_id, basket_id"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One file per definition, and the lines of features.yml that declare units; as of two dates."""
    shop = small_shop(tmp_path_factory.mktemp("added"), households=150)
    shop.edit("features.yml", "features:\n", UNITS)
    (shop.folder / "segmentations/basket_size.yml").write_text(DEFINITION)
    (shop.folder / "segmentations/cheese_lovers.yml").write_text(TECHNIQUE)
    assert shop.strata("init").code == 0
    said = shop.run("2017-11-30,2017-12-31")
    assert said.code in (0, 6), said.out + said.err
    return shop


def test_a_technique_is_one_file_and_then_in_every_published_table(shop: Shop) -> None:
    ids = {"often", "at_all", "never"}
    # Units, grown groups and clusters are of the definitions that declare them, and this one declares none.
    others = (unit_segments, segment_groups, cluster_selection, cluster_lineage)
    tables = [t for t in GATED_TABLES if "segmentation" in t.columns and t not in others]
    assert len(tables) >= 7
    for table in tables:
        found = shop.read(table.full_name().replace(".", "/"))
        own = found.filter(pl.col("segmentation") == "cheese_lovers")
        days = {date(2017, 12, 31)} | ({date(2017, 11, 30)} if table.__name__ != "segment_migration" else set())
        assert set(own["as_of_date"] if "as_of_date" in own.columns else days) == days, table.full_name()
        for column in {"segment", "from_segment", "to_segment"} & set(own.columns):
            assert set(own[column]) <= {*ids, "(not in base)"}, table.full_name()
    for table in others:
        found = shop.read(table.full_name().replace(".", "/"))
        assert found.filter(pl.col("segmentation") == "cheese_lovers").is_empty(), table.full_name()
    long = shop.read("members/segment_membership").filter(pl.col("segmentation") == "cheese_lovers")
    wide = shop.read("members/customer_segments")
    keys = ["as_of_date", "customer_id"]
    assert wide.select(*keys, segment="cheese_lovers").sort(keys).equals(long.select(*keys, "segment").sort(keys))
    assert set(long["segment"]) == ids
    catalog = shop.read("publish/segment_catalog").filter(pl.col("segmentation") == "cheese_lovers")
    assert catalog.sort("segment_order").select("segment", "technique", "owner").rows() == [
        ("often", "taste", "category"), ("at_all", "taste", "category"), ("never", "taste", "category"),
    ]  # fmt: skip
    assert catalog["offer"].null_count() == 2


def test_a_rule_changed_under_its_version_stops_the_job_and_taken_back_it_is_the_same_release(shop: Shop) -> None:
    before = shop.current()
    shop.edit("segmentations/cheese_lovers.yml", "cheese_days_182d >= 10", "cheese_days_182d >= 12")
    said = shop.run("2017-12-31")
    assert said.code == 2, said.out
    assert f"{shop.folder}/segmentations/cheese_lovers.yml:1:1: `cheese_lovers` has changed under version 1" in said.err
    assert "raise version to 2, or take the change back" in said.err
    assert "ingest" not in said.out
    assert shop.current() == before
    shop.edit("segmentations/cheese_lovers.yml", "cheese_days_182d >= 12", "cheese_days_182d >= 10")
    said = shop.run("2017-12-31")
    assert said.code == 0, said.err
    assert "is there already: nothing to do" in said.out


def test_units_are_in_every_published_table_with_their_history(shop: Shop) -> None:
    units, membership = shop.read("members/unit_segments"), shop.read("members/segment_membership")
    membership = membership.filter(pl.col("segmentation") == "basket_size")
    for as_of in (date(2017, 11, 30), date(2017, 12, 31)):
        wanted = duckdb.sql(BASKETS.format(landing=shop.landing, as_of=as_of)).pl()
        found = units.filter(pl.col("as_of_date") == as_of).sort("unit_id")
        columns = ["unit_id", "segment", "from_date"]
        assert found.select(columns).rows() == wanted.sort("unit_id").select(columns).rows()
        assert found["segment"].n_unique() == 2
        customers = membership.filter(pl.col("as_of_date") == as_of)["segment"].value_counts()
        stocked = wanted.filter(pl.col("segment") == "stock_up")["household_id"].n_unique()
        topped = wanted["household_id"].n_unique() - stocked
        counts = dict(customers.rows())
        assert (counts["stock_up"], counts["top_up"]) == (stocked, topped)
    side_by_side = shop.read("members/customer_segments")
    assert sorted(side_by_side["basket_size"]) == sorted(membership["segment"])
    catalog = shop.read("publish/segment_catalog").filter(pl.col("segmentation") == "basket_size").sort("segment_order")
    assert catalog["rule_text"].to_list() == ["basket_spend >= 50 and basket_lines >= 10", "otherwise", "no basket"]
    checks = shop.read("publish/quality_results").filter(pl.col("table_name") == "members.unit_segments")
    assert {"segment.declared", "table.key"} <= set(checks["check_name"])
    assert "members.unit_segments" in shop.current()
