from datetime import date
from decimal import Decimal
from math import asin, pi, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import binomtest, norm
from tests.publish.attack import bounded, found_out
from tests.publish.frames import features, membership, money, records

from strata.contract.columns import Type
from strata.contract.published import segment_profile
from strata.contract.spark import as_table
from strata.publish.profiles import MEAN, OTHER, VALUES_SHOWN, build_profile

CONSTANT = 0.100043  # three of it and two of it have means and spreads that differ in the last bits
SEGMENTS = {"size": ["big", "big", "big", "small", "small"]}
KEY = ("segmentation", "segment", "feature", "value")
TYPES = {
    "spend": Type.MONEY, "days": Type.BIGINT, "share": Type.DOUBLE, "city": Type.STRING, "owner": Type.BOOLEAN,
    "since": Type.DATE,
}  # fmt: skip


def profile(spark: SparkSession, columns: dict[str, Any], types: dict[str, Type] = TYPES) -> dict[Any, dict[str, Any]]:
    frame = build_profile(
        membership(spark, SEGMENTS), features(spark, columns), {name: types[name] for name in columns}, floor=1
    )
    return {key[1:]: row for key, row in records(frame, *KEY).items()}


@pytest.fixture(scope="module")
def small(spark: SparkSession) -> dict[Any, dict[str, Any]]:
    """Five customers: 10, 20 and 30 in the big segment, 1 and an unknown in the small one."""
    return profile(
        spark,
        {
            "spend": money("10.00", "20.00", "30.00", "1.00", None),
            "days": pa.array([4, 4, 4, 4, 4], pa.int64()),
            "city": pa.array(["Lviv", "Lviv", "Kyiv", "Kyiv", None]),
            "owner": pa.array([None, None, None, True, False]),
            "since": pa.array([date(2017, 1, 1)] * 5),
        },
    )


def test_a_mean_is_of_those_known_and_compared_with_the_rest(small: dict[Any, dict[str, Any]]) -> None:
    big = small["big", "spend", MEAN]
    assert (big["share_or_mean"], big["rest_value"], big["index_100"]) == (20.0, 1.0, 2000.0)
    assert (big["customers_known"], big["known_share"]) == (3, 1.0)
    # deviations 100 + 0 + 100 of the segment and none of the rest, over 3 + 1 - 2 degrees of freedom: s = 10
    assert big["effect_size"] == 1.9
    margin = norm.ppf(0.975) * 10 / sqrt(3)
    assert (big["ci_low"], big["ci_high"]) == (pytest.approx(20 - margin), pytest.approx(20 + margin))


def test_one_known_value_has_a_mean_but_no_interval(small: dict[Any, dict[str, Any]]) -> None:
    row = small["small", "spend", MEAN]
    assert (row["share_or_mean"], row["rest_value"], row["effect_size"]) == (1.0, 20.0, -1.9)
    assert (row["ci_low"], row["ci_high"], row["customers_known"], row["known_share"]) == (None, None, 1, 0.5)


def test_where_all_are_alike_nobody_differs(small: dict[Any, dict[str, Any]]) -> None:
    row = small["big", "days", MEAN]
    assert (row["share_or_mean"], row["rest_value"], row["index_100"], row["effect_size"]) == (4.0, 4.0, 100.0, 0.0)
    assert (row["ci_low"], row["ci_high"]) == (4.0, 4.0)


def test_a_share_is_of_those_known_with_cohens_h_and_wilsons_interval(small: dict[Any, dict[str, Any]]) -> None:
    row = small["big", "city", "Kyiv"]
    assert (row["share_or_mean"], row["rest_value"]) == (pytest.approx(1 / 3), 1.0)
    assert row["index_100"] == pytest.approx(100 / 3)
    assert row["effect_size"] == pytest.approx(2 * asin(sqrt(1 / 3)) - 2 * asin(1), abs=1e-9)
    low, high = binomtest(1, 3).proportion_ci(0.95, method="wilson")
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), pytest.approx(high))
    other = small["small", "city", "Kyiv"]
    assert (other["customers_known"], other["known_share"]) == (1, 0.5)


def test_a_channel_differs_by_age_place_and_interest_as_it_was_counted_by_hand(spark: SparkSession) -> None:
    """Of 40 by push 30 are under 25 and all of 60 by e-mail but 15 are not: index 300, h = 2π/3 - π/3."""
    young = [True] * 30 + [False] * 10 + [True] * 15 + [False] * 45
    columns = {
        "age_band": pa.array(["under 25" if y else "25-34" for y in young]),
        "home_city": pa.array(["Kyiv"] * 20 + ["Lviv"] * 20 + ["Kyiv"] * 15 + ["Lviv"] * 45),
        "favourite_genre_364d": pa.array(["sport"] * 36 + ["drama"] * 64),
    }
    channel = membership(spark, {"message_channel": ["push"] * 40 + ["email"] * 60})
    frame = build_profile(channel, features(spark, columns), dict.fromkeys(columns, Type.STRING), floor=10)
    rows = {key[1:]: row for key, row in records(frame, *KEY).items()}
    push = {feature: rows["push", feature, value] for feature, value in
            (("age_band", "under 25"), ("home_city", "Kyiv"))}  # fmt: skip
    assert {f: (r["share_or_mean"], r["rest_value"], r["index_100"]) for f, r in push.items()} == {
        "age_band": (0.75, 0.25, 300.0), "home_city": (0.5, 0.25, 200.0),
    }  # fmt: skip
    assert push["age_band"]["effect_size"] == pytest.approx(pi / 3)
    assert push["home_city"]["effect_size"] == pytest.approx(pi / 2 - pi / 3)
    assert push["age_band"]["profile_rank"] < push["home_city"]["profile_rank"]
    assert rows["push", "favourite_genre_364d", "drama"]["is_suppressed"]  # four customers


def test_a_value_nobody_in_the_segment_has_is_a_share_of_zero(small: dict[Any, dict[str, Any]]) -> None:
    row = small["small", "city", "Lviv"]
    assert (row["share_or_mean"], row["rest_value"], row["index_100"]) == (0.0, pytest.approx(2 / 3), 0.0)
    assert row["ci_low"] == 0.0
    assert row["ci_high"] == pytest.approx(binomtest(0, 1).proportion_ci(0.95, method="wilson").high)


def test_nothing_known_of_a_segment_is_said_and_not_left_out(small: dict[Any, dict[str, Any]]) -> None:
    row = small["big", "owner", "true"]
    assert {row[c] for c in ("share_or_mean", "index_100", "effect_size", "ci_low", "ci_high")} == {None}
    assert (row["rest_value"], row["customers_known"], row["known_share"]) == (0.5, 0, 0.0)
    assert small["small", "owner", "false"]["rest_value"] is None


def test_ranks_go_by_size_of_the_effect_and_dates_are_left_out(small: dict[Any, dict[str, Any]]) -> None:
    assert {feature for _, feature, _ in small} == {"spend", "days", "city", "owner"}
    big = sorted((row for key, row in small.items() if key[0] == "big"), key=lambda row: row["profile_rank"])
    assert [row["profile_rank"] for row in big] == list(range(1, len(big) + 1))
    effects = [row["effect_size"] for row in big]
    known = [abs(e) for e in effects if e is not None]
    assert known == sorted(known, reverse=True)
    assert effects[len(known) :] == [None] * 2


@pytest.mark.parametrize("constant", [1 / 3, CONSTANT])
def test_constant_fractions_have_no_effect_that_is_only_rounding(spark: SparkSession, constant: float) -> None:
    rows = profile(spark, {"share": pa.array([constant] * 5)})
    assert {row["effect_size"] for row in rows.values()} == {0.0}


def test_groups_that_differ_without_any_spread_have_no_effect_size(spark: SparkSession) -> None:
    rows = profile(spark, {"days": pa.array([4, 4, 4, 5, 5], pa.int64())})
    assert {row["effect_size"] for row in rows.values()} == {None}


def test_numbers_that_are_none_are_unknown(spark: SparkSession) -> None:
    rows = profile(spark, {"share": pa.array([0.5, float("nan"), float("inf"), 1e13, -1e11])})
    means = {segment: (row["share_or_mean"], row["customers_known"]) for (segment, _, _), row in rows.items()}
    assert means == {"big": (0.5, 1), "small": (-1e11, 1)}


def test_a_profile_of_nothing_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="no feature to compare"):
        profile(spark, {"since": pa.array([date(2017, 1, 1)] * 5)})


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    random = np.random.default_rng(11)
    count = 400
    return pd.DataFrame(
        {
            "customer_id": [f"{i:032x}" for i in range(count)],
            "style": random.choice(["c1", "c2", "c3"], count, p=[0.6, 0.3, 0.1]),
            "rfm": random.choice(["a", "b"], count),
            "spend": [None if v < 0.2 else Decimal(f"{100 * v:.2f}") for v in random.gamma(1, 1, count)],
            "days": pd.array(random.poisson(6, count), dtype="Int64").astype(object),
            "share": np.where(random.random(count) < 0.3, np.nan, random.beta(2, 5, count).round(6)),
            "city": [[None, "Lviv", "Kyiv", "Odesa"][i] for i in random.integers(0, 4, count)],
        }
    )


def frames(spark: SparkSession, customers: pd.DataFrame, partitions: int) -> tuple[DataFrame, DataFrame]:
    shuffled = customers.sample(frac=1, random_state=partitions)
    ids = {"customer_id": pa.array(shuffled.customer_id)}
    date_column = {"as_of_date": pa.array([date(2017, 12, 31)] * len(shuffled))}
    known = {
        "spend": pa.array(shuffled.spend.tolist(), pa.decimal128(18, 2)),
        "days": pa.array(shuffled.days.tolist(), pa.int64()),
        "share": pa.array(shuffled.share, from_pandas=True),
        "city": pa.array(shuffled.city.tolist()),
    }
    segments = pa.concat_tables(
        pa.table({**date_column, **ids, "segmentation": [name] * len(shuffled), "segment": pa.array(shuffled[name])})
        for name in ("style", "rfm")
    )
    members, table = spark.createDataFrame(segments), spark.createDataFrame(pa.table({**date_column, **ids, **known}))
    return members.repartition(partitions), table.repartition(partitions)


FOUR = {name: TYPES[name] for name in ("spend", "days", "share", "city")}


@pytest.fixture(scope="module")
def built(spark: SparkSession, customers: pd.DataFrame) -> DataFrame:
    return build_profile(*frames(spark, customers, 1), FOUR, floor=1)


def test_pandas_finds_the_same_for_every_segment_against_the_rest(customers: pd.DataFrame, built: DataFrame) -> None:
    rows = records(built, *KEY)
    expected = [
        (segmentation, segment, feature, value)
        for segmentation, segments in (("style", ("c1", "c2", "c3")), ("rfm", ("a", "b")))
        for segment in segments
        for feature in FOUR
        for value in (["Lviv", "Kyiv", "Odesa"] if feature == "city" else [MEAN])
    ]
    assert set(rows) == set(expected)
    for key in expected:
        segmentation, segment, feature, value = key
        inside = customers[segmentation] == segment
        own = measure(customers[inside][feature], value)
        rest = measure(customers[~inside][feature], value)
        found = rows[key]
        assert found["share_or_mean"] == pytest.approx(own.mean(), abs=1e-9)
        assert found["rest_value"] == pytest.approx(rest.mean(), abs=1e-9)
        assert found["effect_size"] == pytest.approx(effect(own, rest, value), abs=1e-8)
        assert found["customers_known"] == len(own)
        assert found["known_share"] == pytest.approx(len(own) / inside.sum())
        if value == MEAN:
            margin = 1.959963984540054 * own.std(ddof=1) / sqrt(len(own))
            assert found["ci_high"] == pytest.approx(own.mean() + margin)


def measure(values: pd.Series, value: str) -> pd.Series:
    known = values.dropna()
    return known.astype(float) if value == MEAN else (known == value).astype(float)


def effect(own: pd.Series, rest: pd.Series, value: str) -> float:
    if value != MEAN:
        return 2 * asin(sqrt(own.mean())) - 2 * asin(sqrt(rest.mean()))
    pooled = ((len(own) - 1) * own.var() + (len(rest) - 1) * rest.var()) / (len(own) + len(rest) - 2)
    return (own.mean() - rest.mean()) / sqrt(pooled)


def test_rows_in_another_order_and_other_partitions_give_the_same_bits(
    spark: SparkSession, customers: pd.DataFrame, built: DataFrame
) -> None:
    assert records(build_profile(*frames(spark, customers, 5), FOUR, floor=1), *KEY) == records(built, *KEY)


def test_rows_fit_the_contract(built: DataFrame) -> None:
    assert set(built.columns) == set(segment_profile.columns) - {"release_id"}
    as_table(built.selectExpr("*", "repeat('0', 32) as release_id"), segment_profile)


FIGURES = ("share_or_mean", "rest_value", "index_100", "effect_size", "ci_low", "ci_high", "customers_known",
           "known_share")  # fmt: skip


def test_rare_values_of_the_base_are_shown_together(spark: SparkSession) -> None:
    often = [f"v{n:03}" for n in range(VALUES_SHOWN) for _ in range(30)]
    cities = [*often, *(f"w{n:03}" for n in range(20)), *["x"] * 29, None]
    # c and d are too rare to be told of, and both together still are: b, the rarest other one, goes with them
    towns = ["a"] * 60 + ["b"] * 40 + ["c"] * 3 + ["d"] * 4
    known = {"city": pa.array(cities), "town": pa.array(towns + [None] * (len(cities) - len(towns)))}
    members = membership(spark, {"size": ["big" if i % 3 else "small" for i in range(len(cities))]})
    frame = build_profile(members, features(spark, known), dict.fromkeys(known, Type.STRING), floor=10)
    rows = records(frame, "segment", "feature", "value")
    assert {value for _, feature, value in rows if feature == "city"} == {*often, OTHER}
    assert {value for _, feature, value in rows if feature == "town"} == {"a", OTHER}
    big = [row["share_or_mean"] for (segment, feature, _), row in rows.items() if (segment, feature) == ("big", "city")]
    assert sum(big) == pytest.approx(1)
    others = sum(city not in often for i, city in enumerate(cities[:-1]) if i % 3)
    assert rows["big", "city", OTHER]["share_or_mean"] == others / rows["big", "city", OTHER]["customers_known"]


@pytest.fixture(scope="module")
def crowd() -> pd.DataFrame:
    """3,000 customers in segments and with values of very unlike sizes; of many, little is known."""
    random, count = np.random.default_rng(21), 3_000
    drawn = {f"s{i}": random.choice(7, count, p=random.dirichlet(np.full(7, 0.5))) for i in range(3)}
    cities = {f"city{i}": random.choice(9, count, p=random.dirichlet(np.full(9, 0.6))) for i in range(6)}
    frame = pd.DataFrame({name: [f"g{g}" for g in of_each] for name, of_each in drawn.items()})
    for i, (name, of_each) in enumerate(cities.items()):
        unknown = random.random(count) < (0.0, 0.5, 0.98)[i % 3]
        frame[name] = [None if none else f"v{v}" for v, none in zip(of_each, unknown, strict=True)]
    frame["days"] = [None if n < 0.985 else n for n in random.random(count)]
    # nine outside of a have not v: all that can be said of v in a would tell that
    odd = {"a": {"v": 1_000, "w": 100, "x": 120}, "b": {"v": 500, "w": 3, "x": 4}, "c": {"v": 400, "w": 1, "x": 1}}
    drawn = [(segment, value) for segment, of in odd.items() for value, n in of.items() for _ in range(n)]
    frame[["s3", "city6"]] = drawn + [("d", None)] * (count - len(drawn))
    return frame


def test_no_portrait_tells_of_few_customers_nor_gives_them_away(spark: SparkSession, crowd: pd.DataFrame) -> None:
    names, known = [f"s{i}" for i in range(4)], [f"city{i}" for i in range(7)]
    members = membership(spark, {name: list(crowd[name]) for name in names})
    columns = {**{c: pa.array(crowd[c].tolist(), pa.string()) for c in known}, "days": pa.array(crowd.days.tolist())}
    types = {**dict.fromkeys(known, Type.STRING), "days": Type.DOUBLE}
    rows = records(build_profile(members, features(spark, columns), types, floor=10), *KEY)
    for row in rows.values():
        assert not row["is_suppressed"] or {row[figure] for figure in FIGURES} == {None}
        assert row["customers_known"] is None or row["customers_known"] == 0 or row["customers_known"] >= 10
    told = [not row["is_suppressed"] for row in rows.values()]
    assert 0.2 < np.mean(told) < 0.8
    for name in names:
        for feature in (*known, "days"):
            audit(crowd, rows, name, feature)


def audit(crowd: pd.DataFrame, rows: dict[Any, dict[str, Any]], name: str, feature: str) -> None:
    """Attack one feature of one segmentation with all totals known but those of segments too small to be told of."""
    value = crowd[feature].dropna() if feature != "days" else crowd[feature].dropna().map(lambda _: MEAN)
    shown = {v for s, _, f, v in rows if (s, f) == (name, feature)}
    value = value.where(value.isin(shown), OTHER)
    segments = crowd[name][value.index]
    cells = {(s, v): int(((segments == s) & (value == v)).sum()) for s in set(crowd[name]) for v in shown}
    hidden = {(s, v) for s, v in cells if rows[name, s, feature, v]["is_suppressed"]}
    if len(hidden) == len(cells):
        return
    assert {cell for cell, n in cells.items() if 0 < n < 10} <= hidden
    told = {s for s in set(crowd[name]) if any((s, v) not in hidden for v in shown)}
    of_values = [[(s, v) for s in set(crowd[name])] for v in shown]
    of_segments = [[(s, v) for v in shown] for s in told]
    assert {c: n for c, n in found_out(cells, hidden, of_values + of_segments).items() if n} == {}
    for line in of_values + of_segments:
        left = bounded(cells, hidden, line)
        assert left == 0 or left >= 10
    for s, v in cells.keys() - hidden:  # the rest of the base, by subtraction
        for has_it in (True, False):
            others = sum(n for (t, w), n in cells.items() if t != s and (w == v) == has_it)
            assert others == 0 or others >= 10, (name, feature, s, v)
