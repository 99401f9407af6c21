"""Bases, attributes, and segmentations that read each other: hand-made customers with the segments they must get."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.expression import Name
from strata.project.words import Text
from strata.segments.assign import assign_all, to_columns, with_segments
from strata.segments.assignment import permission_name
from strata.segments.cuts import Cuts, resolve
from strata.segments.cutting import measure_cuts

from .definitions import HERE, score, segment, segmentation, snapshot

NAMES = {"days": Name(Type.BIGINT, False), "city": Name(Type.STRING, True), "spend": Name(Type.MONEY, False)}
ACTIVE = segmentation("active", segments=[segment("yes", "days > 0"), segment("no")], otherwise="no")
TIER = segmentation(
    "tier",
    segments=[
        segment("gold", "active = 'yes' and spend >= 100"),
        segment("was_gold", "previous.tier = 'gold'"),
        segment("plain"),
    ],
    otherwise="plain",
)
WITHIN = segmentation(
    "within",
    segments=[segment("big", "days > 5"), segment("small")],
    otherwise="small",
    base=Text("active = 'yes'", HERE),
)
NEWS = segmentation("news", segments=[segment("all")], otherwise="all", purpose="news")
CITY = segmentation("city_group", "attribute", of="city", otherwise="other", unknown="nowhere")


def group(name: str, *values: str):
    return replace(segment(name), values=values)


def customers(spark: SparkSession):
    columns = {
        "days": [0, 3, 9, 9],
        "spend": [Decimal("500.00"), Decimal("500.00"), Decimal("99.99"), Decimal("100.00")],
        "city": ["Kyiv", None, "Lviv", "Odesa"],
        "previous.tier": ["gold", None, "gold", "plain"],
        permission_name("news"): [True, False, True, True],
    }
    return snapshot(spark, columns)


def test_what_segmentations_name_is_computed_first_and_a_base_leaves_customers_out(spark: SparkSession) -> None:
    cities = replace(CITY, segments=(group("capital", "Kyiv"), group("west", "Lviv", "Uzhhorod")))
    made = [WITHIN, TIER, NEWS, ACTIVE, cities]  # those that are needed come last on purpose
    rows = assign_all(customers(spark), made, NAMES).collect()
    found = {(int(r.customer_id, 16), r.segmentation): r.segment for r in rows}
    assert len(rows) == len(found)
    expected = {
        "active": ["no", "yes", "yes", "yes"],
        "tier": ["was_gold", "gold", "was_gold", "gold"],
        "within": [None, "small", "big", "big"],
        "news": ["all", None, "all", "all"],
        "city_group": ["capital", "nowhere", "west", "other"],
    }
    assert {name: [found.get((i, name)) for i in range(4)] for name in expected} == expected
    assert (0, "within") not in found
    wide = to_columns(with_segments(customers(spark), made, NAMES), [*expected, "retired"]).orderBy("customer_id")
    assert [r.asDict() for r in wide.drop("as_of_date", "customer_id").collect()] == [
        {**{name: expected[name][i] for name in expected}, "retired": None} for i in range(4)
    ]


def test_segmentations_that_need_each_other_are_refused(spark: SparkSession) -> None:
    chicken = segmentation("chicken", segments=[segment("a", "egg = 'a'")])
    egg = segmentation("egg", segments=[segment("a", "chicken = 'a'")])
    with pytest.raises(ProjectError, match="`chicken` needs `egg` needs `chicken`"):
        assign_all(customers(spark), [chicken, egg], NAMES)


def test_cuts_are_those_of_the_whole_base_whatever_its_layout(spark: SparkSession) -> None:
    """The set that makes half of the money by sorting on the driver; the quantiles by numpy's nearest rank."""
    draw = random.Random(5)
    cents = [int(draw.paretovariate(1.1) * 1000) for _ in range(3000)] + [0] * 500
    columns = {"spend": cents, "days": [draw.choice([None, 1, 2, 30, 400]) for _ in cents]}
    frame = snapshot(spark, columns).withColumn("spend", (F.col("spend") / 100).cast("decimal(18,2)"))
    tiers = segmentation(
        "tiers",
        "scores",
        [segment("best", "v = 3"), segment("rest")],
        otherwise="rest",
        scores=(
            replace(score("v", "spend", [], "high"), covers=(0.8, 0.5)),
            replace(score("d", "days", [], "low"), quantiles=4),
        ),
    )
    cuts = [measure_cuts(frame.repartition(n), tiers) for n in (1, 7)]
    assert cuts[0] == cuts[1]
    expected, covered = [], 0
    ordered = sorted(cents, reverse=True)
    for value in ordered:
        covered += value
        while len(expected) < 2 and covered >= [0.5, 0.8][len(expected)] * sum(cents):
            expected.append(value / 100)
    assert cuts[0].thresholds["v"] == tuple(reversed(expected))
    known = sorted(d for d in columns["days"] if d is not None)
    ranks = [-(-len(known) * i // 4) - 1 for i in (1, 2, 3)]
    assert cuts[0].thresholds["d"] == tuple(float(known[r]) for r in ranks)
    nobody = measure_cuts(frame.where("spend = 0"), tiers)
    assert Cuts.from_json(nobody.to_json()) == nobody
    assert assign_all(frame.where("spend = 0"), [resolve(tiers, nobody)], NAMES).where("segment = 'best'").isEmpty()


def test_values_of_an_attribute_are_found_in_the_data(spark: SparkSession) -> None:
    frame = snapshot(spark, {"city": ["Kyiv"] * 12 + ["Lviv"] * 9 + ["kyiv"] + [None] * 3})
    cities = replace(CITY, floor=10)
    found = resolve(cities, measure_cuts(frame, cities))
    rows = assign_all(frame, [found], NAMES).groupBy("segment").count().collect()
    assert {r.segment: r["count"] for r in rows} == {"kyiv": 13, "other": 9, "nowhere": 3}
