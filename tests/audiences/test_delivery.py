"""From those found to the members, in Spark: the first of a rule, who is refused and why, holdout, days, stale ones."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.audiences.definitions import AS_OF, HERE, NAMES, arrow_frame, customer
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.audiences.consent import permissions
from strata.audiences.delivery import Facts, compile_terms, count_judged, count_sent, judge
from strata.audiences.holdout import is_held_out
from strata.audiences.members import COLUMNS, members_of, refused_of
from strata.audiences.selection import compile_selection, count_found, pick, with_lists
from strata.contract.lists import audience_membership
from strata.contract.spark import frame_of, rows_of
from strata.project.audiences import Audience, Expiry, Pressure, Size
from strata.project.policies import Purpose
from strata.project.words import Text

MAIL, LETTER = Purpose("mail", "consent", "Mail"), Purpose("letter", "legitimate_interest", "Letters")
PEOPLE = 12
SPENT: list[float | None] = [50.0, 10.0, None, 50.0, 70.0, float("nan"), 20.0, 30.0, 40.0, 60.0, 5.0, 50.0]
MESSAGES = [0, 0, 0, 5, 0, 0, 9, 0, 0, 0, 0, 0]
WEEK = timedelta(days=7)


def audience(name: str = "rich", **changes: Any) -> Audience:
    parts: dict[str, Any] = {"kind": "rule", "owner": "crm", "purpose": "letter", "exclude": (), **changes}
    if parts["kind"] == "rule":
        parts["include"] = Text(parts.get("include", "visits > 0"), HERE)
    parts["exclude"] = tuple(Text(words, HERE) for words in parts["exclude"])
    return Audience(name=name, publish_at_least=1, where=HERE, **parts)


def size(order: str = "spend_cheese", **changes: Any) -> Size:
    return Size(order=Text(order, HERE), **changes)


@pytest.fixture(scope="module")
def people(spark: SparkSession) -> DataFrame:
    return arrow_frame(
        spark,
        {
            "as_of_date": [AS_OF] * PEOPLE,
            "customer_id": [customer(i) for i in range(PEOPLE)],
            "visits": pa.array([None, *[1] * (PEOPLE - 1)], pa.int64()),
            "messages": pa.array(MESSAGES, pa.int64()),
            "spend_cheese": pa.array(SPENT, pa.float64()),
            "audience": ["a feature may be called so"] * PEOPLE,
        },
    )


def picked(people: DataFrame, *audiences: Audience, listed: DataFrame | None = None) -> DataFrame:
    chosen = [compile_selection(a, NAMES) for a in audiences]
    if listed is not None:
        people = with_lists(people, listed, [a.name for a in audiences if a.kind == "list"])
    (counted,) = rows_of(count_found(people, chosen))
    return pick(people, chosen, counted)


def numbers(rows: Sequence[dict[str, Any]]) -> list[int]:
    return [int(row["customer_id"], 16) for row in rows]


def in_order(picks: DataFrame, name: str = "rich") -> list[int]:
    return numbers(rows_of(picks.where(F.col("audience") == name).orderBy("place", "customer_id")))


def test_the_first_by_order_are_taken_ties_by_id_and_the_unknown_last(people: DataFrame) -> None:
    """Customer 0 does not meet the rule: visits are unknown."""
    best = [4, 9, 3, 11, 8, 7, 6, 1, 10, 2, 5]
    least = [10, 1, 6, 7, 8, 3, 11, 9, 4, 2, 5]
    found = picked(
        people,
        audience(size=size(customers=3)),
        audience("all", size=size(customers=100)),
        audience("share", size=size(share=0.5)),
        audience("poor", size=size(share=1.0, best="low")),
        audience("whole"),
        audience("none", include="visits > 9"),
    )
    assert in_order(found) == best[:3]
    assert in_order(found, "all") == best
    assert in_order(found, "share") == best[:6], "half of 11, rounded up"
    assert in_order(found, "poor") == least
    assert in_order(found, "whole") == sorted(best)
    assert in_order(found, "none") == []
    assert {row["origin"] for row in rows_of(found)} == {"rule"}


def test_a_list_is_who_is_in_it_and_a_customer(people: DataFrame, spark: SparkSession) -> None:
    rows = [("vip", customer(0)), ("vip", customer(4)), ("vip", customer(4)), ("vip", customer(77)), ("b", customer(1))]
    listed = spark.createDataFrame(rows, "audience string, customer_id string")
    vip = audience("vip", kind="list", size=size(customers=1))
    found = picked(people, audience("b", kind="list"), vip, audience(), listed=listed)
    assert (in_order(found, "vip"), in_order(found, "b")) == ([4], [1])
    assert len(in_order(found)) == PEOPLE - 1
    everybody = picked(people, replace(vip, size=None), listed=listed)
    assert sorted(in_order(everybody, "vip")) == [0, 4]


def consents(spark: SparkSession, *granted: int, objecting: Sequence[int] = ()) -> DataFrame:
    rows = [(customer(i), "mail", "consent", True, date(2017, 1, 1)) for i in granted]
    rows += [(customer(i), "letter", "objection", True, date(2017, 1, 1)) for i in objecting]
    schema = "customer_id string, purpose string, basis string, granted boolean, valid_from date"
    return permissions(spark.createDataFrame(rows, schema), [MAIL, LETTER], AS_OF)


def last_members(spark: SparkSession, entered: dict[int, date], name: str = "rich") -> DataFrame:
    rows = [
        {
            "as_of_date": AS_OF - WEEK, "audience": name, "customer_id": customer(i), "score": None,
            "audience_rank": rank, "origin": "rule", "holdout": False, "entered_on": day, "expires_on": None,
            "stale": False, "release_id": "0" * 32,
        }
        for rank, (i, day) in enumerate(entered.items(), 1)
    ]  # fmt: skip
    return frame_of(spark, audience_membership, rows)


def delivered(people: DataFrame, *audiences: Audience, **facts: Any) -> DataFrame:
    spark = people.sparkSession
    known = {"said": consents(spark), "before": last_members(spark, {}), **facts}
    terms = [compile_terms(a, [MAIL, LETTER], NAMES) for a in audiences]
    return judge(picked(people, *audiences), terms, Facts(people, **known), AS_OF)


def refusals(judged: DataFrame, withheld: Sequence[str] = ()) -> dict[tuple[str, int], str]:
    return {(r["audience"], int(r["customer_id"], 16)): r["reason"] for r in rows_of(refused_of(judged, withheld))}


def members(judged: DataFrame, withheld: Sequence[str] = ()) -> list[dict[str, Any]]:
    return rows_of(members_of(judged, withheld, AS_OF).orderBy("audience", "audience_rank"))


def test_the_first_reason_is_told_and_nobody_moves_up(people: DataFrame, spark: SparkSession) -> None:
    rich = audience(size=size(customers=6), exclude=["messages > 8", "messages > 3"])
    mail = audience("mailed", purpose="mail")
    judged = delivered(people, rich, mail, said=consents(spark, 3, 4, objecting=[9, 3]))
    assert refusals(judged) == {
        ("rich", 9): "not eligible", ("rich", 3): "not eligible",
        **{("mailed", i): "not eligible" for i in range(1, PEOPLE) if i not in (3, 4)},
    }  # fmt: skip
    found = members(judged)
    assert numbers([r for r in found if r["audience"] == "rich"]) == [4, 11, 8, 7], "six were found, two refused"
    assert [r["audience_rank"] for r in found if r["audience"] == "rich"] == [1, 2, 3, 4]
    assert numbers([r for r in found if r["audience"] == "mailed"]) == [3, 4]
    open_to_all = delivered(people, replace(rich, size=None))
    assert refusals(open_to_all) == {("rich", 3): "excluded: messages > 3", ("rich", 6): "excluded: messages > 8"}


def test_members_are_rows_of_the_contract(people: DataFrame) -> None:
    row = members(delivered(people, audience()))[0]
    assert tuple(row) == COLUMNS
    own = {"as_of_date": AS_OF, "audience": "rich", "customer_id": customer(1), "score": None, "audience_rank": 1,
           "origin": "rule", "holdout": False, "entered_on": AS_OF, "expires_on": None, "stale": False}  # fmt: skip
    assert row == own


def test_who_was_written_to_often_enough_is_left_alone(people: DataFrame, spark: SparkSession) -> None:
    """1: three in the window; 2: two; 3: one on each side of its first day; 4: controls; 5: no day; 6: tomorrow."""
    day = timedelta(days=1)
    sent = [
        *((1, AS_OF - days * day, False) for days in (0, 5, 27)),
        *((2, AS_OF, False) for _ in range(2)),
        *((3, AS_OF - days * day, False) for days in (27, 28)),
        *((4, AS_OF, True) for _ in range(2)),
        *((5, None, False) for _ in range(2)),
        *((6, AS_OF + day, False) for _ in range(2)),
    ]
    told = spark.createDataFrame(
        [(customer(i), on, control) for i, on, control in sent],
        "customer_id string, sent_on date, is_control boolean",
    )
    careful = audience(pressure=Pressure(at_most=2, days=28))
    counted = count_sent(told, {28, 84}, AS_OF)
    judged = delivered(people, careful, audience("other"), sent=counted)
    assert refusals(judged) == {("rich", i): "contact pressure: 2 in 28 days" for i in (1, 2)}
    asked = {(r["audience"], r["reason"]): r["asked"] for r in rows_of(count_judged(judged))}
    assert asked == {("rich", None): 1, ("rich", "contact pressure: 2 in 28 days"): 2, ("other", None): 3}


def test_members_of_audiences_that_come_first_go_there(people: DataFrame, spark: SparkSession) -> None:
    rows = [("first", customer(1)), ("second", customer(2)), ("elsewhere", customer(3))]
    rivals = spark.createDataFrame(rows, "audience string, customer_id string")
    judged = delivered(people, audience(ahead=("first", "second")), audience("other"), rivals=rivals)
    assert refusals(judged) == {("rich", 1): "goes to audience first", ("rich", 2): "goes to audience second"}


def test_a_membership_ends_after_its_days_and_begins_again_after_a_release_without(
    people: DataFrame, spark: SparkSession
) -> None:
    week = audience(expires=Expiry(after_days=7))
    six, seven = AS_OF - timedelta(days=6), AS_OF - timedelta(days=7)
    judged = delivered(people, week, before=last_members(spark, {1: six, 2: seven, 3: AS_OF + WEEK}))
    assert refusals(judged) == {("rich", 2): "expired"}
    days = {n: (r["entered_on"], r["expires_on"]) for r in members(judged) for n in numbers([r])}
    assert days[1] == (six, AS_OF)
    assert days[3] == days[4] == (AS_OF, AS_OF + timedelta(days=6)), "a later release began no earlier membership"
    again = delivered(people, week, before=last_members(spark, {1: six}))
    assert numbers([r for r in members(again) if r["entered_on"] == AS_OF]) == list(range(2, PEOPLE))


def test_after_its_last_day_an_audience_has_nobody_not_even_last_members(
    people: DataFrame, spark: SparkSession
) -> None:
    before = last_members(spark, {1: AS_OF - WEEK})
    today, over = (audience(expires=Expiry(on=day)) for day in (AS_OF, AS_OF - timedelta(days=1)))
    assert {r["expires_on"] for r in members(delivered(people, today, before=before))} == {AS_OF}
    judged = delivered(people, over, before=before)
    assert (members(judged), members(judged, ["rich"])) == ([], [])
    assert set(refusals(judged).values()) == set(refusals(judged, ["rich"]).values()) == {"expired"}


def test_last_members_stay_where_an_audience_is_withheld_as_far_as_they_may(
    people: DataFrame, spark: SparkSession
) -> None:
    """6 is excluded, 9 objects, 77 has left; 4 was written to, which keeps nobody from what he is in."""
    before = last_members(spark, dict.fromkeys((8, 6, 4, 9, 77, 1), AS_OF - WEEK))
    other = last_members(spark, {2: AS_OF - WEEK}, "other")
    told = spark.createDataFrame([(customer(4), AS_OF, False)], "customer_id string, sent_on date, is_control boolean")
    careful = audience(exclude=["messages > 3"], pressure=Pressure(1, 28), include="visits > 9")
    judged = delivered(
        people, careful, audience("other"), before=before.unionByName(other), sent=count_sent(told, {28, 84}, AS_OF),
        said=consents(spark, objecting=[9]),
    )  # fmt: skip
    assert members(judged, [])[0]["audience"] == "other", "nobody is found for the first"
    kept = [r for r in members(judged, ["rich"]) if r["audience"] == "rich"]
    assert numbers(kept) == [8, 4, 1]
    assert [(r["audience_rank"], r["entered_on"], r["stale"]) for r in kept] == [
        (rank, AS_OF - WEEK, True) for rank in (1, 2, 3)
    ]
    assert {key: reason for key, reason in refusals(judged, ["rich"]).items() if key[0] == "rich"} == {
        ("rich", 6): "excluded: messages > 3", ("rich", 9): "not eligible", ("rich", 77): "not eligible",
    }  # fmt: skip
    assert not any(r["stale"] for r in members(judged, ["rich"]) if r["audience"] == "other")


def held_out(share: float, name: str, number: int) -> bool:
    """The same with Python's own hash."""
    digits = hashlib.sha256(f"{name}:{customer(number)}".encode()).hexdigest()[:13]
    return int(digits, 16) / 16**13 < share


def test_the_holdout_is_a_share_by_hash_the_same_for_ever_and_a_higher_one_keeps_it(spark: SparkSession) -> None:
    many = arrow_frame(spark, {"customer_id": [customer(i) for i in range(4_000)]})
    shares = (0.0, 0.1, 0.25, 0.9)
    columns = [is_held_out(share, "rich").alias(f"s{i}") for i, share in enumerate(shares)]
    other = is_held_out(0.25, "other").alias("other")
    rows = rows_of(many.repartition(3).select("customer_id", *columns, other))
    for row in rows:
        assert [row[f"s{i}"] for i in range(4)] == [held_out(s, "rich", *numbers([row])) for s in shares]
        assert row["s0"] <= row["s1"] <= row["s2"] <= row["s3"]
    sizes = [sum(row[f"s{i}"] for row in rows) / len(rows) for i in range(4)]
    assert sizes == pytest.approx(shares, abs=0.02)
    both = sum(row["s2"] and row["other"] for row in rows) / len(rows)
    assert both == pytest.approx(0.25 * 0.25, abs=0.02), "another audience holds back others"


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    granting=st.sets(st.integers(0, PEOPLE - 1)),
    withdrawing=st.sets(st.integers(0, PEOPLE - 1)),
    size_and_holdout=st.tuples(st.integers(1, PEOPLE), st.floats(0.01, 0.8)),
    last=st.sets(st.integers(0, PEOPLE + 2)),
)
def test_removing_consent_only_ever_removes(
    interpreted: SparkSession,  # noqa: F811
    people: DataFrame,
    granting: set[int],
    withdrawing: set[int],
    size_and_holdout: tuple[int, float],
    last: set[int],
) -> None:
    wanted, share = size_and_holdout
    mailed = audience(purpose="mail", size=size(customers=wanted), holdout=share, exclude=["messages > 3"])
    before = last_members(interpreted, dict.fromkeys(sorted(last), AS_OF - WEEK))
    picks = set(in_order(picked(people, mailed)))
    found, stale = [], []
    for granted in (granting, granting - withdrawing):
        judged = delivered(people, mailed, said=consents(interpreted, *granted), before=before)
        found.append({int(r["customer_id"], 16): r["holdout"] for r in members(judged)})
        stale.append(set(numbers(members(judged, ["rich"]))))
        assert found[-1].keys() <= picks & granted
        assert found[-1].keys() | {number for _, number in refusals(judged)} == picks
        assert not found[-1].keys() & {number for _, number in refusals(judged)}
        assert stale[-1] <= last & granted
        assert all(MESSAGES[number] <= 3 for number in found[-1].keys() | stale[-1])
    assert found[1].keys() == found[0].keys() - withdrawing
    assert found[1].items() <= found[0].items(), "the holdout is that of before"
    assert stale[1] == stale[0] - withdrawing
