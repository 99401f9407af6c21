"""Features of units: known rows, the same by DuckDB from raw events, and what Spark does to get there."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.features.test_plans import having, physical, shuffled_by
from tests.features.worlds import Row, World, frames, project_of, random_world, world

from strata.features.units import UnitPlan, build_units, plan_units

AS_OF, BEFORE, LONG_AGO = date(2017, 12, 31), date(2017, 11, 30), date(2017, 2, 3)
AS_OFS = [AS_OF, BEFORE, LONG_AGO]
UNITS = """
- {unit: shop, of: place_id, where: "event_type = 'purchase'", days: 84}
- {unit: taste, of: category, where: "brand_type = 'own' or channel = 'web'", days: 182}
- {unit: way, of: channel, days: 28}
"""
FEATURES = """
- {name: visits, kind: count, where: "event_type = 'visit'", days: 28}
- {name: shop_lines, kind: count, per: shop}
- {name: shop_own_lines, kind: count, where: "brand_type = 'own'", per: shop}
- {name: shop_spend, kind: sum, of: amount, per: shop}
- {name: shop_points, kind: sum, of: value_number, where: "quantity > 3", per: shop}
- {name: shop_least, kind: min, of: amount, per: shop}
- {name: shop_most, kind: max, of: value_number, per: shop}
- {name: shop_mean, kind: mean, of: quantity, where: "city = 'Kyiv'", per: shop}
- {name: shop_web_share, kind: share, of: amount, where: "channel = 'web'", per: shop}
- {name: taste_days, kind: active_days, per: taste}
- {name: taste_gap, kind: mean_gap, per: taste}
- {name: taste_bought_first, kind: first_on, where: "event_type = 'purchase'", per: taste}
- {name: taste_last, kind: last_on, where: "quantity > 3", per: taste}
- {name: taste_since_first, kind: days_since, of: first, per: taste}
- {name: taste_since_bought, kind: days_since, of: last, where: "event_type = 'purchase'", per: taste}
- {name: taste_busy, kind: expression, of: "taste_days / visits", per: taste}
- {name: taste_keen, kind: expression, of: "taste_busy > 0.5 and visits >= 2", per: taste}
"""
OWN = [line.split("name: ")[1].split(",")[0] for line in FEATURES.strip().splitlines()[1:]]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> UnitPlan:
    return plan_units(project_of(tmp_path_factory.mktemp("units"), FEATURES, UNITS))


def base_of(names: Sequence[str], as_ofs: Sequence[date]) -> pa.Table:
    """A snapshot with the one feature that expressions over units read; every third has made no visit."""
    rows = [
        {"as_of_date": day, "customer_id": name, "visits": n % 3 * (1 + as_ofs.index(day)), "other": "x"}
        for day in as_ofs
        for n, name in enumerate(names)
    ]
    return pa.Table.from_pylist(rows)


def made(spark: SparkSession, tables: World, plan: UnitPlan, base: pa.Table, as_ofs: Sequence[date]) -> pa.Table:
    found = build_units(frames(spark, tables), plan, as_ofs, spark.createDataFrame(base)).toArrow()
    keys = ("as_of_date", "unit", "customer_id", "unit_id")
    return found.sort_by([(key, "ascending") for key in keys])


def event(customer: str, days_ago: int, shop: str | None, amount: str | None = "1.00", **more: object) -> Row:
    money = None if amount is None else Decimal(amount)
    day = AS_OF - timedelta(days=days_ago)
    kind = {"event_type": "purchase", "customer_id": customer, "event_date": day}
    return {**kind, "place_id": shop, "amount": money, **more}


def test_a_unit_is_what_a_customer_did_under_one_id_within_the_window(spark: SparkSession, plan: UnitPlan) -> None:
    events = [
        event("ann", 0, "north", "2.50", channel="web", product_id="tea"), event("ann", 83, "north", "0.10"),
        event("ann", 84, "north", "99.00"), event("ann", 5, "south", None), event("ann", 5, None),
        event("ann", 200, "gone"), event("ann", 2, "north", "5.00", event_type="visit"), event("ann", -1, "new"),
        event("bob", 100, "north", "7.00"), event("eve", 3, "north"),
    ]  # fmt: skip
    tables = world(events, products=[{"product_id": "tea", "category": "drinks", "brand_type": "own"}])
    found = made(spark, tables, plan, base_of(["ann", "bob"], [AS_OF, BEFORE]), [AS_OF, BEFORE]).to_pylist()
    dated = [(r["as_of_date"], r["customer_id"], r["unit"], r["unit_id"], r["from_date"], r["to_date"]) for r in found]
    day = {n: AS_OF - timedelta(days=n) for n in (0, 5, 83, 84, 100)}
    assert dated == [
        # A month before, the window reached further back; eve is not of the base, and what has no id is in no unit.
        (BEFORE, "ann", "shop", "north", day[84], day[83]), (BEFORE, "bob", "shop", "north", day[100], day[100]),
        (AS_OF, "ann", "shop", "north", day[83], day[0]), (AS_OF, "ann", "shop", "south", day[5], day[5]),
        (AS_OF, "ann", "taste", "drinks", day[0], day[0]), (AS_OF, "ann", "way", "web", day[0], day[0]),
    ]  # fmt: skip
    north, south, drinks = found[2], found[3], found[4]
    assert (north["shop_lines"], north["shop_own_lines"], north["shop_spend"]) == (2, 1, Decimal("2.60"))
    assert north["shop_web_share"] == pytest.approx(2.5 / 2.6)
    assert (south["shop_lines"], south["shop_spend"], south["shop_least"]) == (1, Decimal("0.00"), None)
    assert (drinks["taste_days"], drinks["taste_gap"], drinks["taste_since_first"]) == (1, None, 0)
    assert {n for n in OWN if n.startswith("shop") and drinks[n] is not None} == set()
    assert {n for n in OWN if n.startswith("taste") and north[n] is not None} == set()


def over(aggregate: str, where: str) -> str:
    return f"{aggregate} FILTER (WHERE {where})"


POINTS = "nullif(value_number, 'NaN'::DOUBLE)"
BOUGHT = "event_type = 'purchase'"
BY_UNIT = {
    "shop": ("place_id", BOUGHT, 84),
    "taste": ("category", "(brand_type = 'own' OR channel = 'web')", 182),
    "way": ("channel", "true", 28),
}
EXPECTED: Mapping[str, str] = {
    "shop_lines": "count(*)",
    "shop_own_lines": over("count(*)", "brand_type = 'own'"),
    "shop_spend": "coalesce(sum(amount), 0)",
    "shop_points": f"coalesce({over(f'sum({POINTS})', 'quantity > 3')}, 0)",
    "shop_least": "min(amount)",
    "shop_most": f"max({POINTS})",
    "shop_mean": over("avg(quantity)", "city = 'Kyiv'"),
    "shop_web_share": f"coalesce({over('sum(amount)', 'channel = $$web$$')}, 0) / nullif(sum(amount), 0)",
    "taste_days": "count(DISTINCT event_date)",
    "taste_gap": "(max(event_date) - min(event_date)) / nullif(count(DISTINCT event_date) - 1, 0)",
    "taste_bought_first": over("min(event_date)", BOUGHT),
    "taste_last": over("max(event_date)", "quantity > 3"),
    "taste_since_first": "a - min(event_date)",
    "taste_since_bought": f"a - {over('max(event_date)', BOUGHT)}",
    "taste_busy": "count(DISTINCT event_date) / nullif(any_value(visits), 0)",
    "taste_keen": "count(DISTINCT event_date) / nullif(any_value(visits), 0) > 0.5 AND any_value(visits) >= 2",
}


def by_duckdb(tables: World, base: pa.Table) -> pa.Table:
    db = duckdb.connect()
    for name, table in {**tables, "base": base}.items():
        db.register(name, table)
    db.execute("""CREATE VIEW product AS SELECT product_id,
        arg_max(category, source) FILTER (WHERE category IS NOT NULL) AS category,
        arg_max(brand_type, source) FILTER (WHERE brand_type IS NOT NULL) AS brand_type FROM products GROUP BY ALL""")
    parts = []
    for unit, (of, where, days) in BY_UNIT.items():
        own = ", ".join(f"{sql} AS {name}" for name, sql in EXPECTED.items() if name.startswith(unit))
        parts.append(f"""SELECT a, '{unit}' AS unit, customer_id, {of} AS unit_id, min(event_date) AS from_date,
            max(event_date) AS to_date {"," if own else ""} {own} FROM (SELECT b.as_of_date AS a, b.visits, e.*,
            p.category, p.brand_type, s.city FROM events e JOIN base b ON b.customer_id = e.customer_id
            AND e.event_date BETWEEN b.as_of_date - {days - 1} AND b.as_of_date
            LEFT JOIN product p USING (product_id) LEFT JOIN places s USING (place_id))
            WHERE {where} AND {of} IS NOT NULL GROUP BY a, customer_id, {of}""")
    both = " UNION ALL BY NAME ".join(parts)
    return db.sql(f"SELECT * FROM ({both}) ORDER BY a, unit, customer_id, unit_id").to_arrow_table()


def same(found: object, wanted: object) -> bool:
    if isinstance(found, float) and wanted is not None:
        return math.isclose(found, float(wanted), rel_tol=1e-9, abs_tol=1e-9)  # type: ignore[arg-type]
    return found == wanted


def test_every_feature_of_a_unit_agrees_with_duckdb_on_three_dates(spark: SparkSession, plan: UnitPlan) -> None:
    tables = random_world(seed=2017, last=AS_OF)
    base = base_of([f"c{n:02}" for n in range(40)], AS_OFS)
    found, wanted = made(spark, tables, plan, base, AS_OFS), by_duckdb(tables, base)
    keys = {"as_of_date": "a", **{k: k for k in ("unit", "customer_id", "unit_id", "from_date", "to_date")}}
    for ours, theirs in keys.items():
        assert found[ours].to_pylist() == wanted[theirs].to_pylist(), ours
    assert len(found) > 1_000
    wrong = {}
    for name in OWN:
        pairs = zip(found["unit_id"].to_pylist(), found[name].to_pylist(), wanted[name].to_pylist(), strict=True)
        wrong[name] = [row for row in pairs if not same(row[1], row[2])][:3]
        assert len(set(found[name].to_pylist())) > 2, f"{name} tells nothing"
    assert {name: rows for name, rows in wrong.items() if rows} == {}


def test_events_are_read_once_and_cross_once_for_all_units_and_dates(
    spark: SparkSession, plan: UnitPlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = random_world(seed=3, last=AS_OF, events=200)
    for name, frame in frames(spark, tables).items():
        frame.write.parquet(str(tmp_path / name))
    spark.createDataFrame(base_of(["c01"], AS_OFS)).write.parquet(str(tmp_path / "base"))
    said = {"spark.sql.adaptive.enabled": "false", "spark.sql.maxMetadataStringLength": "2000"}
    before = {key: spark.conf.get(key) for key in said}
    try:
        for key, value in said.items():
            spark.conf.set(key, value)
        silver = {name: spark.read.parquet(str(tmp_path / name)) for name in tables}
        lines = physical(build_units(silver, plan, AS_OFS, spark.read.parquet(str(tmp_path / "base"))), capsys)
    finally:
        for key, value in before.items():
            spark.conf.set(key, value or "")
    (scan,) = having(lines, "FileScan", "/events")
    assert "GreaterThan(event_date," in scan, "only days of a window are read"
    assert "other" not in having(lines, "FileScan", "/base")[0]
    # By customer the events only: the base of this test is small enough to be sent to every executor.
    assert shuffled_by(lines) == ["customer_id", "place_id", "product_id"]
    assert having(lines, "Expand") + having(lines, "Python") + having(lines, "Window") == []
    filtering = [n for n, line in enumerate(lines) if "Filter" in line and "event_date" in line]
    (crossing,) = (n for n, line in enumerate(lines) if "REPARTITION_BY_COL" in line)
    assert any(n > crossing for n in filtering), "what is of no unit is left before it crosses"


def test_only_what_is_read_is_joined(tmp_path: Path) -> None:
    plain = plan_units(
        project_of(tmp_path, "- {name: n, kind: count, per: shop}", "- {unit: shop, of: place_id, days: 28}")
    )
    assert (dict(plain.products), dict(plain.places), plain.from_customers) == ({}, {}, ())
    named = project_of(
        tmp_path, "- {name: n, kind: count, where: \"city = 'Kyiv'\", per: taste}",
        "- {unit: taste, of: category, days: 28}",
    )  # fmt: skip
    assert (plan_units(named).products, plan_units(named).places) == ({"category": "category"}, {"city": "city"})
