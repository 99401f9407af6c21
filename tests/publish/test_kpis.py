from decimal import Decimal
from math import sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from scipy.stats import binomtest, norm
from tests.publish.attack import found_out
from tests.publish.frames import features, membership, money, records

from strata.contract.columns import Type
from strata.contract.published import segment_kpi
from strata.contract.spark import as_table
from strata.errors import Location
from strata.expression import Name
from strata.project.models import Kpi, Text
from strata.publish.kpis import build_kpis, usual_kpis

HERE = Location("kpis.yml", 1, 1)
NAMES = {
    "spend_84d": Name(Type.MONEY, True), "spend_84d_before": Name(Type.MONEY, True), "days": Name(Type.BIGINT, True),
    "days_before": Name(Type.BIGINT, False), "asked": Name(Type.BIGINT, False), "answers": Name(Type.BIGINT, False),
}  # fmt: skip
WHOLE = Kpi("84d", HERE, **{key: Text(words, HERE) for key, words in {
    "revenue": "spend_84d", "revenue_before": "spend_84d_before", "active": "days > 0",
    "active_before": "days_before > 0", "asked": "asked > 0", "converted": "answers > 0",
}.items()})  # fmt: skip
BARE = Kpi("28d", HERE)


def catalog(*segments: str) -> list[dict[str, Any]]:
    return [{"segmentation": "rfm", "segment": s} for s in segments]


@pytest.fixture(scope="module")
def kpis(spark: SparkSession) -> dict[Any, dict[str, Any]]:
    members = membership(spark, {"rfm": ["a", "a", "a", "a", "b"]})
    known = {
        "spend_84d": money("10.00", "20.00", None, "0.00", "5.00"),
        "spend_84d_before": money("10.00", "0.00", "5.00", "0.00", "0.00"),
        "days": pa.array([1, 2, None, 0, 1], pa.int64()),
        "days_before": pa.array([1, 1, 1, 0, 0], pa.int64()),
        "asked": pa.array([1, 1, 1, 1, 1], pa.int64()),
        "answers": pa.array([1, 0, 0, 0, 1], pa.int64()),
    }
    frame = build_kpis(members, features(spark, known), [WHOLE, BARE], NAMES, catalog("a", "b", "never"), floor=1)
    as_table(frame.selectExpr("*", "repeat('0', 32) as release_id"), segment_kpi)
    return records(frame, "segment", "period")


def test_amounts_of_a_segment_and_what_a_customer_brings(kpis: dict[Any, dict[str, Any]]) -> None:
    a = kpis["a", "84d"]
    assert (a["customers"], a["share"], a["is_suppressed"]) == (4, 0.8, False)
    assert (a["revenue"], a["revenue_before"]) == (Decimal("30.00"), Decimal("15.00"))
    assert (a["revenue_share"], a["revenue_growth"], a["arpu"]) == (30 / 35, 1.0, 7.5)
    margin = norm.ppf(0.975) * np.std([10, 20, 0, 0], ddof=1) / sqrt(4)  # what is unknown counts as nothing paid
    assert (a["ci_low"], a["ci_high"]) == (pytest.approx(7.5 - margin), pytest.approx(7.5 + margin))


def test_a_rate_is_of_those_it_is_about(kpis: dict[Any, dict[str, Any]]) -> None:
    a = kpis["a", "84d"]
    assert (a["customers_active_before"], a["retention_rate"]) == (3, pytest.approx(2 / 3))
    low, high = binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert (a["retention_ci_low"], a["retention_ci_high"]) == (pytest.approx(low), pytest.approx(high))
    assert (a["customers_asked"], a["conversion_rate"]) == (4, 0.25)
    b = kpis["b", "84d"]
    assert (b["customers_active_before"], b["retention_rate"], b["revenue_growth"]) == (0, None, None)


def test_what_is_not_declared_is_not_known_and_a_segment_nobody_is_in_is_there(kpis: dict[Any, dict[str, Any]]) -> None:
    bare = {c: v for c, v in kpis["a", "28d"].items() if v is not None}
    assert set(bare) == {"as_of_date", "segmentation", "segment", "period", "customers", "share", "is_suppressed"}
    never = kpis["never", "84d"]
    assert (never["customers"], never["revenue"], never["customers_asked"]) == (0, Decimal("0.00"), 0)
    assert (never["arpu"], never["retention_rate"], never["is_suppressed"]) == (None, None, False)


def test_without_kpis_yml_revenue_is_what_was_spent_in_84_days() -> None:
    (usual,) = usual_kpis({"spend_84d": Name(Type.MONEY, False), "spend_84d_before": Name(Type.BIGINT, False)})
    assert (usual.period, str(usual.revenue), usual.revenue_before, usual.active) == ("84d", "spend_84d", None, None)


def test_no_size_and_no_rate_of_few_customers_is_found_out(spark: SparkSession) -> None:
    random, count = np.random.default_rng(3), 2_000
    was, held = random.random(count) < 0.8, random.random(count) < 0.7
    segments = {
        f"s{i}": [f"x{x:02}" for x in random.choice(25, count, p=random.dirichlet(np.full(25, 0.5)))] for i in range(3)
    }
    # of x00 four have left, of the two others many: one of these must follow
    gone, stayed = np.flatnonzero(was & ~held), np.flatnonzero(was & held)
    few = set(gone[:4]) | set(stayed[:100]) | set(np.flatnonzero(~was)[:20])
    segments["few"] = ["x00" if i in few else ("x01" if i % 3 else "x02") for i in range(count)]
    amounts, flags = money(*["1.00"] * count), [pa.array(known.astype("int64")) for known in (held, was)]
    known = {
        "spend_84d": amounts, "spend_84d_before": amounts, "days": flags[0], "days_before": flags[1],
        "asked": flags[1], "answers": flags[0],
    }  # fmt: skip
    live = [{"segmentation": name, "segment": "x00"} for name in segments]
    frame = build_kpis(membership(spark, segments), features(spark, known), [WHOLE], NAMES, live, floor=10)
    rows, withheld = records(frame, "segmentation", "segment"), 0
    for name, of_each in segments.items():
        of = {key: np.array(of_each) == key for key in set(of_each)}
        sizes = {key: int(inside.sum()) for key, inside in of.items()}
        hidden = {key for key in sizes if rows[name, key]["customers"] is None}
        assert {key for key, n in sizes.items() if n < 10} <= hidden
        assert found_out(sizes, hidden, [sizes]) == {}
        parts = {"yes": was & held, "no": was & ~held, "rest": ~was}
        cells = {(key, part): int((of[key] & isin).sum()) for key in of for part, isin in parts.items()}
        silent = {(key, part) for key, part in cells if rows[name, key]["customers_active_before"] is None}
        assert {cell for cell, n in cells.items() if 0 < n < 10} <= silent
        sums = [[(key, part) for key in of] for part in parts]
        sums += [[(key, part) for part in parts] for key in of if key not in hidden]
        assert {c: n for c, n in found_out(cells, silent, sums).items() if n} == {}
        assert all(rows[name, key]["retention_rate"] is None and rows[name, key]["is_suppressed"] for key, _ in silent)
        withheld += len(silent)
    assert 100 < withheld < 3 * 3 * 25
    assert [key for key in ("x00", "x01", "x02") if rows["few", key]["retention_rate"] is None] == ["x00", "x02"]
