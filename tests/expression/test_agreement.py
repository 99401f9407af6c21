"""Random well-typed expressions over random rows, NULL, NaN and the largest numbers among them.

Spark and DuckDB must give the same bits; the canonical text must mean the same; what is said not to be NULL is not.
"""

import math
import struct
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Expression, Name, compile_expression
from strata.expression.spark import to_column
from strata.project.words import Text

Texts = st.SearchStrategy[str]

BOOLEAN, BIGINT, MONEY, DOUBLE, STRING, DATE = list(Type)[:6]
NUMBERS = (BIGINT, MONEY, DOUBLE)
NAMES = {
    f"{'maybe' if nullable else 'sure'}_{type_.name.lower()}": Name(type_, nullable)
    for type_ in (BOOLEAN, *NUMBERS, STRING, DATE)
    for nullable in (False, True)
}
ARROW = {
    BOOLEAN: pa.bool_(), BIGINT: pa.int64(), MONEY: pa.decimal128(18, 2), DOUBLE: pa.float64(), STRING: pa.string(),
    DATE: pa.date32(),
}  # fmt: skip

LITERALS: dict[Type, Sequence[str]] = {
    BOOLEAN: ("true", "false"),
    BIGINT: ("0", "1", "7", "-3", "9223372036854775807"),
    MONEY: ("sure_money", "maybe_money"),  # MONEY is written as a number beside MONEY
    DOUBLE: ("0.5", "-1.75", "1e308", "0.1", "0.0", "1e-9"),
    STRING: ("''", "'a'", "'ß é'", "'it''s'"),
    DATE: ("date '2020-02-29'", "date '2017-01-01'"),
}
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    BOOLEAN: st.booleans(),
    BIGINT: st.one_of(st.integers(-9, 9), st.integers(-(2**63), 2**63 - 1)),
    MONEY: st.one_of(st.decimals(-9, 9, places=2), st.decimals(-(10**16) + 1, 10**16 - 1, places=2)),
    DOUBLE: st.one_of(st.sampled_from([0.0, -0.0, 0.5, 2.5, -0.05, 1.005]), st.floats(width=64)),
    STRING: st.text(alphabet="aBz ßİΣé\u00a0'%\U0001f600", max_size=5),
    DATE: st.dates(date(1900, 1, 1), date(2100, 1, 1)),
}
EVERYDAY = VALUES | {
    BIGINT: st.integers(-99, 99),
    MONEY: st.decimals(-99, 99, places=2),
    DOUBLE: st.floats(-99, 99),
}


def leaf(type_: Type) -> Texts:
    names = [name for name, found in NAMES.items() if found.type == type_]
    return st.sampled_from([*names, *names, *LITERALS[type_]])


@cache
def expressions(type_: Type, depth: int) -> Texts:
    """Words of an expression of this type, nested at most so deep."""
    if depth == 0:
        return leaf(type_)

    def of(wanted: Type) -> Texts:
        return expressions(wanted, depth - 1)

    def form(words: str, *types: Type) -> Texts:
        return st.tuples(*map(of, types)).map(lambda parts: words.format(*parts))

    number = st.sampled_from(NUMBERS).flatmap(of)
    shared = [
        leaf(type_),
        form("(case when {} then {} when {} then {} else {} end)", BOOLEAN, type_, BOOLEAN, type_, type_),
        form("(case when {} then {} end)", BOOLEAN, type_),
        form("coalesce({}, {})", type_, type_),
        form("nullif({}, {})", type_, type_),
    ]
    if type_ != BOOLEAN:
        shared += [form(f"{name}({{}}, {{}}, {{}})", type_, type_, type_) for name in ("least", "greatest")]
    if type_ in NUMBERS:
        shared += [form(words, type_, type_) for words in ("({} + {})", "({} - {})")]
        shared += [form(words, type_) for words in ("(- {})", "abs({})", "round({}, 1)")]
    own: dict[Type, list[Texts]] = {
        BOOLEAN: [
            form("({} and {})", BOOLEAN, BOOLEAN),
            form("({} or {})", BOOLEAN, BOOLEAN),
            form("(not {0} or {0} is null)", BOOLEAN),
            form("({0} != {1} and {0} is not null and {1} is not null)", STRING, STRING),
            form("({0} not in (1, -3, 7) or {0} is null)", BIGINT),
            form("{} between {} and {}", DATE, DATE, DATE),
            form("{} in ('a', 'ß é')", STRING),
            form("starts_with({}, {})", STRING, STRING),
            form("contains({}, {})", STRING, STRING),
            form("ends_with({}, {})", STRING, STRING),
            *(
                st.sampled_from(list(Type)[:6]).flatmap(lambda t, w=words: form(w, t))
                for words in ("{} is null", "{} is not null")
            ),
            *(
                st.tuples(number, number).map(lambda pair, o=op: f"({pair[0]} {o} {pair[1]})")
                for op in ("<", ">=", "=")
            ),
            *(form(f"({{}} {op} {{}})", STRING, STRING) for op in ("<", "=")),
        ],
        BIGINT: [
            form("({} * {})", BIGINT, BIGINT),
            number.map(lambda words: f"floor({words})"),
            number.map(lambda words: f"ceil({words})"),
            form("length({})", STRING),
            form("days_between({}, {})", DATE, DATE),
            form("(year({0}) + month({0}) + day({0}))", DATE),
        ],
        MONEY: [
            form("({} * {})", BIGINT, MONEY),
            form("({} + {})", MONEY, BIGINT),
            form("({} - 0.05)", MONEY),
            form("round({}, 0)", MONEY),
        ],
        DOUBLE: [
            st.tuples(number, number).map(lambda pair: f"({pair[0]} / {pair[1]})"),
            st.tuples(of(DOUBLE), number).map(lambda pair: f"({pair[0]} * {pair[1]})"),
            number.map(lambda words: f"sqrt({words})"),
            form("round({}, 3)", DOUBLE),
            form("({} * {})", MONEY, MONEY),
        ],
        STRING: [
            form("lower({})", STRING),
            form("trim({})", STRING),
            form("concat({}, {})", STRING, STRING),
            form("substr({}, 2, 3)", STRING),
            form("left({}, 2)", STRING),
        ],
        DATE: [],
    }
    return st.one_of(*shared, *own[type_])


def any_expression(depth: int) -> Texts:
    return st.sampled_from(list(Type)[:6]).flatmap(lambda type_: expressions(type_, depth))


def tables(values: dict[Type, st.SearchStrategy[Any]], size: int) -> st.SearchStrategy[pa.Table]:
    row = st.fixed_dictionaries(
        {name: st.none() | values[n.type] if n.nullable else values[n.type] for name, n in NAMES.items()}
    )
    fields = [pa.field(name, ARROW[found.type]) for name, found in NAMES.items()]
    rows = st.lists(row, min_size=size, max_size=size)
    return rows.map(lambda made: pa.Table.from_pylist(made, pa.schema(fields)))


def compiled(words: str) -> Expression:
    return compile_expression(Text(words, Location("random", 1, 1)), NAMES)


def bits(value: Any) -> Any:
    return struct.pack(">d", value) if isinstance(value, float) and not math.isnan(value) else repr(value)


def in_duckdb(table: pa.Table, made: Sequence[Expression]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.register("t", table)
        wanted = ", ".join(expression.to_duckdb() for expression in made)
        return list(zip(*connection.execute(f"select {wanted} from t").fetchall(), strict=True))


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(words=st.lists(any_expression(2), min_size=30, max_size=30, unique=True), table=tables(VALUES, 20))
def test_spark_and_duckdb_agree_bit_for_bit(spark: SparkSession, words: list[str], table: pa.Table) -> None:
    made = [compiled(one) for one in words]
    frame = spark.createDataFrame(table).coalesce(1)
    columns = [to_column(expression).alias(f"e{i}") for i, expression in enumerate(made)]
    in_spark = [column.to_pylist() for column in frame.select(*columns).toArrow().columns]
    rows = table.to_pylist()
    assert [
        f"{expression.canonical} over {rows[i]}: Spark {left!r}, DuckDB {right!r}"
        for expression, one, two in zip(made, in_spark, in_duckdb(table, made), strict=True)
        for i, (left, right) in enumerate(zip(one, two, strict=True))
        if bits(left) != bits(right)
    ] == []


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(words=st.lists(any_expression(2), min_size=5, max_size=5), table=tables(EVERYDAY, 8))
def test_what_is_said_not_to_be_null_is_not(words: list[str], table: pa.Table) -> None:
    made = [compiled(one) for one in words if "9223372036854775807" not in one]
    for expression, values in zip(made, in_duckdb(table, made) if made else [], strict=True):
        assert expression.nullable or None not in values, expression.canonical


@settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(words=any_expression(3))
def test_the_canonical_text_means_the_same(words: str) -> None:
    once = compiled(words)
    again = compiled(once.canonical)
    assert (again.tree, again.canonical, again.nullable) == (once.tree, once.canonical, once.nullable)
    assert compiled(f"({words.replace(' ', '  ')})").canonical == once.canonical or "'" in words
