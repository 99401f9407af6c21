"""Reasons for joining and leaving, without Spark: conditions in parts, and which ground holds first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audiences.definitions import HERE, NAMES, audience
from tests.expression.test_agreement import BOOLEAN, EVERYDAY, compiled, expressions, tables

from strata.audiences.reasons import (
    IN_BASE,
    Explained,
    Ground,
    allowed_name,
    comparable,
    explain,
    grounds_of_joining,
    grounds_of_joining_since,
    grounds_of_leaving,
    parts_of,
)
from strata.contract.columns import Type
from strata.expression import Name, compile_expression
from strata.project.audiences import Audience, Expiry, ListFile, Size
from strata.project.words import Text

ALLOWED = allowed_name("direct_mail")
FINE = {IN_BASE: True, ALLOWED: True, "wine_days": 0, "visits": 5, "messages": 0, "spend_cheese": 9, "spend_beer": 1}


def rule(include: str = "visits >= 3 and (spend_cheese > 5 or wine_days = 0)", **changes: Any) -> Audience:
    exclude = tuple(Text(words, HERE) for words in changes.pop("exclude", ("messages > 3",)))
    return Audience("fans", "rule", "crm", "direct_mail", exclude, 100, HERE, include=Text(include, HERE), **changes)


def listed(**changes: Any) -> Audience:
    return Audience("vips", "list", "crm", "direct_mail", (), 100, HERE,
                    list_file=ListFile("vips.csv", "id", "plain", HERE), **changes)  # fmt: skip


def first(grounds: Sequence[Ground], now: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """The reason, by DuckDB; a customer who is not there has NULL everywhere."""
    names = {**NAMES, IN_BASE: Name(Type.BOOLEAN, True), ALLOWED: Name(Type.BOOLEAN, True)}
    kinds = {Type.BOOLEAN: "BOOLEAN", Type.BIGINT: "BIGINT", Type.MONEY: "DECIMAL(18,2)"}
    rows = {"now": now, "before": before or {}}
    made = {side: ", ".join(f'CAST(? AS {kinds[n.type]}) AS "{name}"' for name, n in names.items()) for side in rows}
    for ground in grounds:
        for question in ground.questions:
            side = "before" if question.before else "now"
            sql = f"SELECT coalesce({question.condition.to_duckdb()}, false) FROM (SELECT {made[side]})"
            (answer,) = duckdb.execute(sql, [rows[side].get(name) for name in names]).fetchone() or (None,)
            if answer != question.answer:
                break
        else:
            return ground.reason
    raise AssertionError("no ground holds")


@settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(words=st.lists(expressions(BOOLEAN, 2), min_size=1, max_size=4), table=tables(EVERYDAY, 12))
def test_the_and_of_the_parts_is_the_whole_and_no_part_joins_others(words: list[str], table: pa.Table) -> None:
    whole = compiled(" and ".join(words))
    parts = parts_of(whole)
    assert len(parts) >= len(words)
    assert not any(part.tree.op == "and" for part in parts)
    with duckdb.connect() as connection:
        connection.register("t", table)
        held = [f"coalesce({e.to_duckdb()}, false)" for e in (whole, *parts)]
        for one, *each in connection.execute(f"SELECT {', '.join(held)} FROM t").fetchall():
            assert one == all(each), (whole.canonical, [p.canonical for p in parts])
    assert all(part.canonical in whole.canonical for part in parts)
    assert frozenset[str]().union(*(part.names for part in parts)) == whole.names


def test_parts_are_those_joined_at_the_top_whatever_the_parentheses() -> None:
    words = "(visits >= 3 and (messages = 0)) AND (visits < 9 or wine_days = 1)"
    found = parts_of(compile_expression(Text(words, HERE), NAMES))
    assert [part.canonical for part in found] == ["visits >= 3", "messages = 0", "visits < 9 or wine_days = 1"]
    (alone,) = parts_of(compile_expression(Text("visits >= 3 or messages = 0", HERE), NAMES))
    assert alone.canonical == "visits >= 3 or messages = 0"


def leaving(explained: Explained, **now: Any) -> str:
    return first(grounds_of_leaving(explained), {**FINE, **now})


def joining(explained: Explained, before: Mapping[str, Any], **now: Any) -> str:
    return first(grounds_of_joining_since(explained), {**FINE, **now}, before)


def test_the_first_reason_to_leave_is_told_consent_before_everything_the_definition_says() -> None:
    fans = explain(rule(), NAMES)
    worst = {"visits": 1, "messages": 9, "spend_cheese": 1, "wine_days": 1, ALLOWED: False}
    assert first(grounds_of_leaving(fans), {}) == "left the base"
    assert leaving(fans, **worst) == "not eligible"
    assert leaving(fans, **worst | {ALLOWED: True}) == "excluded: messages > 3"
    assert leaving(fans, visits=1, spend_cheese=1, wine_days=1) == "no longer: visits >= 3"
    assert leaving(fans, spend_cheese=1, wine_days=1) == "no longer: spend_cheese > 5 or wine_days = 0"
    assert (
        leaving(fans, messages=None, wine_days=None, spend_cheese=1) == "no longer: spend_cheese > 5 or wine_days = 0"
    )
    assert leaving(fans) == "no longer meets the rule"
    assert leaving(replace(fans, audience=rule(size=Size(customers=500)))) == "fell below the cut"


def test_a_look_alike_is_left_by_joining_the_seed_or_by_being_no_candidate_or_below_the_cut() -> None:
    wine = explain(audience(candidates="wine_days <= 1 and visits >= 2", exclude=["messages > 3"]), NAMES)
    assert leaving(wine, wine_days=1, visits=1) == "joined the seed"
    assert leaving(wine, visits=1) == "no longer a candidate: visits >= 2"
    assert leaving(wine, wine_days=None) == "no longer a candidate: wine_days <= 1"
    assert leaving(wine) == "fell below the cut"


def test_a_withheld_audience_is_left_only_by_who_may_not_be_in_it() -> None:
    fans = explain(rule(), NAMES, withheld=True)
    assert leaving(fans, **{ALLOWED: False}) == "not eligible"
    assert leaving(fans, messages=4) == "excluded: messages > 3"
    assert leaving(fans, visits=1) == "may no longer be in it"


def test_a_reason_to_join_is_what_holds_now_and_did_not_before() -> None:
    fans = explain(rule(), NAMES)
    assert joining(fans, {}) == "new to the base"
    assert joining(fans, {**FINE, "visits": 1, "spend_cheese": 1, "wine_days": 2}) == "now: visits >= 3"
    held = {**FINE, "spend_cheese": 1, "wine_days": 2}
    assert joining(fans, held) == "now: spend_cheese > 5 or wine_days = 0"
    assert joining(fans, FINE) == "meets the rule"
    cut = replace(fans, audience=rule(size=Size(customers=500)))
    assert joining(cut, FINE) == "rose above the cut"


def test_of_who_was_refused_it_is_not_told_whether_by_consent_or_exclusion() -> None:
    for explained in (explain(rule(), NAMES), explain(audience(exclude=["messages > 3"]), NAMES)):
        for refused in ({ALLOWED: False}, {"messages": 4}, {ALLOWED: False, "messages": 4}):
            assert joining(explained, {**FINE, **refused}) == "may be addressed"
    assert joining(explain(listed(), NAMES), {**FINE, ALLOWED: False}) == "may be addressed"


def test_a_look_alike_is_joined_by_becoming_a_candidate_by_leaving_the_seed_or_above_the_cut() -> None:
    wine = explain(audience(seed="messages > 0", candidates="wine_days = 0 and visits >= 2"), NAMES)
    assert joining(wine, {**FINE, "visits": 1}) == "now a candidate: visits >= 2"
    assert joining(wine, {**FINE, "messages": 2}) == "now a candidate: left the seed"
    assert joining(wine, FINE) == "rose above the cut"


def test_nothing_is_told_of_conditions_that_nobody_knows_of_the_date_before() -> None:
    fans = comparable(explain(rule(), NAMES), {"visits", "messages"})
    assert joining(fans, {**FINE, "visits": 1, "messages": 9}) == "meets the rule"
    assert joining(fans, {**FINE, "visits": 1, "spend_cheese": 1, "wine_days": 1}).startswith("now: spend_cheese > 5")
    wine = comparable(explain(audience(seed="messages > 0"), NAMES), {"messages"})
    assert joining(wine, {**FINE, "messages": 2}) == "rose above the cut"


def test_without_the_date_before_and_for_a_new_audience_there_is_one_reason_to_join() -> None:
    every = {"meets the rule": rule(), "in the list": listed(), "rose above the cut": audience()}
    for reason, declared in every.items():
        assert grounds_of_joining(explain(declared, NAMES)) == (Ground(reason),)
        new = explain(declared, NAMES, is_new=True)
        assert grounds_of_joining(new) == grounds_of_joining_since(new) == (Ground("first release"),)


def test_a_list_with_a_size_does_not_tell_more_than_is_known() -> None:
    assert leaving(explain(listed(), NAMES)) == "no longer in the list"
    cut = explain(listed(size=Size(customers=10, order=Text("visits", HERE))), NAMES)
    assert leaving(cut) == "no longer in the list, or fell below the cut"


def test_what_a_definition_reads_is_named_for_whoever_gathers_it() -> None:
    assert explain(rule(), NAMES).columns == {"visits", "spend_cheese", "wine_days", "messages"}
    assert explain(audience(exclude=["messages > 3"]), NAMES).columns == {"wine_days", "messages"}
    assert explain(listed(expires=Expiry(after_days=3)), NAMES).columns == frozenset()
