"""What is not an expression is refused: where, what was found, what to write instead."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.steps import counted_calls

import strata
from strata.contract.columns import Type
from strata.errors import Location, ProjectError
from strata.expression import Name, compile_expression
from strata.project.words import Text

NAMES = {
    "visits": Name(Type.BIGINT, False),
    "spend_28d": Name(Type.MONEY, False),
    "share": Name(Type.DOUBLE, False),
    "brand": Name(Type.STRING, False),
    "joined": Name(Type.DATE, False),
    "member": Name(Type.BOOLEAN, False),
    "gap": Name(Type.BIGINT, True),
    "channel": Name(Type.STRING, True),
    "agreed": Name(Type.BOOLEAN, True),
    "occurred_at": Name(Type.INSTANT, False),
}


LIB = {"PYTHONPATH": str(Path(strata.__file__).parents[1])}


def refusal(words: str, expect: Type | None = None, line: int = 3, column: int = 12) -> str:
    """The text of the error; the expression is said to start at f.yml:3:12."""
    with pytest.raises(ProjectError) as caught:
        compile_expression(Text(words, Location("f.yml", line, column)), NAMES, expect)
    return str(caught.value)


# ▸ marks the place that must be named; then what must be said about it, and what is advised
REFUSED = [
    ("▸spend_28 > 3", "unknown name spend_28", "did you mean spend_28d?"),
    ("▸Visits = 3", "unknown name Visits", "did you mean visits?"),
    ("member = ▸zzz", "unknown name zzz", "known here are agreed, brand, channel, gap, joined, member"),
    ("▸previous.rfm = 'x'", "unknown name previous.rfm", ""),
    ("▸a.b.c.d = 1", "unknown name a.b.c.d", ""),
    ("▸occurred_at is null", "occurred_at is INSTANT, which expressions cannot use", ""),
    ("▸reflect('java.lang.Runtime', 'x')", "unknown function reflect", "the functions are abs, ceil,"),
    ("visits = ▸lenght(brand)", "unknown function lenght", "did you mean length?"),
    ("▸java_method('a')", "unknown function java_method", ""),
    ("(▸select 1)", "found `select`: a query is not part of expressions", ""),
    ("visits in (▸select 1)", "found `select`: a query", ""),
    ("▸exists (select 1)", "found `exists`: a query", ""),
    ("▸cast(visits as double)", "found `cast`: a cast is not part of expressions", "every column already has the type"),
    ("▸try_cast(brand as int) = 1", "found `try_cast`: a cast", ""),
    ("visits▸::double", "found `::`: a cast", ""),
    ("▸timestamp '2017-01-01'", "a cast is not part of expressions", ""),
    (
        "joined < ▸current_date",
        "found `current_date`: the clock is not part of expressions",
        "results depend on the as-of",
    ),
    ("joined < ▸now()", "found `now`: the clock", ""),
    ("member ▸-- always", "found a comment: -- always", "write comments in YAML, after #"),
    ("member ▸/* or not */ and member", "found a comment: /* or not */", ""),
    ("▸/* first */ member", "found a comment: /* first */", ""),
    ("▸/*+ broadcast(x) */ member", "found", ""),
    ("visits = ▸?", "found `?`: a placeholder is not part of expressions", ""),
    ("visits = ▸:x", "found `:`: a placeholder", ""),
    ("visits = ▸${x}", "found `$`: a placeholder", ""),
    ("visits = ▸$1", "found `$1`: a placeholder", ""),
    ("visits = ▸@x", "found `@`: a placeholder", ""),
    ("▸{{ x }}", "found `{`: a placeholder", ""),
    ("▸sum(visits) over (partition by brand) > 1", "found `sum`: an aggregate is not part of expressions", ""),
    ("▸count(*) > 1", "found `count`: an aggregate is not part of expressions", "declare a feature of kind count"),
    ("▸*", "a star is not part of expressions", ""),
    ("member▸; drop table x", "found `;`: a second statement", ""),
    ("member▸;", "found `;`: a second statement", ""),
    ("x ▸-> x + 1", "found `->`: a lambda is not part of expressions", ""),
    ("brand▸[1] = 'a'", "found `[`: element access", ""),
    ("▸{a: 1}", "found `{`", ""),
    ("▸(visits, share)", "a list of values is not part of expressions", ""),
    ("member as ▸x", "did not expect x here", ""),
    ("member ▸or_not", "did not expect or_not here", ""),
    ("▸'a' 'b' = brand", "a string after a string", ""),
    ("brand ▸like 'a%'", "found `like`: a pattern is not part of expressions", "write starts_with(x, 'a'), ends_with"),
    ("▸ln(share) > 1", "found `ln`: a logarithm or power is not part", ""),
    ("▸upper(brand) = 'A'", "found `upper`", "write lower(x) on both sides"),
    ("▸if(member, 1, 2)", "found `if`", "write case when condition then one else other end"),
    ("brand ▸|| 'x' = 'y'", "found `||`: an operator is not part of expressions", "write concat(a, b)"),
    ("visits ▸% 2 = 0", "found `%`: an operator", ""),
    ("visits ▸== 2", "found `==`: an operator is not part of expressions", "write ="),
    ("joined > ▸interval '1' day", "found `interval`", ""),
    ("joined > ▸'2017-01-01'", "joined (DATE) and '2017-01-01' (STRING) do not go together", "write date '2017-01-01'"),
    ("▸'2017-01-01' < joined", "'2017-01-01' (STRING) and joined (DATE)", "write date '2017-01-01'"),
    (
        "days_between(▸'2017-01-01', joined)",
        "expected earlier date, found '2017-01-01' (STRING), in days_between(",
        "a date is written date",
    ),
    ("joined > ▸date('2017-01-01')", "found `date`", "write date '2017-01-01'"),
    ("visits = 1 ▸]", "did not expect ] here", ""),
    ("▸brand.trim() = 'A'", "access to a field is not part of expressions", ""),
    ("joined > ▸date '2017-02-30'", "'2017-02-30' is not a day of the calendar", ""),
    ("joined > ▸date '1.2.2017'", "'1.2.2017' is not a day of the calendar", "a date is written date '2017-01-01'"),
    ("visits = ▸'6'", "visits (BIGINT) and '6' (STRING) do not go together", "write 6 without quotes"),
    ("brand = ▸6", "brand (STRING) and 6 (BIGINT) do not go together", "write '6'"),
    ("visits + ▸brand", "+ expects numbers, found brand (STRING)", ""),
    ("▸joined - joined", "- expects numbers, found joined (DATE)", "write days_between(earlier, later)"),
    ("-▸brand", "- expects a number, found brand (STRING)", ""),
    ("▸visits and member", "expected a condition (BOOLEAN), found visits (BIGINT)", ""),
    ("member or ▸brand", "expected a condition (BOOLEAN), found brand (STRING)", ""),
    ("case when ▸visits then 1 end", "expected a condition (BOOLEAN), found visits (BIGINT)", ""),
    ("case when member then ▸1 else brand end", "1 (BIGINT) and brand (STRING) do not go together", ""),
    ("▸member > true", "expected BIGINT, MONEY, DOUBLE, STRING or DATE, found member (BOOLEAN)", ""),
    ("▸1 < visits < 7", "a comparison stands inside a comparison", "put parentheses around it"),
    ("member = ▸visits is null", "a comparison stands inside a comparison", ""),
    ("gap = ▸null", "null is not a value that can be computed with", "write x is null or x is not null"),
    ("visits in (1, ▸gap)", "found gap, expected a literal", ""),
    ("visits in (1, ▸null)", "null is not a value", ""),
    ("▸visits in ()", "in expects a list of literals", ""),
    ("▸visits in gap", "in expects a list of literals", ""),
    ("▸member is true", "after is comes null or not null", ""),
    ("round(share, ▸visits)", "expected digits 0 to 9, found visits (BIGINT)", "write a whole number from 0 to 9"),
    ("▸round(share)", "expected round(number, digits 0 to 9), found 1 arguments", ""),
    ("lower(▸visits)", "expected string, found visits (BIGINT), in lower(string)", ""),
    ("▸9223372036854775808", "9223372036854775808 does not fit BIGINT", ""),
    ("▸1e999", "1e999 does not fit DOUBLE", ""),
    ("brand = ▸'own", "a quote is opened and not closed", ""),
    ("▸   ", "found nothing, expected an expression", ""),
    ("▸", "found nothing, expected an expression", ""),
    ("member ▸and", "something is missing after and", ""),
    ("(member and ▸member", "expected ) near member", ""),
    ("visits ▸)", "did not expect ) here", ""),
    ("▸case when member then null end", "every result of this case is null", ""),
]


@pytest.mark.parametrize(("marked", "what", "next_step"), REFUSED, ids=[marked for marked, _, _ in REFUSED])
def test_refused_with_place_and_advice(marked: str, what: str, next_step: str) -> None:
    first, *others = refusal(marked.replace("▸", "")).splitlines()
    assert first.startswith(f"f.yml:3:{12 + marked.index('▸')}: {what}")
    assert next_step in "".join(others)


def test_all_problems_are_told_at_once_in_the_order_of_the_text() -> None:
    text = refusal("spend_28 > 3 and joined > '2017-01-01' or foo(visits) = 1 and brand = 3")
    places = [line.split(": ")[0] for line in text.splitlines() if line.startswith("f.yml")]
    assert places == ["f.yml:3:12", "f.yml:3:38", "f.yml:3:54", "f.yml:3:82"]


def test_forbidden_tokens_are_told_at_once() -> None:
    text = refusal("visits::int = ? and now() is null -- why")
    assert [line for line in text.splitlines() if line.startswith("f.yml")] == [
        "f.yml:3:18: found `::`: a cast is not part of expressions",
        "f.yml:3:26: found `?`: a placeholder is not part of expressions",
        "f.yml:3:32: found `now`: the clock is not part of expressions",
        "f.yml:3:46: found a comment: -- why",
    ]


def test_places_in_later_lines_count_from_their_start() -> None:
    assert refusal("visits = 6\n  and brand = 3").startswith("f.yml:4:15: brand (STRING) and 3")


def test_the_expected_type_is_asked_for() -> None:
    assert "f.yml:3:12: expected BOOLEAN, found visits + 1 (BIGINT)" in refusal("visits + 1", Type.BOOLEAN)
    assert "expected BIGINT, found spend_28d (MONEY)" in refusal("spend_28d", Type.BIGINT)
    assert "expected a value, found null" in refusal("null")


@pytest.mark.parametrize(
    "words",
    [
        "(" * 200 + "visits" + ")" * 200,
        "not " * 200 + "member",
        "- " * 200 + "visits",
        "case when member then " * 200 + "1" + " end" * 200,
        "abs(" * 200 + "visits" + ")" * 200,
        "(" * 4000,
        " + ".join(["visits"] * 200),
        "x" * 10_000,
        "'" + "x" * 10_000 + "'",
        " and ".join(["member"] * 2_000),
    ],
    ids=lambda words: f"{len(words)} of {words[:12]}",
)
def test_what_is_too_long_or_too_deep_is_refused_quickly(words: str) -> None:
    text, calls = counted_calls(lambda: refusal(words))
    assert "split it" in text or "declare features for parts" in text
    assert calls < 40 * len(words), "as much work as there are words, not as they multiply"


def test_long_chains_of_conditions_are_fine() -> None:
    words = " or ".join(["visits = 3"] * 350)
    assert compile_expression(Text(words, Location("f.yml", 1, 1)), NAMES, Type.BOOLEAN).names == {"visits"}


def test_a_column_with_the_name_of_a_refused_word_may_be_used() -> None:
    names = {
        name: Name(Type.BIGINT, False)
        for name in ("count", "level", "format", "date", "left", "order by", "previous.rank")
    }
    words = 'count + level + format + date + left + "order by" + previous.rank'
    assert compile_expression(Text(words, Location("f.yml", 1, 1)), names).names == set(names)


def test_text_of_a_person_stays_text() -> None:
    words = "brand = '''; drop table x --' or \"odd\"\"name\" = 1"
    names = NAMES | {'odd"name': Name(Type.BIGINT, False)}
    expression = compile_expression(Text(words, Location("f.yml", 1, 1)), names)
    assert expression.to_duckdb() == """(("brand" = '''; drop table x --') OR ("odd""name" = CAST(1 AS bigint)))"""


def test_compiling_imports_neither_pyspark_nor_duckdb() -> None:
    code = "import sys, strata.expression; print({'pyspark', 'duckdb', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=LIB)
    assert run.stdout.strip() == "set()"


def test_compiling_is_little_work() -> None:
    words = "visits >= 4 and (share >= 0.5 or spend_28d > 100) and brand in ('own', 'national')"
    text = Text(words, Location("f.yml", 1, 1))
    compile_expression(text, NAMES)
    _, calls = counted_calls(lambda: compile_expression(text, NAMES))
    assert calls < 5_000, "a millisecond or two"
