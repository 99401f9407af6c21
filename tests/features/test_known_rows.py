"""A handful of customers whose features anyone can work out by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.features.worlds import Made, Row, make, plan_of, world

AS_OF = date(2017, 12, 31)
FEATURES = """
- {name: lines_28d, kind: count, where: "event_type = 'purchase'", days: 28}
- {name: spend_28d, kind: sum, of: amount, where: "event_type = 'purchase'", days: 28}
- {name: spend_28d_before, kind: sum, of: amount, days: 28, offset: 28}
- {name: mean_spend_28d, kind: mean, of: amount, days: 28}
- {name: least, kind: min, of: amount}
- {name: best_rating, kind: max, of: value_number}
- {name: rated, kind: sum, of: value_number}
- {name: days_28d, kind: active_days, where: "event_type = 'purchase'", days: 28}
- {name: gap_28d, kind: mean_gap, where: "event_type = 'purchase'", days: 28}
- {name: first_on, kind: first_on, where: "event_type = 'purchase'"}
- {name: last_on, kind: last_on, where: "event_type = 'purchase'"}
- {name: since_first, kind: days_since, of: first}
- {name: since_last, kind: days_since, of: last}
- {name: own_share, kind: share, of: amount, where: "brand_type = 'own'"}
- {name: "spend_on_{value}", kind: sum, of: amount, by: category, keep: 2, days: 28}
- {name: "days_of_{value}", kind: active_days, by: category, values: [tea, mate], days: 28}
- {name: "first_on_{value}", kind: first_on, by: channel, values: [web]}
- {name: tariff, kind: attribute, of: tariff}
- {name: age_band, kind: attribute, of: age_band}
- {name: spend_days_28d, kind: sum, of: "amount * days_between(event_date, date '2018-01-01')", days: 28}
- {name: longest_word, kind: max, of: "length(category) + 0.5", where: "brand_type = 'own'"}
- {name: days_until_as_of, kind: expression, of: "days_between(first_on, as_of_date)"}
- {name: per_day, kind: expression, of: "spend_28d / days_28d"}
- {name: per_day_twice, kind: expression, of: "per_day * 2"}
- {name: tea_per_day, kind: expression, of: "spend_28d / days_of_tea"}
"""


def bought(customer: str, days_ago: int, amount: str | None, product: str | None = None, **more: Any) -> Row:
    day = AS_OF - timedelta(days=days_ago)
    money = None if amount is None else Decimal(amount)
    kind = {"event_type": "purchase", "customer_id": customer, "event_date": day}
    return {**kind, "amount": money, "product_id": product, **more}


def profile(customer: str, valid_from: date, source: str = "crm", **known: Any) -> Row:
    return {"customer_id": customer, "source": source, "valid_from": valid_from, **known}


EVENTS = [
    bought("ann", 0, "10.00", "earl grey", value_number=0.1, channel="web"),
    bought("ann", 0, "0.10", "earl grey", value_number=0.2),
    bought("ann", 27, "0.20", "espresso"),
    bought("ann", 28, "99.99", "espresso"),
    bought("ann", 55, "5.00", channel="web"),
    bought("ann", 56, "7.00"),
    bought("bob", 3, None, "espresso", value_number=float("nan")),
    bought("bob", 1, "1.00", "espresso", event_type="visit"),
    bought("cid", 400, "2.00", "no such product"),
    bought("dan", 5, "1.00"),
    bought("eve", -1, "1.00", "earl grey"),
]
COFFEE = "HOT. `DRIP` = 1"
PRODUCTS = [
    {"product_id": "earl grey", "category": "tea", "brand_type": "own"},
    {"product_id": "espresso", "category": COFFEE, "source": "crm"},
    {"product_id": "espresso", "brand_type": "national", "source": "erp"},
    {"product_id": "espresso", "source": "zoo"},
]
EARLIER, LATER = date(2017, 1, 1), date(2018, 1, 1)
CUSTOMERS = [
    profile("ann", EARLIER, tariff="S", age_band="19-24"),
    profile("ann", date(2017, 6, 1), tariff="M"),
    profile("ann", date(2016, 12, 1), "app", tariff="app", age_band="25-34"),
    profile("ann", LATER, tariff="XXL", status="former"),
    profile("dan", EARLIER, status="former"),
    profile("fay", EARLIER, known_from=AS_OF),
    profile("gus", EARLIER, known_from=LATER),
    profile("hal", EARLIER, known_from=EARLIER, status="active"),
    profile("hal", date(2017, 2, 1), "app", status="former"),
    profile("ivy", EARLIER),
    profile("joe", LATER, known_from=EARLIER),
    profile("kim", EARLIER, known_from=EARLIER, status="former"),
    profile("kim", AS_OF, known_from=EARLIER, status="active"),
]


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Made:
    plan = plan_of(tmp_path_factory.mktemp("known"), FEATURES)
    return make(spark, world(EVENTS, CUSTOMERS, PRODUCTS), plan, [AS_OF])


def test_the_base_is_who_was_known_or_seen_and_is_not_closed(made: Made) -> None:
    assert list(made.rows()) == ["ann", "bob", "cid", "fay", "kim"]


def test_windows_hold_whole_days_and_their_first_day(made: Made) -> None:
    ann = made.rows()["ann"]
    assert (ann["lines_28d"], ann["spend_28d"], ann["days_28d"]) == (3, Decimal("10.30"), 2)
    assert ann["spend_28d_before"] == Decimal("104.99")
    assert (ann["gap_28d"], ann["mean_spend_28d"]) == (27.0, pytest.approx(10.3 / 3))
    assert (ann["first_on"], ann["since_first"], ann["since_last"]) == (date(2017, 11, 5), 56, 0)
    assert (ann["least"], ann["best_rating"], ann["rated"]) == (Decimal("0.10"), 0.2, 0.3)


def test_who_did_nothing_counts_zero_and_has_no_dates_means_or_shares(made: Made) -> None:
    fay = made.rows()["fay"]
    zero = {
        "lines_28d": 0,
        "spend_28d": Decimal("0.00"),
        "spend_days_28d": Decimal("0.00"),
        "days_28d": 0,
        "spend_28d_before": Decimal("0.00"),
        "rated": 0.0,
    }
    by = {
        "spend_on_tea": Decimal("0.00"),
        "spend_on_hot_drip_1": Decimal("0.00"),
        "days_of_tea": 0,
        "days_of_mate": 0,
    }
    assert fay.items() >= {**zero, **by}.items()
    assert {name for name, value in fay.items() if value is None} == {
        "mean_spend_28d", "least", "best_rating", "gap_28d", "first_on", "last_on", "since_first", "since_last",
        "own_share", "first_on_web", "tariff", "age_band", "per_day", "per_day_twice", "tea_per_day",
        "longest_word", "days_until_as_of",
    }  # fmt: skip


def test_an_amount_that_is_not_known_adds_nothing_but_its_event_counts(made: Made) -> None:
    bob = made.rows()["bob"]
    assert (bob["lines_28d"], bob["spend_28d"], bob["days_28d"], bob["mean_spend_28d"]) == (1, Decimal("0.00"), 1, 1.0)
    assert (bob["gap_28d"], bob["rated"], bob["best_rating"], bob["per_day"]) == (None, 0.0, None, 0.0)


def test_an_event_counts_once_however_many_sources_know_its_product(made: Made) -> None:
    assert made.rows()["ann"]["spend_on_hot_drip_1"] == Decimal("0.20")
    assert made.daily.selectExpr("sum(event_count)").first() == (len(EVENTS),)


def test_a_share_is_unknown_where_the_whole_is_zero(made: Made) -> None:
    rows = made.rows()
    assert rows["ann"]["own_share"] == pytest.approx(10.1 / 122.29)
    assert (rows["cid"]["own_share"], rows["fay"]["own_share"]) == (0.0, None)


def test_values_with_most_customers_are_kept_and_declared_values_stay(made: Made) -> None:
    # Coffee: ann, bob; tea: ann. Eve's tea is of tomorrow. Nobody has mate, which is declared all the same.
    assert made.plan.kept == {"spend_on_{value}": (COFFEE, "tea")}
    assert [n for n in made.snapshot.column_names if n.startswith("spend_on_")] == [
        "spend_on_hot_drip_1",
        "spend_on_tea",
    ]
    ann = made.rows()["ann"]
    assert (ann["spend_on_tea"], ann["days_of_tea"], ann["days_of_mate"], ann["first_on_web"]) == (
        Decimal("10.10"), 1, 0, date(2017, 11, 6),
    )  # fmt: skip


def test_attributes_are_those_of_the_day_and_of_the_source_that_changed_last(made: Made) -> None:
    # crm knew an age until June, and leaves it unknown since; the app has known one all along.
    assert [made.rows()["ann"][c] for c in ("tariff", "age_band")] == ["M", "25-34"]


def test_expressions_use_features_and_other_expressions(made: Made) -> None:
    ann = made.rows()["ann"]
    assert (ann["per_day"], ann["per_day_twice"], ann["tea_per_day"]) == (5.15, 10.3, 10.3)


def test_what_is_added_up_may_be_computed_from_the_columns_of_a_row(made: Made) -> None:
    rows = made.rows()
    assert rows["ann"]["spend_days_28d"] == Decimal("10.00") + Decimal("0.10") + 28 * Decimal("0.20")
    assert rows["bob"]["spend_days_28d"] == Decimal("2.00")  # of an unknown amount nothing is added
    assert (rows["ann"]["longest_word"], rows["bob"]["longest_word"]) == (len("tea") + 0.5, None)


def test_expressions_know_the_date(made: Made) -> None:
    found = {name: row["days_until_as_of"] for name, row in made.rows().items()}
    assert found == {"ann": 56, "bob": 3, "cid": 400, "fay": None, "kim": None}


def test_columns_stand_in_the_order_of_the_project(made: Made) -> None:
    names = made.snapshot.column_names
    assert names[:4] == ["as_of_date", "customer_id", "lines_28d", "spend_28d"]
    assert names[-3:] == ["per_day", "per_day_twice", "tea_per_day"]
