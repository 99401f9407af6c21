"""What happens in a small world: the same whatever the partitioning, and as it was planted."""

import numpy as np
import polars as pl
import pytest
from pyspark.sql import functions as F
from tests.generate.kit import CONF, content, world

from strata.contract.columns import Type
from strata.contract.spark import rows_of
from strata.generate import catalogue
from strata.generate.attainable import best_kappas, judge
from strata.generate.campaigns import LIFT_DAYS, lift_factor, planned
from strata.generate.days import active_days
from strata.generate.dirt import COPY, KIND, planted
from strata.generate.draws import Dice
from strata.generate.evidence import acts_of, looks
from strata.generate.people import make_customers
from strata.generate.streams import STREAMS, delivered
from strata.generate.traits import LATER_CLUSTER, PURCHASE_CLASS, SEASON, TRAITS
from strata.pipeline.generate import generating
from strata.project.load import load_project

BY_NAME = {stream.source: stream for stream in STREAMS}
KINDS_OF_PLAN = ("recharges", "subscribers")


@pytest.fixture(scope="module", autouse=True)
def _generating(spark):
    with generating(spark):
        yield


def rows(spark, name, of=None, days=None):
    of = of or world()
    return delivered(spark, of, BY_NAME[name], days or range(of.days))


@pytest.mark.parametrize("name", KINDS_OF_PLAN)
def test_a_world_is_the_same_whatever_the_partitioning(spark, name):
    before, found = spark.conf.get("spark.sql.shuffle.partitions"), set()
    try:
        for partitions in (1, 4, 7):
            spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
            found.add(content(rows(spark, name, world(dirt=0.2))))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    # Delivered at once, and in two parts.
    first, second = (rows(spark, name, world(dirt=0.2), days) for days in (range(10), range(10, 30)))
    found.add(content(first.union(second)))
    assert len(found) == 1


@pytest.mark.parametrize("name", KINDS_OF_PLAN)
def test_a_longer_world_has_the_same_first_days(spark, name):
    longer = rows(spark, name, world(days=40, dirt=0.2)).filter("day < 30")
    assert content(longer) == content(rows(spark, name, world(dirt=0.2)))


def test_another_seed_is_another_world(spark):
    assert content(rows(spark, "recharges", world(seed=2))) != content(rows(spark, "recharges"))


@pytest.fixture(scope="module")
def everything(spark):
    """Stream -> its rows in a clean world of four weeks and a bit."""
    return {s.source: pl.from_arrow(rows(spark, s.source).toArrow()) for s in STREAMS}


KINDS = {
    Type.STRING: (pl.String,), Type.BIGINT: (pl.Int64,), Type.DOUBLE: (pl.Float64,), Type.DATE: (pl.Date,),
    Type.BOOLEAN: (pl.Boolean,), Type.MONEY: (pl.Decimal,), Type.INSTANT: (pl.Datetime,),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_a_stream_is_what_the_project_reads_and_its_key_is_one(everything, name):
    source = next(s for s in load_project(CONF).sources if s.name == name)
    found = everything[name]
    assert found.columns == ["day", *source.schema]
    assert len(found) > 0
    kept = [k for k in source.key if k in source.schema]
    assert found.select(kept).is_unique().all()
    if source.read.format == "parquet":
        wrong = [c for c, t in source.schema.items() if not isinstance(found.schema[c], KINDS[t])]
        assert wrong == []


def test_events_happen_on_the_day_of_their_file_in_kyiv(everything):
    usage = everything["usage"]
    moments = usage["started_at"].dt.replace_time_zone(None).dt.replace_time_zone("UTC")
    dates = moments.dt.convert_time_zone("Europe/Kyiv").dt.date()
    days = (dates - pl.Series([world().starts_on] * len(usage))).dt.total_days()
    assert days.to_list() == usage["day"].to_list()


def test_what_is_bought_watched_and_learned_is_in_the_catalogue(everything):
    products = {p["product_id"] for p in catalogue.products()}
    for name, column in (
        ("purchases", "product_id"),
        ("plays", "title_id"),
        ("lessons", "lesson_id"),
        ("investments", "fund_id"),
    ):
        assert set(everything[name][column]) <= products
    places = {p["place_id"] for p in catalogue.places()}
    assert (
        set(everything["purchases"]["store_id"].drop_nulls()) | set(everything["subscribers"]["home_place"]) <= places
    )
    paid = everything["purchases"]
    assert (paid["paid"] + paid["discount"] == paid["listed"]).all()
    assert (paid["paid"] > 0).all()


def test_nobody_acts_before_activation_or_after_leaving(spark, everything):
    life = pl.from_arrow(make_customers(spark, world()).select("customer", "activated", "left").toArrow())
    used = everything["usage"].select("day", (pl.col("record_id") // 10_000_000).alias("customer")).unique()
    seen = used.join(life, "customer")
    assert len(seen) == len(used)
    assert seen.select(((pl.col("activated") <= pl.col("day")) & (pl.col("day") < pl.col("left"))).all()).item()


def test_usage_has_a_week_and_a_heavy_tail(spark):
    of = world(customers=2_000, days=14)
    views = rows(spark, "views", of).groupBy("day").count()
    by_day = {r["day"]: r["count"] for r in rows_of(views)}
    weekend = [d for d in by_day if of.date_of(d).weekday() >= 5]
    mean = np.mean([by_day[d] for d in by_day if d not in weekend])
    assert 0.6 < np.mean([by_day[d] for d in weekend]) / mean < 0.85  # planted: 0.8 against 1.06
    used = rows(spark, "usage", of).groupBy("msisdn").count()
    per_customer = np.sort([r["count"] for r in rows_of(used)])[::-1]
    assert per_customer[: len(per_customer) // 100].sum() / per_customer.sum() > 0.04


def test_presents_are_bought_before_christmas_early_or_late(spark):
    of = world(customers=800, days=90)
    gifts = rows(spark, "purchases", of, range(28, 90)).filter(F.col("product_id").startswith("P-gifts"))
    days = [r["day"] for r in rows_of(gifts)]
    leads = [85 - d for d in days]
    assert set(leads) <= set(range(55))
    assert min(leads) >= 0
    assert sum(lead <= 7 for lead in leads) / 8 > 1.5 * sum(8 <= lead <= 20 for lead in leads) / 13


def test_controls_are_drawn_by_chance_and_get_no_lift(spark):
    of = world(customers=3_000, days=43)
    told = rows(spark, "communications", of).groupBy("campaign_id").agg(
        F.count("*").alias("n"), F.sum(F.col("is_control").cast("int")).alias("controls")
    )  # fmt: skip
    shares = {r["campaign_id"]: r["controls"] / r["n"] for r in rows_of(told)}
    assert set(shares) == {c.campaign_id for c in planned(of)}
    assert all(0.12 < share < 0.18 for share in shares.values())
    days = active_days(spark, of, range(29, 30)).withColumn("lift", lift_factor(Dice(of.seed)))
    by_class = rows_of(days.groupBy("lift", "purchase_class").count())
    assert {round(r["lift"], 6) for r in by_class} == {1.0, 1.0 + planned(of)[1].lift}
    reached = {c: sum(r["count"] for r in by_class if r["purchase_class"] == c and r["lift"] > 1) for c in range(4)}
    everybody = {c: sum(r["count"] for r in by_class if r["purchase_class"] == c) for c in range(4)}
    for number in range(len(PURCHASE_CLASS.values)):
        assert abs(reached[number] / everybody[number] - 0.7 * 0.85) < 0.09


@pytest.fixture(scope="module")
def two_campaigns(spark):
    """What an analyst sees of the third and the fourth campaign: chosen customers, and their receipts without gifts."""
    of = world(customers=6_000, days=70)
    told = pl.from_arrow(rows(spark, "communications", of, range(42, 57)).toArrow())
    lines = rows(spark, "purchases", of, range(42, 70)).where(~F.col("product_id").startswith("P-gifts"))
    receipts = pl.from_arrow(lines.select("day", "msisdn", "receipt_id").distinct().toArrow())
    return told, receipts


@pytest.mark.parametrize("number", [3, 4])
def test_a_planted_lift_is_found_again_by_comparing_with_the_controls(two_campaigns, number):
    told, receipts = two_campaigns
    campaign = planned(world(days=70))[number - 1]
    during = receipts.filter(pl.col("day").is_between(campaign.starts, campaign.starts + LIFT_DAYS - 1))
    bought = during.group_by("msisdn").agg(pl.len().alias("receipts"))
    chosen = told.filter(campaign_id=campaign.campaign_id).join(bought, "msisdn", "left").fill_null(0)
    groups = chosen.group_by("is_control").agg(pl.mean("receipts").alias("mean"), pl.var("receipts") / pl.len())
    found = {r["is_control"]: (r["mean"], r["receipts"]) for r in groups.to_dicts()}
    (treated, of_treated), (control, of_control) = found[False], found[True]
    ratio = treated / control
    # The delta method: relative variances of independent means add up.
    error = ratio * (of_treated / treated**2 + of_control / control**2) ** 0.5
    assert error < 0.2
    assert abs(ratio - (1 + campaign.lift)) < 3 * error


@pytest.mark.parametrize(("name", "customers"), [("usage", 20), ("recharges", 60), ("roaming", 200)])
def test_dirt_is_counted_and_the_rest_stays_as_it_was(spark, name, customers):
    spoilt = rows(spark, name, world(customers, dirt=0.3))
    spoilt_rows = rows_of(spoilt)
    kinds = set(BY_NAME[name].soil.kinds())
    assert {r[KIND] for r in spoilt_rows} == {None, *kinds}
    clean = [r for r in spoilt_rows if r[KIND] is None]
    assert 0.55 < len(clean) / len({next(v for k, v in r.items() if k != "day") for r in spoilt_rows}) < 0.85
    originals = {tuple(sorted(r.items(), key=str)) for r in rows_of(rows(spark, name, world(customers)))}
    assert {tuple(sorted((k, v) for k, v in r.items() if k not in (KIND, COPY))) for r in clean} <= {
        tuple(sorted(dict(o).items())) for o in originals
    }
    counted = {(r["day"], r[KIND]): r["rows"] for r in rows_of(planted(spoilt))}
    twice = ("duplicate", "correction")
    expected = {}
    for r in spoilt_rows:
        if r[KIND] is not None and (r[COPY] == 1) == (r[KIND] in twice):
            expected[r["day"], r[KIND]] = expected.get((r["day"], r[KIND]), 0) + 1
    assert counted == expected


@pytest.fixture(scope="module")
def judged(spark):
    """Trait -> how well the best judge finds it among 250 customers in six weeks."""
    of = world(customers=250, days=42)
    passes = looks(of)
    counts = {}
    for look in passes:
        for r in rows_of(acts_of(spark, of, look)):
            of_act = counts.setdefault((r["table"], r["act"]), {})
            of_act[r["customer"]] = of_act.get(r["customer"], 0.0) + r["number"]
    people = sorted(rows_of(make_customers(spark, of)), key=lambda r: r["customer"])
    truth = {t.name: [r[t.name] for r in people] for t in TRAITS}
    return {r["trait"]: r for r in best_kappas(judge(passes, counts, of.customers), truth)}


def test_no_rule_reads_a_trait_off(judged):
    """No rule beats the judge who knows the model, hence no single feature does."""
    assert set(judged) == {t.name for t in TRAITS}
    assert [name for name, row in judged.items() if row["seen_kappa"] > 0.95] == []


def test_what_is_seen_says_something_of_every_trait(judged):
    unseen = {LATER_CLUSTER.name, SEASON.name}  # six weeks from October show neither the shift nor Christmas
    weak = [n for n, row in judged.items() if n not in unseen and row["seen_kappa"] < 0.1]
    assert weak == []
    assert judged[LATER_CLUSTER.name]["seen_customers"] == 0


def test_the_judge_is_as_sure_as_right(judged):
    """Calibration: a table that the generator does not follow would make the judge surer than right."""
    for row in judged.values():
        error = 4 * (row["sureness"] * (1 - row["sureness"]) / row["customers"]) ** 0.5 + 0.01
        assert abs(row["sureness"] - row["agreement"]) < error, row
