"""Rules that can never decide: known cases, and brute force over many values."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Name, compile_expression
from strata.project.checks.reachable import unreachable
from strata.project.words import Text

NAMES = {
    "n": Name(Type.BIGINT, False),
    "m": Name(Type.MONEY, True),
    "x": Name(Type.DOUBLE, True),
    "s": Name(Type.STRING, True),
    "d": Name(Type.DATE, True),
    "b": Name(Type.BOOLEAN, True),
}


def rules(*conditions: str):
    where = Location("test.yml", 1, 1)
    return [(f"r{i}", compile_expression(Text(c, where), NAMES, Type.BOOLEAN)) for i, c in enumerate(conditions)]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["n >= 1", "n >= 6"], ("r1",)),
        (["n >= 6", "n >= 1"], ()),
        (["n > 2.5", "n = 3"], ("r1",)),
        (["n > 2.5", "n = 2"], ()),
        (["n < 3", "n > 2", "n = 7"], ("r2",)),
        (["m < 10", "m >= 10", "m = 3"], ("r2",)),
        (["m < 10", "m >= 10", "m is null"], ()),
        (["x <= 1.5", "x < 1.6"], ()),
        (["x <= 1.5", "x < 1.5"], ("r1",)),
        (["s in ('a', 'b')", "s = 'b'"], ("r1",)),
        (["s >= 'a'", "s = 'b'", "s = 'A'"], ("r1",)),
        (["d >= date '2020-01-01'", "d > date '2020-01-01'"], ("r1",)),
        (["b", "not coalesce(b, true)"], None),
        (["b", "b is null", "b = false", "s = 'a'"], ("r3",)),
        (["n > 0 or m > 0", "n > 0 and m > 5"], ("r1",)),
        (["n + 1 > 2", "n > 5"], None),
    ],
)
def test_known_cases(conditions: list[str], expected: tuple[str, ...] | None) -> None:
    assert unreachable(rules(*conditions), NAMES) == expected


NUMBERS = st.sampled_from(["0", "1", "2", "2.5", "3"])
SIGNS = st.sampled_from(["=", "<", "<=", ">", ">="])
PART = st.builds(lambda column, sign, n: f"{column} {sign} {n}", st.sampled_from(["n", "m", "x"]), SIGNS, NUMBERS)
PART |= st.sampled_from(["m is null", "x is not null", "n between 1 and 2"])
CONDITION = st.lists(PART, min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([" and ", " or "]).map(lambda joint: joint.join(parts))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CONDITION, min_size=2, max_size=5))
def test_what_is_unreachable_is_reached_by_no_value(conditions: list[str]) -> None:
    """Against a fine grid that knows nothing of the literals."""
    compiled = rules(*conditions)
    dead = unreachable(compiled, NAMES)
    assert dead is not None
    fine = ", ".join(["null", *(str(i / 4) for i in range(-4, 17))])
    grid = f"""(select unnest(range(-2, 6))::bigint n) cross join (select unnest([{fine}])::decimal(18,2) m)
               cross join (select unnest([{fine}])::double x)"""
    cases = " ".join(f"when {rule.to_duckdb()} then '{name}'" for name, rule in compiled)
    found = duckdb.sql(f"select distinct case {cases} end from {grid}").fetchall()
    assert {name for (name,) in found} & set(dead) == set()
