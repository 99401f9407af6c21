"""Rules and scores on hand-written rows, and the whole score space of the shipped RFM."""

from collections import Counter
from datetime import date
from itertools import product

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.segments.definitions import AS_OF, GROCERY, score, segment, segmentation, snapshot

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.expression import Name, compile_expression
from strata.project.load import load_project
from strata.project.models import Segmentation
from strata.project.names import names_of_features, names_of_scores
from strata.segments.assign import assign_all
from strata.segments.scores import score_of

DAYS = {"days": Name(Type.BIGINT, True), "city": Name(Type.STRING, True)}
ACTIVITY = segmentation("activity", segments=[segment("often", "days >= 10"), segment("seldom", "days >= 1")])
REST = segmentation("reach", segments=[segment("near", "city = 'Lviv'"), segment("far")], otherwise="far", version=3)
PROJECT = load_project(GROCERY)


def declared(name: str) -> Segmentation:
    return next(s for s in PROJECT.segmentations if s.name == name)


def test_the_first_rule_that_holds_decides_and_unknown_is_not_fulfilled(spark: SparkSession) -> None:
    frame = snapshot(spark, {"days": [10, 9, 1, 0, None], "city": ["Lviv", "Kyiv", None, "Lviv", None]})
    rows = assign_all(frame, [ACTIVITY, REST], DAYS).orderBy("customer_id").collect()
    found = {s: [r.segment for r in rows if r.segmentation == s] for s in ("activity", "reach")}
    assert found["activity"] == ["often", "seldom", "seldom", None, None]
    assert found["reach"] == ["near", "far", "far", "near", "far"]
    assert {(r.segmentation, r.version) for r in rows} == {("activity", 1), ("reach", 3)}
    assert {r.score for r in rows} == {None}
    assert {r.as_of_date for r in rows} == {AS_OF}


def test_every_customer_has_one_row_per_segmentation_on_every_date(spark: SparkSession) -> None:
    columns = {"days": [3, None, 12], "city": ["Lviv", None, "Kyiv"]}
    both = snapshot(spark, columns).unionByName(snapshot(spark, columns, date(2017, 11, 30)))
    table = assign_all(both, [ACTIVITY, REST], DAYS)
    counts = table.groupBy("as_of_date", "customer_id", "segmentation").count()
    assert counts.count() == 2 * 3 * 2
    assert counts.where("count <> 1").count() == 0


def test_columns_are_those_of_the_contract(spark: SparkSession) -> None:
    table = assign_all(snapshot(spark, {"days": [1], "city": [None]}).withColumn("city", F.lit("x")), [ACTIVITY], DAYS)
    assert table.dtypes == [
        ("as_of_date", "date"), ("customer_id", "string"), ("segmentation", "string"), ("version", "bigint"),
        ("segment", "string"), ("score", "double"),
    ]  # fmt: skip


def test_scores_are_cut_before_the_rules_read_them(spark: SparkSession) -> None:
    visits = segmentation(
        "visits", "scores", [segment("none", "v is null"), segment("top", "v = 3"), segment("rest", "v <= 2")],
        scores=(score("v", "days", [2, 10], "high"),),
    )  # fmt: skip
    frame = snapshot(spark, {"days": [0, 2, 9, 10, None]})
    rows = assign_all(frame, [visits], DAYS).orderBy("customer_id").collect()
    assert [r.segment for r in rows] == ["rest", "rest", "rest", "top", "none"]


def test_a_score_may_bear_the_name_of_a_feature_or_of_a_score_elsewhere(spark: SparkSession) -> None:
    def cut(name: str, at: float) -> Segmentation:
        rules = [segment("high", "days = 2"), segment("low", "days = 1")]
        return segmentation(name, "scores", rules, scores=(score("days", "days", [at], "high"),))

    rows = assign_all(snapshot(spark, {"days": [5]}), [cut("a", 3), cut("b", 7)], DAYS).collect()
    assert {r.segmentation: r.segment for r in rows} == {"a": "high", "b": "low"}


def test_problems_of_all_segmentations_are_reported_at_once(spark: SparkSession) -> None:
    wrong = [segmentation(n, segments=[segment("x", f"{n} > 1")]) for n in ("dayz", "citi")]
    with pytest.raises(ProjectError) as refused:
        assign_all(snapshot(spark, {"days": [1]}), wrong, DAYS)
    assert "dayz" in str(refused.value)
    assert "citi" in str(refused.value)


def test_the_snapshot_is_scanned_once_and_nothing_is_shuffled(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = snapshot(spark, {"days": [1, 2], "city": ["a", "b"]})
    assign_all(frame, [ACTIVITY, REST, declared_like("more"), declared_like("most")], DAYS).explain()
    plan = capsys.readouterr().out
    assert plan.count("Generate inline") == 1
    assert "Exchange" not in plan
    assert "Union" not in plan


def declared_like(name: str) -> Segmentation:
    return segmentation(name, segments=ACTIVITY.segments)


def score_space() -> list[dict[str, int | None]]:
    """Every combination of RFM scores, unknown ones included."""
    rfm = declared("rfm")
    ranges = [[None, *range(1, s.best + 1)] for s in rfm.scores]
    return [dict(zip((s.score for s in rfm.scores), scores, strict=True)) for scores in product(*ranges)]


def segments_by_duckdb(definition: Segmentation) -> list[tuple[dict[str, int | None], str | None]]:
    """The segment of every score combination, by an engine that is not ours."""
    names = names_of_scores(definition, names_of_features(PROJECT))
    cases = " ".join(
        f"WHEN {compile_expression(s.when, names, Type.BOOLEAN).to_duckdb()} THEN '{s.segment}'"
        for s in definition.segments
        if s.when is not None
    )
    space = score_space()
    columns = {name: pa.array([row[name] for row in space], pa.int64()) for name in space[0]}
    connection = duckdb.connect()
    connection.register("space", pa.table(columns))
    found = connection.execute(f"SELECT *, CASE {cases} END FROM space").fetchall()
    return [(dict(zip(space[0], row, strict=False)), row[-1]) for row in found]


def is_possible(scores: dict[str, int | None]) -> bool:
    """Frequency and spend are counts and sums, never unknown; recency is unknown exactly without a purchase."""
    bought = scores["r"] is not None
    return scores["f"] is not None and scores["m"] is not None and (bought or (scores["f"], scores["m"]) == (1, 1))


def test_every_rfm_combination_has_a_segment_and_every_segment_is_reached() -> None:
    rfm = declared("rfm")
    found = segments_by_duckdb(rfm)
    assert len(found) == 6 * 6 * 6
    assert [scores for scores, name in found if name is None and is_possible(scores)] == []
    assert {name for scores, name in found if is_possible(scores)} == {s.segment for s in rfm.segments}


def test_every_rfm_combination_has_the_segment_someone_meant() -> None:
    """A second wording of the shipped definition, so that a slip in either shows."""
    for scores, name in segments_by_duckdb(declared("rfm")):
        if is_possible(scores):
            assert name == meant(scores["r"], scores["f"], scores["m"]), scores


def meant(r: int | None, f: int | None, m: int | None) -> str:
    if r is None:
        return "never"
    assert f is not None
    assert m is not None
    good = max(f, m) >= 3
    if r == 1:
        return "lost_good" if good else "lost"
    if r == 2:
        return "at_risk" if good else "cooling"
    if f >= 4:
        return "champions" if r >= 4 and m >= 4 else "loyal"
    if m >= 4:
        return "big_baskets"
    return "promising" if r >= 4 and f <= 2 else "steady"


def test_rfm_in_spark_equals_scores_and_rules_by_the_twins(spark: SparkSession) -> None:
    rfm = declared("rfm")
    by_scores = {tuple(scores.values()): name for scores, name in segments_by_duckdb(rfm)}
    amounts = ["49.99", "50.00", "599.99", "600.00", "1500.00"]
    grid = list(product([None, 7, 14, 28, 84, 85], [1, 5, 12, 25, 26], amounts))
    spend = pa.array([row[2] for row in grid]).cast(pa.decimal128(18, 2))
    columns = {"days_since_last_purchase": [g[0] for g in grid], "purchase_days_182d": [g[1] for g in grid]}
    frame = snapshot(spark, {**columns, "spend_182d": spend})
    rows = assign_all(frame, [rfm], names_of_features(PROJECT)).orderBy("customer_id").collect()
    values = [dict(zip([s.of for s in rfm.scores], [g[0], g[1], float(g[2])], strict=True)) for g in grid]
    expected = [by_scores[tuple(score_of(v[s.of], s) for s in rfm.scores)] for v in values]
    assert [row.segment for row in rows] == expected
    assert len(Counter(expected)) == len(rfm.segments)


def test_purchase_frequency_leaves_nobody_out() -> None:
    """All counts of days around the cuts: the shipped rules always end in one of their segments."""
    frequency = declared("purchase_frequency")
    names = names_of_features(PROJECT)
    cases = " ".join(
        f"WHEN {compile_expression(s.when, names, Type.BOOLEAN).to_duckdb()} THEN '{s.segment}'"
        for s in frequency.segments
        if s.when is not None
    )
    days, since = [0, 1, 5, 6, 25, 26, 182], [0, 90, 91, 364]
    bought = [("2017-01-01", d, s) for d in days for s in since]
    rows = ", ".join(f"({'NULL' if day is None else f'DATE {day!r}'}, {d}, {s or 'NULL' if day is None else s})"
                     for day, d, s in [*bought, (None, 0, None)])  # fmt: skip
    columns = "first_purchase_on, purchase_days_182d, days_since_first_purchase"
    found = duckdb.sql(f"SELECT {columns}, CASE {cases} END FROM (VALUES {rows}) AS t({columns})").fetchall()
    assert [row for row in found if row[-1] is None] == []
    assert {row[-1] for row in found} == {s.segment for s in frequency.segments}
    by_days = {row[1]: row[-1] for row in found if row[0] is not None and row[2] == 91}
    assert by_days == {0: "lost", 1: "low", 5: "low", 6: "medium", 25: "medium", 26: "high", 182: "high"}
