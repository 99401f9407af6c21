import math

from pyspark.sql import functions as F
from tests.quality.rows import FEATURES, MEMBERSHIP, SEGMENTS, features, frame_of, memberships

from strata.quality.metrics import count_segments, measure, shares


def _measured(frame, table):
    return {(r["metric"], r["dimension"]): r["value"] for r in measure(frame, table).toArrow().to_pylist()}


def test_metrics_of_a_hand_made_table(spark) -> None:
    rows = features(20)
    rows[5]["own_brand_share"] = math.nan
    assert _measured(frame_of(spark, FEATURES, rows), FEATURES) == {
        ("row_count", "(table)"): 20,
        ("null_share", "spend_182d"): 0,
        ("mean", "spend_182d"): 9.75,
        ("null_share", "own_brand_share"): 0,
        ("mean", "own_brand_share"): 9.25 / 19,  # 0.00 ... 0.95 add up to 9.5; the NaN in place of 0.25 is left out
        ("null_share", "gap"): 0.05,
        ("mean", "gap"): 3.5,
        ("null_share", "age_band"): 0.75,
    }


def test_shares_of_segments_are_of_their_own_segmentation_in_contract_order(spark) -> None:
    frame = frame_of(spark, MEMBERSHIP, memberships(20))
    assert measure(frame, MEMBERSHIP).columns == ["table_name", "metric", "dimension", "value"]
    assert _measured(frame, MEMBERSHIP) == {
        ("row_count", "(table)"): 40.0, ("mean", "version"): 1.0, ("null_share", "score"): 0.5,
        ("mean", "score"): 0.475,
    }  # fmt: skip
    counted = count_segments(frame).toArrow().to_pylist()
    rows = shares(MEMBERSHIP, counted, {**SEGMENTS, "other": ("x",)})
    assert [tuple(row.values()) for row in rows] == [
        ("members.segment_membership", "row_count", "frequency", 20.0),
        ("members.segment_membership", "row_count", "style", 20.0),
        ("members.segment_membership", "row_count", "other", 0.0),
        ("members.segment_membership", "share", "frequency.lost", 0.25),
        ("members.segment_membership", "share", "frequency.high", 0.75),
        ("members.segment_membership", "share", "style.style_1", 0.25),
        ("members.segment_membership", "share", "style.style_2", 0.75),
        ("members.segment_membership", "share", "other.x", None),
    ]


def test_an_empty_table_has_a_row_count_and_nothing_else_to_measure(spark) -> None:
    measured = _measured(frame_of(spark, MEMBERSHIP, []), MEMBERSHIP)
    assert measured == {("row_count", "(table)"): 0, ("mean", "version"): None, ("null_share", "score"): None,
                        ("mean", "score"): None}  # fmt: skip


def test_means_are_bit_equal_whatever_the_partitioning(spark) -> None:
    frame = frame_of(spark, MEMBERSHIP, memberships(20)).withColumn(
        "score", F.pmod(F.xxhash64("customer_id"), F.lit(9973)) / 9973
    )
    means = {_measured(frame.repartition(n, "customer_id"), MEMBERSHIP)["mean", "score"] for n in (1, 3, 7)}
    assert len(means) == 1
