"""A value as another type: exact, or refused with a reason, and never an error."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.ingest.convert import convert, names_a_zone, out_of_range
from strata.ingest.records import as_list, reasons_of

B, I, M, D, S, DAY, AT = (  # noqa: E741 - one letter a type, as in the tables below
    Type.BOOLEAN,
    Type.BIGINT,
    Type.MONEY,
    Type.DOUBLE,
    Type.STRING,
    Type.DATE,
    Type.INSTANT,
)
MOMENT = datetime(2024, 3, 1, 10, 30, tzinfo=UTC)

# found, wanted, pattern, value, converted, reason
CASES = [
    (S, S, None, " words ", "words", None),
    (S, S, None, " \t\u00a0", None, None),
    (S, S, None, None, None, None),
    (S, I, None, " 12 ", 12, None),
    (S, I, None, "-0", 0, None),
    (S, I, None, "1.5", None, "x_not_bigint"),
    (S, I, None, "1e3", None, "x_not_bigint"),
    (S, I, None, "9223372036854775808", None, "x_not_bigint"),
    (S, I, None, "", None, None),
    (S, M, None, "1234.5", Decimal("1234.50"), None),
    (S, M, None, "-0.01", Decimal("-0.01"), None),
    (S, M, None, "1.500", Decimal("1.50"), None),
    (S, M, None, "1,50", None, "x_not_money"),
    (S, M, None, "1.505", None, "x_more_than_2_decimals"),
    (S, M, None, "0.000000000000001", None, "x_more_than_2_decimals"),
    (S, M, None, "10000000000000000", None, "x_not_money"),
    (S, M, None, "NaN", None, "x_not_money"),
    (S, M, None, "12 UAH", None, "x_not_money"),
    (D, M, None, 0.1 + 0.2, Decimal("0.30"), None),
    (D, M, None, 5.551115e-17, Decimal("0.00"), None),
    (D, M, None, 123456789012.34, Decimal("123456789012.34"), None),
    (D, M, None, 1.505, None, "x_more_than_2_decimals"),
    (D, M, None, 0.001, None, "x_more_than_2_decimals"),
    (D, M, None, float("nan"), None, "x_not_money"),
    (D, M, None, float("inf"), None, "x_not_money"),
    (D, M, None, 1e17, None, "x_not_money"),
    (D, M, None, None, None, None),
    (I, M, None, 7, Decimal("7.00"), None),
    (I, M, None, 10**17, None, "x_not_money"),
    (S, D, None, "1e3", 1000.0, None),
    (S, D, None, "NaN", None, "x_not_double"),
    (S, D, None, "-Infinity", None, "x_not_double"),
    (S, D, None, "1,5", None, "x_not_double"),
    (D, D, None, float("nan"), None, "x_not_double"),
    (D, D, None, float("inf"), None, "x_not_double"),
    (D, D, None, 2.5, 2.5, None),
    (I, D, None, 3, 3.0, None),
    (S, B, None, "true", True, None),
    (S, B, None, "maybe", None, "x_not_boolean"),
    (S, DAY, None, "2024-02-29", date(2024, 2, 29), None),
    (S, DAY, None, "2023-02-29", None, "x_not_date"),
    (S, DAY, None, "2024", None, "x_not_date"),
    (S, DAY, None, "24-01-01", None, "x_not_date"),
    (S, DAY, None, "20240101", None, "x_not_date"),
    (S, DAY, "dd.MM.yyyy", "29.02.2024", date(2024, 2, 29), None),
    (S, DAY, "dd.MM.yyyy", "2024-02-29", None, "x_not_date"),
    (S, DAY, "dd.MM.yyyy", "30.02.2024", None, "x_not_date"),
    (S, AT, None, "2024-03-01 10:30:00", MOMENT, None),
    (S, AT, None, "2024-03-01T12:30:00+02:00", MOMENT, None),
    (S, AT, None, "10:30", None, "x_not_instant"),
    (S, AT, "dd.MM.yyyy HH:mm", "01.03.2024 10:30", MOMENT, None),
    (DAY, AT, None, date(2024, 3, 1), datetime(2024, 3, 1, tzinfo=UTC), None),
    (AT, DAY, None, MOMENT, date(2024, 3, 1), None),
    (I, S, None, 7, "7", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def converted(spark: SparkSession) -> list[dict[str, object]]:
    """Every case in one Spark job."""
    columns: list[Column] = []
    for i, (found, wanted, pattern, value, _, _) in enumerate(CASES):
        made = convert(F.lit(value).cast(found.value), "x", found, wanted, pattern)
        reasons = as_list(reasons_of(made.reasons))
        columns.append(F.struct(made.value.alias("value"), reasons.alias("reasons")).alias(f"c{i}"))
    row = spark.range(1).select(*columns).toArrow().to_pylist()[0]
    return [row[f"c{i}"] for i in range(len(CASES))]


@pytest.mark.parametrize("i", range(len(CASES)), ids=[f"{c[0].name}-{c[1].name}-{c[3]}" for c in CASES])
def test_a_value_is_converted_exactly_or_refused(converted: list[dict[str, object]], i: int) -> None:
    *_, value, reason = CASES[i]
    assert converted[i] == {"value": value, "reasons": [reason or ""]}
    assert type(converted[i]["value"]) is type(value)


def test_minus_zero_becomes_zero(spark: SparkSession) -> None:
    made = convert(F.lit(-0.0), "x", D, D).value
    assert str(spark.range(1).select(made.alias("x")).toArrow()["x"][0].as_py()) == "0.0"


def test_days_that_no_source_can_mean_are_out_of_range(spark: SparkSession) -> None:
    days = ["0001-01-01", "1899-12-31", "1900-01-01", "2199-12-31", "2200-01-01", "9999-12-31"]
    row = spark.range(1).select(*(out_of_range(F.lit(d).cast("date"), DAY).alias(d) for d in days)).first()
    assert row is not None
    assert [row[d] for d in days] == [True, True, False, False, True, True]


def test_a_text_may_say_its_own_zone(spark: SparkSession) -> None:
    texts = [
        "2024-03-01 10:00",
        "2024-03-01T10:00:00Z",
        "2024-03-01 10:00+02:00",
        "2024-03-01",
        "2024-03-01 10:00 -0500",
        "2024-03-01 10:00:00.5 Europe/Kyiv",
        "2024-03-01 10:00 UTC",
        "15-01-2024",
        "2024-03-01 10:00 PM",
    ]
    row = spark.range(1).select(*(names_a_zone(F.lit(t)).alias(f"c{i}") for i, t in enumerate(texts))).first()
    assert row is not None
    assert list(row) == [False, True, True, False, True, True, True, False, False]
