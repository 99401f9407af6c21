"""`not`, `!=` and `not in` over what can be NULL: refused, with both ways to write it, and both are accepted."""

import re

import pytest

from strata.contract.columns import Type
from strata.errors import Location, ProjectError
from strata.expression import Expression, Name, compile_expression
from strata.project.words import Text

NAMES = {
    "visits": Name(Type.BIGINT, False),
    "member": Name(Type.BOOLEAN, False),
    "gap": Name(Type.BIGINT, True),
    "limit_of": Name(Type.BIGINT, True),
    "channel": Name(Type.STRING, True),
    "agreed": Name(Type.BOOLEAN, True),
}


def compiled(words: str) -> Expression:
    return compile_expression(Text(words, Location("f.yml", 1, 1)), NAMES)


def advice(words: str) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        compiled(words)
    [problem] = caught.value.problems
    found = re.fullmatch(r"write \((.*)\) to let the unknown in, or \((.*)\) to leave it out", problem.next_step)
    assert found is not None
    return list(found.groups())


@pytest.mark.parametrize(
    ("words", "to_let_in", "to_leave_out"),
    [
        ("channel != 'app'", "channel != 'app' or channel is null", "channel != 'app' and channel is not null"),
        ("CHANNEL_ <> 'app'".replace("CHANNEL_", "channel"), "channel != 'app' or channel is null", None),
        ("channel not in ('a', 'b')", "channel not in ('a', 'b') or channel is null", None),
        ("not (channel in ('a'))", "channel not in ('a') or channel is null", None),
        ("not agreed", "not agreed or agreed is null", "not agreed and agreed is not null"),
        ("not gap > 3", "not (gap > 3) or gap is null", "not (gap > 3) and gap is not null"),
        ("gap not between 1 and 3", "not (gap between 1 and 3) or gap is null", None),
        (
            "gap != limit_of",
            "gap != limit_of or gap is null or limit_of is null",
            "gap != limit_of and gap is not null and limit_of is not null",
        ),
        ("visits / visits != 1", "visits / visits != 1.0 or visits / visits is null", None),
        ("coalesce(gap, limit_of) != 1", "coalesce(gap, limit_of) != 1 or coalesce(gap, limit_of) is null", None),
        ("abs(gap + 1) != 1", "abs(gap + 1) != 1 or gap is null", None),
        (
            "not (gap > 3 and member)",
            "not (gap > 3 and member) or (gap > 3 and member) is null",
            "not (gap > 3 and member) and (gap > 3 and member) is not null",
        ),
    ],
)
def test_both_ways_are_printed_and_accepted(words: str, to_let_in: str, to_leave_out: str | None) -> None:
    first, second = advice(words)
    assert first == to_let_in
    assert to_leave_out in (None, second)
    assert not compiled(first).nullable
    assert not compiled(second).nullable


@pytest.mark.parametrize(
    "words",
    [
        "visits != 3",
        "not member",
        "not (gap is null)",
        "not gap is not null",
        "channel is null or channel != 'app'",
        "(channel is null) or member or (channel != 'app')",
        "channel is not null and (member or channel != 'app')",
        "not (channel is null or channel = 'app')",
        "coalesce(channel, 'none') != 'app'",
        "visits / 2 != 1",
        "case when gap is null then false else gap != 3 end",
        "case when gap is not null then gap != 3 else true end",
        "case when gap is null then 0 when gap != 3 then 1 else 2 end = 1",
    ],
)
def test_what_asks_about_the_unknown_is_accepted(words: str) -> None:
    assert not compiled(words).nullable


@pytest.mark.parametrize(
    "words",
    [
        "channel != 'app' or gap is null",
        "channel != 'app' and channel is null",
        "channel != 'app' or channel is not null",
        "channel != 'app' or (channel is null and member)",
        "member and channel != 'app'",
        "channel = 'app' and channel != 'mail'",
        "(channel is not null or member) and channel != 'app'",
        "case when gap is null then gap != 3 else true end",
        "not (channel = 'app' and channel is null) and not (gap = 3)",
        "visits / gap != 1 and gap is not null",
    ],
)
def test_asking_about_something_else_is_not_enough(words: str) -> None:
    with pytest.raises(ProjectError, match="meets the unknown"):
        compiled(words)


def test_the_refusal_points_at_the_part_and_says_what_is_unknown() -> None:
    with pytest.raises(ProjectError) as caught:
        compiled("member and (channel != 'app' or not agreed)")
    assert [str(problem).splitlines()[0] for problem in caught.value.problems] == [
        "f.yml:1:13: channel != 'app' meets the unknown: channel can be NULL",
        "f.yml:1:33: not agreed meets the unknown: agreed can be NULL",
    ]


@pytest.mark.parametrize(
    ("words", "nullable"),
    [
        ("visits", False), ("gap", True), ("gap + visits", True), ("gap = 3", True), ("gap is null", False),
        ("coalesce(gap, visits)", False), ("coalesce(gap, limit_of)", True), ("least(gap, visits)", False),
        ("nullif(visits, 3)", True), ("visits / visits", True), ("visits / 2", False), ("visits / 0", True),
        ("sqrt(visits)", True), ("case when member then 1 end", True), ("case when member then 1 else 2 end", False),
        ("case when agreed then 1 else 2 end", False), ("case when gap is null then 0 else gap end", False),
        ("gap > 3 and gap is not null", False), ("gap > 3 or member", True),
    ],
)  # fmt: skip
def test_whether_the_result_can_be_null_is_known(words: str, nullable: bool) -> None:
    assert compiled(words).nullable is nullable
