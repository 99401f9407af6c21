"""Two memberships compared in Spark: the difference is exact, and everybody in it has the first reason that holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from tests.audiences.definitions import AS_OF, NAMES, frame
from tests.audiences.test_reasons import ALLOWED, FINE, listed, rule
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.audiences.changes import Known, all_added, find_changes
from strata.audiences.reasons import IN_BASE, Explained, explain
from strata.contract.audience_changes import audience_changes

WHO = "abcdefgh"
RULE = rule("visits >= 3 and spend_cheese > 5")
PAIRS, REFUSED = "audience string, customer_id string", "audience string, customer_id string, reason string"
KNOWN = pa.schema(
    [
        ("customer_id", pa.string()), (IN_BASE, pa.bool_()), (ALLOWED, pa.bool_()), ("wine_days", pa.int64()),
        ("visits", pa.int64()), ("messages", pa.int64()), ("spend_cheese", pa.decimal128(18, 2)),
        ("spend_beer", pa.decimal128(18, 2)),
    ]
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Memberships of one audience; everything is drawn by itself, as the difference is exact whatever it says."""

    members: frozenset[str]
    before: frozenset[str]
    refused: Mapping[str, str]
    is_new: bool
    withheld: bool


people = st.frozensets(st.sampled_from(WHO))
cases = st.builds(
    Case, people, people, st.dictionaries(st.sampled_from(WHO), st.sampled_from(["expired", "not eligible"])),
    st.sampled_from([False, False, True]), st.sampled_from([False, False, True]),
)  # fmt: skip
known = st.dictionaries(
    st.sampled_from(WHO),
    st.fixed_dictionaries(
        {
            IN_BASE: st.just(True), ALLOWED: st.booleans(), "visits": st.integers(1, 4),
            "messages": st.sampled_from([0, 4, None]), "spend_cheese": st.sampled_from([1, 9]),
        }
    ),
)  # fmt: skip


def frames(spark: SparkSession, told: Mapping[str, Row]) -> DataFrame:
    rows = [{"customer_id": who, **row} for who, row in told.items()]
    return spark.createDataFrame(pa.Table.from_pylist(rows, KNOWN))


def pairs(spark: SparkSession, found: Mapping[str, Any], schema: str = PAIRS) -> DataFrame:
    rows = [
        {"audience": name, "customer_id": who, "reason": said[who] if isinstance(said, Mapping) else None}
        for name, said in found.items()
        for who in sorted(said)
    ]
    return frame(spark, rows, schema)


def changes(
    spark: SparkSession, made: Mapping[str, Case], now: Mapping[str, Row], before: Mapping[str, Row] | None,
    audiences: Sequence[Explained],
) -> list[Row]:  # fmt: skip
    found = find_changes(
        pairs(spark, {name: case.members for name, case in made.items()}),
        pairs(spark, {name: case.before for name, case in made.items()}),
        pairs(spark, {name: case.refused for name, case in made.items()}, REFUSED),
        Known(frames(spark, now), None if before is None else frames(spark, before)),
        audiences,
        AS_OF,
    )
    assert [*found.columns, "release_id"] == [str(c) for c in audience_changes.columns]
    rows: list[Row] = found.toArrow().to_pylist()
    return rows


def met(row: Row) -> tuple[bool, bool, bool]:
    return (row["messages"] or 0) > 3, row["visits"] >= 3, row["spend_cheese"] > 5


def why_removed(who: str, case: Case, now: Mapping[str, Row]) -> str:
    if who not in now:
        return "left the base"
    excluded, often, cheese = met(now[who])
    told = [
        (case.refused.get(who, ""), who in case.refused),
        ("not eligible", not now[who][ALLOWED]),
        ("excluded: messages > 3", excluded),
        ("may no longer be in it", case.withheld),
        ("no longer: visits >= 3", not often),
        ("no longer: spend_cheese > 5", not cheese),
        ("no longer meets the rule", True),
    ]
    return next(reason for reason, holds in told if holds)


def why_added(who: str, case: Case, now: Mapping[str, Row], before: Mapping[str, Row] | None) -> str:
    if case.is_new:
        return "first release"
    if before is None:
        return "meets the rule"
    if who not in before:
        return "new to the base"
    _, *was = met(before[who])
    _, *holds = met(now[who]) if who in now else (False, False, False)
    for words, now_so, then_so in zip(("visits >= 3", "spend_cheese > 5"), holds, was, strict=True):
        if now_so and not then_so:
            return f"now: {words}"
    refused = not before[who][ALLOWED] or met(before[who])[0]
    return "may be addressed" if refused else "meets the rule"


@settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(drawn=st.lists(cases, min_size=40, max_size=40), now=known, before=st.none() | known)
def test_applied_to_the_membership_before_the_changes_give_the_membership_now(
    interpreted: SparkSession, drawn: list[Case], now: dict[str, Row], before: dict[str, Row] | None  # noqa: F811
) -> None:  # fmt: skip
    made = {f"case_{i}": case for i, case in enumerate(drawn)}
    audiences = [
        replace(explain(RULE, NAMES, is_new=c.is_new, withheld=c.withheld), audience=replace(RULE, name=name))
        for name, c in made.items()
    ]
    rows = changes(interpreted, made, now, before, audiences)
    found = {(r["audience"], r["customer_id"]): r for r in rows}
    assert len(found) == len(rows), "nobody is both added and removed"
    for name, case in made.items():
        added, removed = (
            {who for (of, who), r in found.items() if (of, r["change"]) == (name, change)}
            for change in ("added", "removed")
        )
        assert added == case.members - case.before
        assert removed == case.before - case.members
        assert (case.before - removed) | added == case.members
        told = {who: found[name, who]["reason"] for who in added | removed}
        assert told == {who: why_added(who, case, now, before) for who in added} | {
            who: why_removed(who, case, now) for who in removed
        }
    assert {r["as_of_date"] for r in rows} <= {AS_OF}


@pytest.mark.parametrize("members", [frozenset("ab"), frozenset[str]()])
def test_of_a_first_release_everybody_is_added(spark: SparkSession, members: frozenset[str]) -> None:
    rows = all_added(pairs(spark, {"fans": members}), AS_OF).toArrow().to_pylist()
    assert {(r["customer_id"], r["change"], r["reason"]) for r in rows} == {
        (who, "added", "first release") for who in members
    }


def test_members_of_an_audience_that_is_gone_leave_it_and_kinds_are_told_apart(spark: SparkSession) -> None:
    case = Case(frozenset("ab"), frozenset("bcd"), {"c": "goes to audience fans"}, is_new=False, withheld=False)
    gone = Case(frozenset(), frozenset("b"), {}, is_new=False, withheld=False)
    now = {who: FINE for who in "abcd"}
    rows = changes(spark, {"vips": case, "gone": gone}, now, now, [explain(listed(), NAMES)])
    assert {(r["audience"], r["customer_id"], r["change"], r["reason"]) for r in rows} == {
        ("vips", "a", "added", "in the list"),
        ("vips", "c", "removed", "goes to audience fans"),
        ("vips", "d", "removed", "no longer in the list"),
        ("gone", "b", "removed", "the audience is there no longer"),
    }


def test_what_nobody_knows_of_the_date_before_is_no_reason(spark: SparkSession) -> None:
    now, then = ({"a": {**FINE, "visits": visits}} for visits in (3, 1))
    for unknown, reason in (((), "now: visits >= 3"), (("visits",), "meets the rule")):
        found = find_changes(
            pairs(spark, {"fans": frozenset("a")}), pairs(spark, {}), pairs(spark, {}, REFUSED),
            Known(frames(spark, now), frames(spark, then), unknown), [explain(RULE, NAMES)], AS_OF,
        )  # fmt: skip
        assert [r["reason"] for r in found.toArrow().to_pylist()] == [reason]
