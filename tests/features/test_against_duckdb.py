"""The whole feature table against DuckDB, which computes the same definitions from raw rows in its own way."""

import math
from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from tests.features.worlds import Made, World, make, plan_of, random_world

AS_OFS = [date(2017, 12, 31), date(2017, 11, 30), date(2017, 2, 3)]
FEATURES = """
- {name: events, kind: count}
- {name: "spend_{days}d", kind: sum, of: amount, where: "event_type = 'purchase'", days: [28, 84]}
- {name: spend_84d_before, kind: sum, of: amount, where: "event_type = 'purchase'", days: 84, offset: 28}
- {name: units_28d, kind: sum, of: quantity, days: 28}
- {name: points_84d, kind: sum, of: value_number, where: "quantity > 3 or channel is null", days: 84}
- {name: least_84d, kind: min, of: amount, where: "event_type = 'purchase'", days: 84}
- {name: most_units_28d, kind: max, of: quantity, days: 28, offset: 7}
- {name: lowest, kind: min, of: value_number}
- {name: mean_84d, kind: mean, of: amount, where: "city = 'Kyiv'", days: 84}
- {name: mean_points, kind: mean, of: value_number}
- {name: visits_28d, kind: active_days, where: "event_type = 'visit'", days: 28}
- {name: gap_28d, kind: mean_gap, where: "event_type = 'visit'", days: 28}
- {name: gap, kind: mean_gap, where: "category = 'a'"}
- {name: own_share_84d, kind: share, of: amount, where: "brand_type = 'own'", days: 84}
- {name: first_a_on, kind: first_on, where: "category = 'a'"}
- {name: last_84d_on, kind: last_on, where: "event_type = 'purchase' and category in ('a', 'b')", days: 84, offset: 7}
- {name: since_first, kind: days_since, of: first, where: "channel = 'web'"}
- {name: since_last_28d, kind: days_since, of: last, where: "channel = 'web'", days: 28}
- {name: "days_{value}_84d", kind: active_days, by: channel, values: [web, shop], days: 84}
- {name: "mean_{value}", kind: mean, of: quantity, by: channel, values: [phone, web], where: "event_type = 'purchase'"}
- {name: "spend_{value}_84d", kind: sum, of: amount, where: "event_type = 'purchase'", by: category, keep: 3, days: 84}
- {name: "gap_{value}", kind: mean_gap, by: category, values: [a], offset: 7, days: 182}
- {name: channels_84d, kind: distinct, of: channel, days: 84}
- {name: "numbers_{days}d", kind: distinct, of: value_number, days: [28, 182]}
- {name: top_category_182d, kind: top, of: category, where: "event_type = 'purchase'", days: 182}
- {name: main_channel_84d, kind: top, of: channel, share_at_least: 0.5, days: 84, offset: 7}
- {name: last_channel, kind: last, of: channel}
- {name: last_units_84d, kind: last, of: quantity, where: "event_type = 'visit'", days: 84, offset: 7}
- {name: stopped_28d, kind: stopped, where: "event_type = 'visit'", days: 28, before: 56}
- {name: back_28d, kind: restarted, where: "event_type = 'visit'", days: 28}
- {name: regular_28d, kind: regular, where: "event_type = 'visit'", days: 28, periods: 4, at_least: 3}
- {name: after_84d, kind: sequence, first: "event_type = 'visit'", then: "event_type = 'purchase'", within: 3, days: 84}
- {name: same_day, kind: sequence, first: "channel = 'web'", then: "channel = 'shop'", within: 0}
- {name: messages_84d, kind: count, from: communications, days: 84}
- {name: mail_days, kind: active_days, from: communications, where: "channel = 'mail'"}
- {name: "by_{value}_182d", kind: count, from: communications, by: channel, values: [mail, sms], days: 182}
- {name: top_campaign, kind: top, of: campaign_id, from: communications}
- {name: home_city, kind: attribute, of: home_city}
- {name: age_years, kind: attribute, of: age_years}
- {name: km_to_lviv, kind: distance_to, to: "city = 'Lviv'"}
- {name: tariff, kind: attribute, of: tariff}
- {name: household_size, kind: attribute, of: household_size}
- {name: per_visit, kind: expression, of: "spend_84d / visits_28d"}
- {name: big, kind: expression, of: "per_visit > 100 and household_size >= 2"}
"""
BUYS = "event_type = 'purchase'"
OWN = "brand_type = 'own'"
POINTS = "nullif(value_number, 'NaN'::DOUBLE)"


def window(days: int | None, offset: int = 0) -> str:
    upto = f"event_date <= a - {offset}"
    return f"{upto} AND event_date > a - {offset + days}" if days else upto


def over(aggregate: str, where: str = "true", days: int | None = None, offset: int = 0) -> str:
    return f"{aggregate} FILTER (WHERE ({where}) AND {window(days, offset)})"


def zero(aggregate: str) -> str:
    return f"coalesce({aggregate}, 0)"


def gap(where: str, days: int | None = None, offset: int = 0) -> str:
    aggregates = ("count(DISTINCT event_date)", "min(event_date)", "max(event_date)")
    n, first, last = (over(aggregate, where, days, offset) for aggregate in aggregates)
    return f"({last} - {first}) / nullif({n} - 1, 0)"


def visits(days: int | None, offset: int = 0) -> str:
    return over("count(event_date)", "event_type = 'visit'", days, offset)


def latest(column: str, where: str, days: int | None = None, offset: int = 0) -> str:
    order = f"event_date DESC, occurred_at DESC, {column}::VARCHAR"
    return over(f"first({column} ORDER BY {order})", where, days, offset)


def most_frequent(name: str, rows: str, column: str, where: str, at_least: float = 0.0) -> str:
    """A view of as-of date, customer and the value most of its rows have; ties go to the first value."""
    return f"""CREATE VIEW {name} AS SELECT a, customer_id,
        CASE WHEN max(n) >= {at_least} * sum(n) THEN first(v ORDER BY n DESC, v) END AS {name} FROM (
            SELECT a, customer_id, {column} AS v, count(*) AS n FROM {rows} JOIN dates ON {where}
            WHERE v IS NOT NULL GROUP BY ALL) GROUP BY ALL;"""


def following(name: str, first: str, then: str, within: int) -> str:
    return f"""({then}) AND EXISTS (FROM events f WHERE f.customer_id = e.customer_id AND {first} AND (
        f.event_date = e.event_date AND f.occurred_at < e.occurred_at
        OR e.event_date - f.event_date BETWEEN 1 AND {within})) AS {name}"""


def expected_sql(kept: tuple[str, ...]) -> dict[str, str]:
    """Feature -> its definition, written once more, over the joined events of one customer and date `a`."""
    days = "count(DISTINCT event_date)"
    return {
        "events": over("count(event_date)"),
        "spend_28d": zero(over("sum(amount)", BUYS, 28)),
        "spend_84d": zero(over("sum(amount)", BUYS, 84)),
        "spend_84d_before": zero(over("sum(amount)", BUYS, 84, 28)),
        "units_28d": zero(over("sum(quantity)", days=28)),
        "points_84d": zero(over(f"sum({POINTS})", "quantity > 3 OR channel IS NULL", 84)),
        "least_84d": over("min(amount)", BUYS, 84),
        "most_units_28d": over("max(quantity)", days=28, offset=7),
        "lowest": over(f"min({POINTS})"),
        "mean_84d": over("avg(amount)", "city = 'Kyiv'", 84),
        "mean_points": over(f"avg({POINTS})"),
        "visits_28d": over(days, "event_type = 'visit'", 28),
        "gap_28d": gap("event_type = 'visit'", 28),
        "gap": gap("category = 'a'"),
        "own_share_84d": f"{zero(over('sum(amount)', OWN, 84))} / nullif({over('sum(amount)', days=84)}, 0)",
        "first_a_on": over("min(event_date)", "category = 'a'"),
        "last_84d_on": over("max(event_date)", f"{BUYS} AND category IN ('a', 'b')", 84, 7),
        "since_first": f"a - {over('min(event_date)', 'channel = $$web$$')}",
        "since_last_28d": f"a - {over('max(event_date)', 'channel = $$web$$', 28)}",
        **{f"days_{v}_84d": over(days, f"channel = '{v}'", 84) for v in ("web", "shop")},
        **{f"mean_{v}": over("avg(quantity)", f"channel = '{v}' AND {BUYS}") for v in ("phone", "web")},
        **{f"spend_{v}_84d": zero(over("sum(amount)", f"category = '{v}' AND {BUYS}", 84)) for v in kept},
        "gap_a": gap("category = 'a'", 182, 7),
        "channels_84d": over("count(DISTINCT channel)", days=84),
        **{f"numbers_{n}d": over(f"count(DISTINCT {POINTS})", days=n) for n in (28, 182)},
        "last_channel": latest("channel", "channel IS NOT NULL"),
        "last_units_84d": latest("quantity", "quantity IS NOT NULL AND event_type = 'visit'", 84, 7),
        "stopped_28d": f"{visits(28)} = 0 AND {visits(56, 28)} > 0",
        "back_28d": f"{visits(28)} > 0 AND {visits(28, 28)} = 0 AND {visits(None, 56)} > 0",
        "regular_28d": " + ".join(f"({visits(28, 28 * n)} > 0)::INT" for n in range(4)) + " >= 3",
        "after_84d": over(days, "follows_a_visit", 84),
        "same_day": over(days, "follows_the_web"),
        "per_visit": f"{zero(over('sum(amount)', BUYS, 84))} / nullif({over(days, 'event_type = $$visit$$', 28)}, 0)",
    }


TABLES = """
CREATE VIEW product AS SELECT product_id, arg_max(category, source) FILTER (WHERE category IS NOT NULL) AS category,
    arg_max(brand_type, source) FILTER (WHERE brand_type IS NOT NULL) AS brand_type FROM products GROUP BY ALL;
CREATE VIEW event AS SELECT e.*, p.category, p.brand_type, s.city, %(follows)s FROM events e
    LEFT JOIN product p USING (product_id) LEFT JOIN places s USING (place_id);
CREATE VIEW version AS SELECT d.a, c.*, -row_number() OVER (ORDER BY c.valid_from, c.source) AS latest
    FROM customers c JOIN dates d ON c.valid_from <= d.a
    QUALIFY row_number() OVER (PARTITION BY d.a, c.customer_id, c.source ORDER BY c.valid_from DESC) = 1;
CREATE VIEW profile AS SELECT a, customer_id,
    first(tariff ORDER BY latest) FILTER (WHERE tariff IS NOT NULL) AS tariff,
    first(household_size ORDER BY latest) FILTER (WHERE household_size IS NOT NULL) AS household_size,
    first(home_place_id ORDER BY latest) FILTER (WHERE home_place_id IS NOT NULL) AS home_place_id,
    first(birth_date ORDER BY latest) FILTER (WHERE birth_date IS NOT NULL) AS birth_date,
    first(status ORDER BY latest) FILTER (WHERE status IS NOT NULL) AS status,
    first(known_from ORDER BY latest) FILTER (WHERE known_from IS NOT NULL) AS known_from
    FROM version GROUP BY a, customer_id;
CREATE VIEW base AS SELECT a, customer_id FROM (
    SELECT a, customer_id FROM events JOIN dates ON event_date <= a
    UNION SELECT a, customer_id FROM profile WHERE known_from <= a)
    EXCEPT SELECT a, customer_id FROM profile WHERE status = 'former';
CREATE VIEW message AS SELECT a, customer_id, count(*) FILTER (WHERE sent_on > a - 84) AS messages_84d,
    count(DISTINCT sent_on) FILTER (WHERE channel = 'mail') AS mail_days,
    count(*) FILTER (WHERE channel = 'mail' AND sent_on > a - 182) AS by_mail_182d,
    count(*) FILTER (WHERE channel = 'sms' AND sent_on > a - 182) AS by_sms_182d
    FROM communications JOIN dates ON sent_on <= a GROUP BY ALL;
CREATE VIEW home AS SELECT h.place_id AS home_place_id, any_value(h.city) AS home_city,
    round(min(2 * 6371.0088 * asin(sqrt(pow(sin(radians(t.latitude - h.latitude) / 2), 2) + cos(radians(h.latitude))
        * cos(radians(t.latitude)) * pow(sin(radians(t.longitude - h.longitude) / 2), 2)))), 3) AS km_to_lviv
    FROM places h LEFT JOIN places t ON t.city = 'Lviv' GROUP BY ALL;
"""
FOLLOWS = ", ".join(
    [
        following("follows_a_visit", "f.event_type = 'visit'", "e.event_type = 'purchase'", 3),
        following("follows_the_web", "f.channel = 'web'", "e.channel = 'shop'", 0),
    ]
)
CHOSEN = [
    most_frequent("top_category_182d", "event", "category", f"{window(182)} AND {BUYS}"),
    most_frequent("main_channel_84d", "event", "channel", window(84, 7), 0.5),
    most_frequent("top_campaign", "communications", "campaign_id", "sent_on <= a"),
]


def computed_by_duckdb(world: World, kept: tuple[str, ...]) -> pa.Table:
    db = duckdb.connect()
    for name, table in {**world, "dates": pa.table({"a": pa.array(AS_OFS, pa.date32())})}.items():
        db.register(f"{name}_rows", table)
        db.execute(f"CREATE TABLE {name} AS FROM {name}_rows")
    db.execute(TABLES % {"follows": FOLLOWS} + "".join(CHOSEN))
    columns = ", ".join(f"{sql} AS {name}" for name, sql in expected_sql(kept).items())
    return db.sql(
        f"""SELECT m.*, tariff, household_size, per_visit > 100 AND household_size >= 2 AS big,
            coalesce(messages_84d, 0) AS messages_84d, coalesce(mail_days, 0) AS mail_days,
            coalesce(by_mail_182d, 0) AS by_mail_182d, coalesce(by_sms_182d, 0) AS by_sms_182d,
            top_category_182d, main_channel_84d, top_campaign, home_city, km_to_lviv,
            date_part('year', age(as_of_date, birth_date)) AS age_years FROM (
            SELECT a AS as_of_date, customer_id, {columns}
            FROM base LEFT JOIN event USING (customer_id) GROUP BY a, customer_id
        ) m LEFT JOIN profile ON a = as_of_date AND profile.customer_id = m.customer_id
        LEFT JOIN message n ON n.a = as_of_date AND n.customer_id = m.customer_id
        LEFT JOIN top_category_182d t ON t.a = as_of_date AND t.customer_id = m.customer_id
        LEFT JOIN main_channel_84d c ON c.a = as_of_date AND c.customer_id = m.customer_id
        LEFT JOIN top_campaign k ON k.a = as_of_date AND k.customer_id = m.customer_id
        LEFT JOIN home USING (home_place_id)
        ORDER BY as_of_date, m.customer_id"""
    ).to_arrow_table()


def most_bought(world: World) -> list[tuple[str, int]]:
    db = duckdb.connect()
    for name, table in world.items():
        db.register(name, table)
    return db.execute(
        f"""SELECT category, count(DISTINCT customer_id) FROM events JOIN (
                SELECT product_id, arg_max(category, source) FILTER (WHERE category IS NOT NULL) AS category
                FROM products GROUP BY ALL) USING (product_id)
            WHERE {BUYS} AND event_date BETWEEN DATE '2017-12-31' - 83 AND DATE '2017-12-31' AND category IS NOT NULL
            GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 3"""
    ).fetchall()


@pytest.fixture(scope="module")
def world() -> World:
    return random_world(seed=20171231, last=AS_OFS[0])


@pytest.fixture(scope="module")
def made(spark: SparkSession, world: World, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(spark, world, plan_of(tmp_path_factory.mktemp("duckdb"), FEATURES), AS_OFS)


@pytest.fixture(scope="module")
def expected(made: Made, world: World) -> pa.Table:
    return computed_by_duckdb(world, made.plan.kept["spend_{value}_84d"])


def same(found: object, wanted: object) -> bool:
    if isinstance(found, float) and wanted is not None:
        return math.isclose(found, float(wanted), rel_tol=1e-9, abs_tol=1e-9)  # type: ignore[arg-type]
    return found == wanted


def test_the_values_with_most_customers_are_kept(made: Made, world: World) -> None:
    assert made.plan.kept["spend_{value}_84d"] == tuple(value for value, _ in most_bought(world))


def test_the_same_customers_are_in_the_base_of_each_date(made: Made, expected: pa.Table) -> None:
    keys = ["as_of_date", "customer_id"]
    assert made.snapshot.select(keys).to_pylist() == expected.select(keys).to_pylist()
    assert {made.snapshot.column_names[i] for i in range(2, len(made.snapshot.column_names))} == set(
        expected.column_names[2:]
    )


def differences(made: Made, expected: pa.Table) -> dict[str, list[tuple[object, ...]]]:
    """Feature -> the first customers for whom strata and DuckDB differ, with both values."""
    wrong = {}
    for name in made.snapshot.column_names:
        columns = made.snapshot["customer_id"], made.snapshot[name], expected[name]
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        wrong[name] = [(customer, found, wanted) for customer, found, wanted in rows if not same(found, wanted)][:3]
    return {name: rows for name, rows in wrong.items() if rows}


def test_every_feature_agrees(made: Made, expected: pa.Table) -> None:
    assert differences(made, expected) == {}


@pytest.mark.long
@pytest.mark.soak
@given(seed=st.integers(0, 2**32 - 1), customers=st.integers(10, 90), events=st.integers(0, 3_000))
@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_every_feature_agrees_on_any_world(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, seed: int, customers: int, events: int
) -> None:
    tables = random_world(seed, last=AS_OFS[0], customers=customers, events=events)
    found = make(spark, tables, plan_of(tmp_path_factory.mktemp("any"), FEATURES), AS_OFS)
    assert differences(found, computed_by_duckdb(tables, found.plan.kept["spend_{value}_84d"])) == {}


def test_the_world_is_not_a_trivial_one(made: Made) -> None:
    # Else agreement would mean little: customers without events, zero windows, unknown values, several dates.
    events, spend = (made.snapshot[c].to_pylist() for c in ("events", "spend_28d"))
    assert events.count(0) > 3
    assert sum(n > 0 and s == 0 for n, s in zip(events, spend, strict=True)) > 10
    varied = [c for c in made.snapshot.column_names if len(set(made.snapshot[c].to_pylist())) > 2]
    truths = {"big", "stopped_28d", "back_28d", "regular_28d"}
    assert set(made.snapshot.column_names) - set(varied) <= truths
    assert all({True, False} <= set(made.snapshot[c].to_pylist()) for c in truths)
