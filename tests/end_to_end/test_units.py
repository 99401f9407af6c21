"""A segmentation per unit, added to a project by YAML alone, in every published table."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from tests.end_to_end.kit import small_shop

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
BASKETS = """SELECT household_id, basket_id::VARCHAR AS unit_id, CASE WHEN sum(sales_value) >= 50 AND count(*) >= 10
    THEN 'stock_up' ELSE 'top_up' END AS segment, min(day) AS from_date
    FROM (SELECT *, (transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::DATE AS day
        FROM '{landing}/transactions.parquet')
    WHERE day BETWEEN DATE '{as_of}' - 27 AND DATE '{as_of}' GROUP BY household_id, basket_id"""


@pytest.mark.long
def test_units_are_in_every_published_table_with_their_history(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, households=150)
    shop.edit("features.yml", "features:\n", UNITS)
    (shop.folder / "segmentations/basket_size.yml").write_text(DEFINITION)
    assert shop.strata("init").code == 0
    said = shop.run("2017-11-30,2017-12-31")
    assert said.code in (0, 6), said.out + said.err
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
