"""Consent by purpose: missing consent is no, a missing objection is none, the latest row counts."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import pytest
from pyspark.sql import SparkSession

from strata.audiences.consent import eligible, what_refuses
from strata.project.policies import Purpose

ON = date(2017, 12, 31)
CONSENTS = (
    # customer, purpose, basis, granted, valid_from
    ("granted", "mail", "consent", True, "2017-03-01"),
    ("withdrawn", "mail", "consent", True, "2017-03-01"),
    ("withdrawn", "mail", "consent", False, "2017-04-01"),
    ("regranted", "mail", "consent", False, "2017-03-01"),
    ("regranted", "mail", "consent", True, "2017-04-01"),
    ("not yet", "mail", "consent", True, "2018-01-01"),
    ("still", "mail", "consent", True, "2017-12-31"),
    ("both on a day", "mail", "consent", True, "2017-03-01"),
    ("both on a day", "mail", "consent", False, "2017-03-01"),
    ("other purpose", "phone", "consent", True, "2017-03-01"),
    ("granted, objects", "mail", "consent", True, "2017-05-01"),
    ("granted, objects", "mail", "objection", True, "2017-03-01"),
    ("objects", "mail", "objection", True, "2017-03-01"),
    ("objects later", "mail", "objection", True, "2018-01-01"),
    ("objection over", "mail", "objection", True, "2017-03-01"),
    ("objection over", "mail", "objection", False, "2017-04-01"),
    ("no profiling", "profiling", "objection", True, "2017-03-01"),
    ("granted, no profiling", "mail", "consent", True, "2017-03-01"),
    ("granted, no profiling", "profiling", "objection", True, "2017-03-01"),
    ("objects to phone", "phone", "objection", True, "2017-03-01"),
    ("stranger", "mail", "consent", True, "2017-03-01"),
)
EVERYBODY = sorted({row[0] for row in CONSENTS} - {"stranger"} | {"silent"})


def allowed(spark: SparkSession, basis: Literal["consent", "legitimate_interest"]) -> Sequence[str]:
    rows = [(*row[:4], date.fromisoformat(row[4])) for row in CONSENTS]
    schema = "customer_id string, purpose string, basis string, granted boolean, valid_from date"
    customers = spark.createDataFrame([(c,) for c in [*EVERYBODY, "silent"]], "customer_id string")
    found = eligible(customers, spark.createDataFrame(rows, schema), Purpose("mail", basis, ""), ON)
    return sorted(row["customer_id"] for row in found.toArrow().to_pylist())


def test_with_basis_consent_only_those_who_gave_it_and_did_not_object(spark: SparkSession) -> None:
    assert allowed(spark, "consent") == ["granted", "regranted", "still"]


def test_with_legitimate_interest_all_but_those_who_object(spark: SparkSession) -> None:
    objecting = {"granted, objects", "objects", "no profiling", "granted, no profiling"}
    assert allowed(spark, "legitimate_interest") == [c for c in EVERYBODY if c not in objecting]


@pytest.mark.parametrize(("basis", "expected"), [("consent", []), ("legitimate_interest", ["a"])])
def test_without_any_consents_silence_means_what_the_basis_says(
    spark: SparkSession, basis: Literal["consent", "legitimate_interest"], expected: list[str]
) -> None:
    schema = "customer_id string, purpose string, basis string, granted boolean, valid_from date"
    customers = spark.createDataFrame([("a",)], "customer_id string")
    found = eligible(customers, spark.createDataFrame([], schema), Purpose("mail", basis, ""), ON)
    assert [row["customer_id"] for row in found.toArrow().to_pylist()] == expected


def test_what_refuses_somebody_is_an_objection_before_a_consent_that_was_withdrawn(spark: SparkSession) -> None:
    rows = [(*row[:4], date.fromisoformat(row[4])) for row in CONSENTS]
    rows += [("withdrawn, objects", *r) for r in (("mail", "consent", False, ON), ("mail", "objection", True, ON))]
    schema = "customer_id string, purpose string, basis string, granted boolean, valid_from date"
    expected = {
        "withdrawn": "consent withdrawn", "both on a day": "consent withdrawn", "silent": "no consent",
        "not yet": "no consent", "other purpose": "no consent", "objects": "objection",
        "objects to phone": "no consent",
        "no profiling": "objection to profiling", "granted, no profiling": "objection to profiling",
        "withdrawn, objects": "objection", "objection over": "no consent", "objects later": "no consent",
    }  # fmt: skip
    people = spark.createDataFrame([(c, "mail") for c in expected], "customer_id string, purpose string")
    found = what_refuses(people, spark.createDataFrame(rows, schema), ON).toArrow().to_pylist()
    assert {r["customer_id"]: r["reason"] for r in found} == expected
    assert len(found) == len(expected)
