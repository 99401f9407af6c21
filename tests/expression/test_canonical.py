"""One spelling for all ways to write the same expression; types and names as they were checked."""

import pytest

from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Expression, Name, compile_expression
from strata.project.words import Text

NAMES = {
    "visits": Name(Type.BIGINT, False),
    "spend": Name(Type.MONEY, False),
    "share": Name(Type.DOUBLE, False),
    "brand": Name(Type.STRING, True),
    "member": Name(Type.BOOLEAN, False),
    "joined on": Name(Type.DATE, False),
}


def compiled(words: str, expect: Type | None = None) -> Expression:
    return compile_expression(Text(words, Location("f.yml", 1, 1)), NAMES, expect)


@pytest.mark.parametrize(
    ("spellings", "canonical"),
    [
        (["visits>=26", "  VISITS_ >=\n26 ".replace("VISITS_", "visits"), "((visits) >= (26))"], "visits >= 26"),
        (["member AND (member And member)", "(member and member) and member"], "member and member and member"),
        (["member or (member and member)", "member or member and member"], "member or member and member"),
        (["(member or member) and member"], "(member or member) and member"),
        (["visits <> 3", "visits != 3"], "visits != 3"),
        (["NOT brand IS NULL", "brand is not null", "not (brand is null)"], "brand is not null"),
        (["not visits in (1,2)", "visits NOT IN ( 1 , 2 )"], "visits not in (1, 2)"),
        (["visits-(visits-1)"], "visits - (visits - 1)"),
        (["(visits-visits)-1"], "visits - visits - 1"),
        (["visits*(visits+1)/(2*visits)"], "visits * (visits + 1) / (2 * visits)"),
        (["-(-visits)", "- - visits"], "-(-visits)"),
        (["2 - -3"], "2 - -3"),
        (["spend > 5", "spend > 5.00", "spend > 5.0"], "spend > 5"),
        (["share > 5", "share > 5.0", "share > 5e0"], "share > 5.0"),
        (["COALESCE(brand,'it''s')"], "coalesce(brand, 'it''s')"),
        (["\"joined on\" = DATE '2017-01-01'"], "\"joined on\" = date '2017-01-01'"),
        (
            ["case visits when 1 then 'a' end", "CASE WHEN visits=1 THEN 'a' ELSE NULL END"],
            "case when visits = 1 then 'a' end",
        ),
        (["(visits > 1) = member"], "(visits > 1) = member"),
    ],
)
def test_spellings_of_the_same_are_one(spellings: list[str], canonical: str) -> None:
    assert {compiled(words).canonical for words in spellings} == {canonical}
    assert compiled(canonical).tree == compiled(spellings[0]).tree


def test_what_differs_stays_different() -> None:
    words = [
        "visits - 1 - 2",
        "visits - (1 - 2)",
        "share > 0.1",
        "share > 0.10000000000000001e1",
        "brand = 'A'",
        "brand = 'a'",
    ]
    assert len({compiled(one).canonical for one in words}) == len(words)


@pytest.mark.parametrize(
    ("words", "type_"),
    [
        ("visits + 1", Type.BIGINT), ("visits + 1.5", Type.DOUBLE), ("visits / 2", Type.DOUBLE),
        ("spend + 1", Type.MONEY), ("spend + 1.25", Type.MONEY), ("spend + 1.125", Type.DOUBLE),
        ("spend + visits", Type.MONEY), ("spend + share", Type.DOUBLE), ("spend + visits + share", Type.DOUBLE),
        ("spend * 2", Type.MONEY), ("visits * spend", Type.MONEY), ("spend * 2.5", Type.DOUBLE),
        ("spend * spend", Type.DOUBLE), ("spend / spend", Type.DOUBLE), ("greatest(visits, spend)", Type.MONEY),
        ("case when member then null else spend end", Type.MONEY), ("round(share, 2)", Type.DOUBLE),
        ("floor(spend)", Type.BIGINT), ("sqrt(spend)", Type.DOUBLE), ("'x'", Type.STRING),
    ],
)  # fmt: skip
def test_numbers_widen_and_nothing_else(words: str, type_: Type) -> None:
    assert compiled(words).type == type_


def test_the_expected_type_is_widened_to() -> None:
    assert compiled("visits", Type.DOUBLE).type == Type.DOUBLE
    assert compiled("visits", Type.MONEY).type == Type.MONEY
    assert compiled("0", Type.MONEY).type == Type.MONEY
    assert compiled("null", Type.STRING).type == Type.STRING
    assert compiled("null", Type.STRING).nullable


def test_names_are_those_that_are_read() -> None:
    assert compiled("case when member then visits else 0 end > share").names == {"member", "visits", "share"}
    assert compiled("true").names == frozenset()
