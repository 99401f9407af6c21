"""What is said of groups: of none below the floor, not even its value, and of none that the others would give away."""

from dataclasses import asdict

from pyspark.sql import SparkSession

from strata.publish.groups import FIGURES, build_groups
from strata.segments.groups import Group

from .frames import AS_OF, records


def said(group: Group, segment: str) -> dict[str, object]:
    told = asdict(group)
    return {"group_value": told.pop("value"), **told, "segment": segment}


def test_a_small_group_is_not_listed_and_withheld_with_it_is_the_next_that_would_give_it_away(
    spark: SparkSession,
) -> None:
    measured = {
        "growth": [
            said(Group("a", 500, 0.5, growth=0.1, growth_shrunk=0.08, persistence=-0.2), "growing"),
            said(Group("b", 300, 0.3, growth=-0.1, growth_shrunk=-0.05, persistence=-0.2), "shrinking"),
            said(Group("c", 193, 0.193, growth=0.01, growth_shrunk=0.0, persistence=-0.2), "steady"),
            said(Group(None, 7, 0.007), "steady"),
        ],
        "by segment": [  # the overview says that 200 are steady: the 7 of d are withheld with c, not with the smaller b
            said(Group("a", 500, 0.5), "growing"),
            said(Group("b", 50, 0.05), "shrinking"),
            said(Group("e", 250, 0.25), "shrinking"),
            said(Group("c", 193, 0.193), "steady"),
            said(Group("d", 7, 0.007), "steady"),
        ],
        "niche": [
            said(Group("x", 40, 0.4, index_100=150, index_low=120), "niche"),
            said(Group("y", 30, 0.3), "rest"),
            said(Group(None, 30, 0.3), "rest"),
        ],
    }
    rows = records(build_groups(spark, measured, AS_OF, 10), "segmentation", "group_value")
    withheld = {key for key, row in rows.items() if row["is_suppressed"]}
    assert withheld == {("growth", "c"), ("by segment", "c")}
    # Nor is d listed, which was measured when the floor was lower.
    assert {value for _, value in rows} == {"a", "b", "c", "e", "x", "y"}
    assert all(rows[key][figure] is None for key in withheld for figure in FIGURES)
    assert (rows["growth", "a"]["customers"], rows["growth", "a"]["growth_shrunk"]) == (500, 0.08)
    assert rows["niche", "x"]["index_low"] == 120
    assert build_groups(spark, {}, AS_OF, 10).count() == 0


def test_of_a_segment_that_the_overview_does_not_tell_no_group_is_told(spark: SparkSession) -> None:
    """Three customers are in no group: with what the others add up to, the base would tell how many."""
    groups = [said(Group("a", 500, 0.5), "growing"), said(Group("b", 300, 0.3), "shrinking")]
    groups.append(said(Group("c", 197, 0.197), "shrinking"))
    withheld = {("growth", "shrinking"), ("growth", "unknown"), ("niche", "growing")}
    rows = records(build_groups(spark, {"growth": groups}, AS_OF, 10, withheld), "group_value")
    assert {value for value, row in rows.items() if row["is_suppressed"]} == {"b", "c"}
    assert rows["b"]["customers"] is None
