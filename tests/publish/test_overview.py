from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from tests.publish.frames import AS_OF, features, membership, money, records

from strata.contract.columns import Type
from strata.contract.published import segment_overview
from strata.contract.spark import as_table
from strata.expression import Name
from strata.publish.kpis import build_kpis, usual_kpis
from strata.publish.overview import build_overview


def live(segmentation: str, *segments: str) -> list[dict[str, str | None]]:
    offers = {"a": "Voucher"}
    return [{"segmentation": segmentation, "segment": s, "label": s.upper(), "offer": offers.get(s)} for s in segments]


CATALOG = [*live("rfm", "a", "b", "never"), *live("style", "c1")]


def overview(members: DataFrame, known: DataFrame, catalog: list[dict[str, Any]], floor: int = 1) -> DataFrame:
    names = {c: Name(Type.MONEY, False) for c in known.columns if c.startswith("spend")}
    return build_overview(build_kpis(members, known, usual_kpis(names), names, catalog, floor), catalog)


def test_customers_revenue_growth_and_offer_of_each_segment(spark: SparkSession) -> None:
    members = membership(spark, {"rfm": ["a", "a", "b", "b"], "style": ["c1"] * 4})
    now, before = money("10.10", "20.20", "0.00", "9.70"), money("20.00", "0.20", "0.00", "0.00")
    spent = features(spark, {"spend_84d": now, "spend_84d_before": before})
    rows = records(overview(members, spent, CATALOG), "segmentation", "segment")
    assert set(rows) == {("rfm", "a"), ("rfm", "b"), ("rfm", "never"), ("style", "c1")}
    a, b, never = (rows["rfm", s] for s in ("a", "b", "never"))
    assert (a["label"], a["offer"], a["customers"], a["share"]) == ("A", "Voucher", 2, 0.5)
    assert (a["revenue_84d"], a["revenue_84d_before"]) == (Decimal("30.30"), Decimal("20.20"))
    assert (a["revenue_share_84d"], a["revenue_growth_84d"]) == (30.3 / 40.0, 30.3 / 20.2 - 1)
    assert (b["revenue_84d"], b["revenue_growth_84d"], b["offer"]) == (Decimal("9.70"), None, None)
    assert (never["customers"], never["share"], never["revenue_84d"]) == (0, 0.0, Decimal("0.00"))
    assert (rows["style", "c1"]["share"], rows["style", "c1"]["revenue_share_84d"]) == (1.0, 1.0)
    assert {row["is_suppressed"] for row in rows.values()} == {False}


def test_without_the_two_features_revenue_is_unknown(spark: SparkSession) -> None:
    frame = overview(membership(spark, {"rfm": ["a", "b"]}), features(spark, {"x": [1, 2]}), CATALOG[:3])
    rows = records(frame, "segment")
    assert {(r["revenue_84d"], r["revenue_share_84d"], r["revenue_growth_84d"]) for r in rows.values()} == {(None,) * 3}
    assert {s: r["customers"] for s, r in rows.items()} == {"a": 1, "b": 1, "never": 0}
    as_table(frame.selectExpr("*", "repeat('0', 32) as release_id"), segment_overview)


def test_each_date_has_a_base_of_its_own(spark: SparkSession) -> None:
    earlier = date(2017, 11, 30)
    members = membership(spark, {"rfm": ["a", "b"]}).unionByName(membership(spark, {"rfm": ["a"]}, earlier))
    spent = features(spark, {"spend_84d": money("1.00", "3.00")})
    rows = records(overview(members, spent, CATALOG[:3]), "as_of_date", "segment")
    assert {k: r["share"] for k, r in rows.items()} == {
        (AS_OF, "a"): 0.5, (AS_OF, "b"): 0.5, (AS_OF, "never"): 0.0,
        (earlier, "a"): 1.0, (earlier, "b"): 0.0, (earlier, "never"): 0.0,
    }  # fmt: skip
    assert rows[AS_OF, "b"]["revenue_share_84d"] == 0.75


def test_customers_of_the_segments_add_up_to_the_base_whatever_the_layout(spark: SparkSession) -> None:
    segments = ["a", "b", "a", "never", None, "surprise", "b"]
    members = membership(spark, {"rfm": segments})
    spent = features(spark, {"spend_84d": money("1.11", None, "2.22", "3.33", "4.44", "5.55", "6.66")})
    frames = [overview(members.repartition(n), spent.repartition(n), CATALOG[:3]) for n in (1, 5)]
    rows, other = (records(f, "segment") for f in frames)
    assert rows == other
    assert sum(r["customers"] for r in rows.values()) == len(segments)
    assert sum(r["revenue_84d"] for r in rows.values()) == Decimal("23.31")
    assert rows["surprise"]["label"] == "surprise"


def test_a_small_segment_keeps_its_row_and_offer_and_loses_its_figures_and_another_one_with_it(
    spark: SparkSession,
) -> None:
    members = membership(spark, {"rfm": ["a"] * 3 + ["b"] * 12 + ["big"] * 20})
    spent = features(spark, {"spend_84d": money(*["1.00"] * 35)})
    rows = records(overview(members, spent, live("rfm", "a", "b", "big", "never"), floor=10), "segment")
    figures = [c for c in segment_overview.columns if c in rows["a"] and c.nullable and c != "offer"]
    for few in ("a", "b"):
        assert {rows[few][c] for c in figures} == {None}
        assert rows[few]["is_suppressed"]
    assert (rows["a"]["label"], rows["a"]["offer"]) == ("A", "Voucher")
    assert (rows["big"]["customers"], rows["big"]["share"], rows["big"]["is_suppressed"]) == (20, 20 / 35, False)
    assert (rows["never"]["customers"], rows["never"]["is_suppressed"]) == (0, False)
