"""Segments of units and how they come together, on rows whose answer anyone can tell."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.segments.definitions import HERE, score, segment, segmentation

from strata.contract.columns import Type
from strata.expression import Name
from strata.project.models import Segmentation
from strata.project.units import RollUp
from strata.segments.assign import assign_all
from strata.segments.units import assign_units, roll_up

EARLIER, LATER = date(2017, 11, 30), date(2017, 12, 31)
NAMES = {"nights": Name(Type.BIGINT, False), "stays": Name(Type.BIGINT, False), "city": Name(Type.STRING, True)}
SEGMENTS = [segment("high", "nights >= 7"), segment("mid", "nights >= 3"), segment("low"), segment("none")]


def per(unit: str, by: str, name: str, **changes: Any) -> Segmentation:
    declared = {"segments": SEGMENTS, "otherwise": "low", **changes}
    return segmentation(name, per=unit, roll_up=RollUp(by, "none", HERE), **declared)  # type: ignore[arg-type]


THREE = [per("trip", by, by) for by in ("last", "most_frequent", "highest")]
HIGH, MID, LOW = 7, 3, 1
TRIPS: dict[str, list[tuple[str, int, int]]] = {
    # customer: trips as id, last day of December, nights
    "last is not most": [("t1", 5, LOW), ("t2", 9, HIGH), ("t3", 7, LOW)],
    "as many, one later": [("t1", 3, HIGH), ("t2", 8, LOW)],
    "as many, as late": [("t1", 8, MID), ("t9", 8, LOW)],
    "as many, as late, by place": [("t1", 8, HIGH), ("t9", 8, LOW)],
    "ids are words": [("10", 8, HIGH), ("9", 8, LOW), ("8", 8, MID), ("7", 8, MID)],
    "one": [("t1", 1, MID)],
    "two highs early": [("t1", 1, HIGH), ("t2", 2, HIGH), ("t3", 3, LOW), ("t4", 4, MID)],
}
ROLLED_UP = {
    # customer: last, most_frequent, highest
    "last is not most": ("high", "low", "high"),
    "as many, one later": ("low", "low", "high"),
    "as many, as late": ("low", "mid", "mid"),
    "as many, as late, by place": ("low", "high", "high"),
    "ids are words": ("low", "mid", "high"),
    "one": ("mid", "mid", "mid"),
    "two highs early": ("mid", "high", "high"),
    "stays at home": ("none", "none", "none"),
}


def units_of(spark: SparkSession, trips: dict[str, list[tuple[str, int, int]]], as_of: date) -> DataFrame:
    rows = [
        {
            "as_of_date": as_of, "customer_id": customer, "unit": "trip", "unit_id": trip,
            "from_date": date(2017, as_of.month, 1), "to_date": date(2017, as_of.month, day), "nights": nights,
            "stays": None, "city": None,
        }
        for customer, listed in trips.items() for trip, day, nights in listed
    ]  # fmt: skip
    shop = {"unit": "shop", "unit_id": "s", "stays": 4, "nights": None, "city": "Lviv"}
    words, days, numbers = ("customer_id", "unit", "unit_id", "city"), ("from_date", "to_date"), ("nights", "stays")
    kinds = {"as_of_date": pa.date32(), **dict.fromkeys(words, pa.string()), **dict.fromkeys(days, pa.date32())}
    kinds |= dict.fromkeys(numbers, pa.int64())
    return spark.createDataFrame(pa.Table.from_pylist([*rows, {**rows[0], **shop}], pa.schema(kinds)))


def customers_of(spark: SparkSession, *as_ofs: date) -> DataFrame:
    rows = [{"as_of_date": day, "customer_id": c, "spend": len(c)} for day in as_ofs for c in ROLLED_UP]
    return spark.createDataFrame(pa.Table.from_pylist(rows))


def come_to(units: DataFrame, customers: DataFrame, segmentations: list[Segmentation]) -> DataFrame:
    """As rows of members.segment_membership."""
    return assign_all(roll_up(units, customers, segmentations), segmentations, NAMES)


def segments_of(frame: DataFrame, *keys: str) -> dict[Any, str]:
    """Key columns (a value where there is one) -> segment."""
    rows = frame.select(*keys, "segment").toArrow().to_pylist()
    found = {tuple(r[k] for k in keys) if len(keys) > 1 else r[keys[0]]: r["segment"] for r in rows}
    assert len(found) == len(rows), "a row per key"
    return found


@pytest.fixture(scope="module")
def assigned(spark: SparkSession) -> DataFrame:
    """Of two dates: a month before, some trips had not been made."""
    known = {c: trips[:1] for c, trips in TRIPS.items() if c not in ("one", "ids are words")}
    both = units_of(spark, {**TRIPS, "not of the base": [("t1", 1, HIGH)]}, LATER)
    both = both.unionByName(units_of(spark, known, EARLIER))
    found = assign_units(both, customers_of(spark, EARLIER, LATER), THREE, NAMES)
    return spark.createDataFrame(found.toArrow(), found.schema)


def test_every_unit_of_the_base_has_a_segment_on_every_date_and_keeps_its_days(assigned: DataFrame) -> None:
    rows = [r for r in assigned.toArrow().to_pylist() if r["segmentation"] == "last"]
    now = {(r["customer_id"], r["unit_id"]): r["segment"] for r in rows if r["as_of_date"] == LATER}
    names = {HIGH: "high", MID: "mid", LOW: "low"}
    assert now == {(c, trip): names[nights] for c, trips in TRIPS.items() for trip, _, nights in trips}
    then = {(r["customer_id"], r["unit_id"]): r["to_date"].day for r in rows if r["as_of_date"] == EARLIER}
    assert then == {(c, TRIPS[c][0][0]): TRIPS[c][0][1] for c in TRIPS if c not in ("one", "ids are words")}
    assert {r["from_date"].day for r in rows} == {1}
    assert {r["score"] for r in rows} == {None}
    assert assigned.columns == [
        "as_of_date", "segmentation", "customer_id", "unit_id", "from_date", "to_date", "segment", "score",
    ]  # fmt: skip


def test_units_come_together_by_the_last_the_most_frequent_or_the_highest(
    spark: SparkSession, assigned: DataFrame
) -> None:
    frame = come_to(assigned, customers_of(spark, EARLIER, LATER), THREE)
    found = segments_of(frame, "as_of_date", "customer_id", "segmentation")
    ways = ("last", "most_frequent", "highest")
    assert {c: tuple(found[LATER, c, way] for way in ways) for c in ROLLED_UP} == ROLLED_UP
    first = {HIGH: "high", MID: "mid", LOW: "low"}
    was = {c: first[trips[0][2]] for c, trips in TRIPS.items()} | dict.fromkeys(
        ("one", "ids are words", "stays at home"), "none"
    )
    assert {c: {found[EARLIER, c, way] for way in ways} for c in ROLLED_UP} == {c: {s} for c, s in was.items()}
    assert frame.dtypes == [
        ("as_of_date", "date"), ("customer_id", "string"), ("segmentation", "string"), ("version", "bigint"),
        ("segment", "string"), ("score", "double"),
    ]  # fmt: skip


def test_rules_read_the_customer_too_and_scores_and_several_units_stand_side_by_side(spark: SparkSession) -> None:
    names = {**NAMES, "spend": Name(Type.BIGINT, False)}
    rich = [segment("high", "nights >= 3 and spend > 10"), segment("low"), segment("none")]
    scores = [segment("high", "n = 3"), segment("low", "n <= 2"), segment("none")]
    asked = [
        per("trip", "last", "rich", segments=rich),
        per("trip", "last", "long", kind="scores", segments=scores, scores=(score("n", "nights", [3, 7], "high"),)),
        per("shop", "last", "near", segments=[segment("low", "city = 'Lviv' and stays = 4"), segment("none")],
            otherwise="error"),
    ]  # fmt: skip
    trips = {"one": [("t1", 1, MID)], "last is not most": [("t1", 1, MID), ("t2", 2, HIGH)]}
    found = assign_units(units_of(spark, trips, LATER), customers_of(spark, LATER), asked, names)
    assert segments_of(found, "segmentation", "customer_id", "unit_id") == {
        ("rich", "one", "t1"): "low", ("rich", "last is not most", "t1"): "high",
        ("rich", "last is not most", "t2"): "high",
        ("long", "one", "t1"): "low", ("long", "last is not most", "t1"): "low",
        ("long", "last is not most", "t2"): "high", ("near", "one", "s"): "low",
    }  # fmt: skip


def test_a_unit_that_no_rule_takes_is_left_open_for_the_gate_and_not_hidden_by_the_rest(spark: SparkSession) -> None:
    open_end = [
        per("trip", "last", "open", segments=[segment("high", "nights >= 7"), segment("none")], otherwise="error")
    ]
    units = assign_units(units_of(spark, {"one": [("t1", 1, MID)]}, LATER), customers_of(spark, LATER), open_end, NAMES)
    assert segments_of(units, "customer_id", "unit_id") == {("one", "t1"): None}
    rolled = segments_of(come_to(units, customers_of(spark, LATER), open_end), "customer_id")
    assert (rolled["one"], rolled["stays at home"]) == (None, "none")
