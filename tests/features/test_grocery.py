"""The Complete Journey, mapped by hand: base, money and segments that are known from outside."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.end_to_end.kit import package_data
from tests.features.worlds import GROCERY, Made, settled

from strata.features.cells import build_cells, build_daily
from strata.features.snapshot import build_snapshot
from strata.features.tiles import TilePlan, plan_tiles
from strata.project.load import load_project

YEAR_END, NOVEMBER = date(2017, 12, 31), date(2017, 11, 30)
FEATURES = ("first_purchase_on", "days_since_first_purchase", "purchase_days_182d", "spend_364d")


@pytest.fixture(scope="module")
def plan() -> TilePlan:
    project = load_project(GROCERY)
    features = tuple(f for f in project.features if f.name in FEATURES)
    return plan_tiles(replace(project, features=features, recommendations=()))


@pytest.fixture(scope="module")
def silver(spark: SparkSession) -> Mapping[str, DataFrame]:
    lines = spark.read.parquet(str(package_data() / "transactions.parquet"))
    events = lines.select(
        F.col("household_id").cast("string").alias("customer_id"),
        F.to_date(F.from_utc_timestamp("transaction_timestamp", "America/New_York")).alias("event_date"),
        F.lit("purchase").alias("event_type"),
        F.col("sales_value").cast("decimal(18,2)").alias("amount"),
    )
    households = spark.read.parquet(str(package_data() / "demographics.parquet"))
    customers = households.select(
        F.col("household_id").cast("string").alias("customer_id"), F.lit("profiles").alias("source"),
        F.lit(date(2017, 1, 1)).alias("valid_from"), F.lit(None).cast("date").alias("known_from"),
        F.lit(None).cast("string").alias("status"),
    )  # fmt: skip
    return {"events": events, "customers": customers}


@pytest.fixture(scope="module")
def made(silver: Mapping[str, DataFrame], plan: TilePlan) -> Made:
    events, customers, as_ofs = silver["events"], silver["customers"], [YEAR_END, NOVEMBER]
    cells = build_cells({"events": events}, plan)  # no feature reads products or places
    daily = settled(build_daily(cells, plan))
    return Made(plan, daily, daily, build_snapshot({"daily": daily, "customers": customers}, plan, as_ofs).toArrow())


def purchase_frequency(row: Mapping[str, object]) -> str:
    days, since = row["purchase_days_182d"], row["days_since_first_purchase"]
    assert isinstance(days, int)
    assert isinstance(since, int)
    if days == 0:
        return "lost"
    if since < 91:
        return "new"
    return "high" if days >= 26 else "medium" if days >= 6 else "low"


def test_there_are_127431_customer_days_and_money_adds_up_exactly(made: Made) -> None:
    total = made.daily.agg(F.count(F.lit(1)), F.sum("event_count"), F.sum(made.plan.partials[1].name)).first()
    assert total == (127_431, 1_469_307, 459_603_958)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (YEAR_END, {"lost": 56, "new": 22, "high": 963, "medium": 1_101, "low": 327}),
        (NOVEMBER, {"lost": 44, "new": 33, "high": 956, "medium": 1_102, "low": 328}),
    ],
)
def test_purchase_frequency_has_the_known_sizes(made: Made, as_of: date, expected: dict[str, int]) -> None:
    rows = made.rows(as_of).values()
    assert len(rows) == sum(expected.values()) == {YEAR_END: 2_469, NOVEMBER: 2_463}[as_of]
    assert Counter(map(purchase_frequency, rows)) == expected
