"""A checked tree as DuckDB SQL: the second, independent evaluator, for tests and for looking into tables.

Rendered so that nothing raises: what does not fit its type becomes NULL, as in `spark`.
"""

from collections.abc import Callable

from strata.contract.columns import Type
from strata.expression.tree import COMPARISONS, CONTEXTUAL, Node, Value, literal_text, variant


def to_duckdb(node: Node) -> str:
    """The SQL for `node`, with quoted names and escaped literals."""
    write = _WRITERS.get(node.op)
    if write:
        return write(node)
    args = [to_duckdb(arg) for arg in node.args]
    template = TEMPLATES.get((node.op, variant(node))) or TEMPLATES.get(node.op)
    if template is None:
        return f"{node.op}({', '.join(args)})"
    exact = {f"exact{i}": _EXACT.get(arg.type, arg.type) for i, arg in enumerate(node.args)}
    return template.format(*args, type=node.type, **exact)


def literal_sql(value: Value, kind: Type) -> str:
    """A value of a type as DuckDB SQL; None is its NULL."""
    return to_duckdb(Node("null" if value is None else "literal", kind, value=value))


_EXACT: dict[Type | None, str] = {Type.BIGINT: "DECIMAL(19,0)"}
_FIT = "TRY_CAST(%s AS {type})"
_WIDE = "CAST({%d} AS HUGEINT)"

TEMPLATES: dict[str | tuple[str, Type | None], str] = {
    "money": _FIT % "{0}",
    "double": "CAST({0} AS DOUBLE)",
    "not": "(NOT {0})",
    "is null": "({0} IS NULL)",
    "is not null": "({0} IS NOT NULL)",
    "between": "({0} BETWEEN {1} AND {2})",
    **{op: f"({{0}} {op} {{1}})" for op in COMPARISONS},
    **{(op, Type.BIGINT): _FIT % f"{_WIDE % 0} {op} {_WIDE % 1}" for op in "+-*"},
    **{(op, Type.MONEY): _FIT % f"CAST({{0}} AS DECIMAL(38,2)) {op} {{1}}" for op in "+-"},
    ("*", Type.MONEY): _FIT % "CAST({0} AS {exact0}) * CAST({1} AS {exact1})",
    **{(op, Type.DOUBLE): f"({{0}} {op} {{1}})" for op in "+-*"},
    "/": "({0} / NULLIF({1}, 0e0))",
    ("neg", Type.BIGINT): _FIT % f"-{_WIDE % 0}",
    "neg": "(-{0})",
    ("abs", Type.BIGINT): _FIT % f"abs({_WIDE % 0})",
    ("ceil", Type.BIGINT): "{0}",
    ("floor", Type.BIGINT): "{0}",
    ("round", Type.BIGINT): "{0}",
    ("round", Type.MONEY): _FIT % "round({0}, {1})",
    ("round", Type.DOUBLE): "(round({0} * 1e{1}) / 1e{1} + 0e0)",  # + 0: no negative zero, as in Spark
    "ceil": _FIT % "ceil({0})",
    "floor": _FIT % "floor({0})",
    "sqrt": "sqrt(CASE WHEN {0} >= 0 THEN {0} END)",
    "days_between": "date_diff('day', {0}, {1})",
    "lower": f"lower(translate({{0}}, '{CONTEXTUAL[0]}', '{CONTEXTUAL[1]}'))",
    "trim": "trim({0}, ' ')",  # without ' ', DuckDB also trims the other blanks of Unicode
}
"""By operation, or by operation and its variant; what is in neither table is called by its own name."""


def _literal(node: Node) -> str:
    text = literal_text(node)
    match node.type:
        case Type.BIGINT | Type.MONEY:
            return f"CAST({text} AS {node.type})"
        case Type.DOUBLE:
            return f"({text})" if "e" in text else f"({text}e0)"
        case _:
            return text


def _joined(word: str) -> Callable[[Node], str]:
    return lambda node: f"({f' {word} '.join(map(to_duckdb, node.args))})"


def _in(node: Node) -> str:
    first, *values = map(to_duckdb, node.args)
    return f"({first} {node.op.upper()} ({', '.join(values)}))"


def _case(node: Node) -> str:
    *pairs, otherwise = map(to_duckdb, node.args)
    whens = "".join(f" WHEN {when} THEN {then}" for when, then in zip(pairs[::2], pairs[1::2], strict=True))
    return f"(CASE{whens} ELSE {otherwise} END)"


_WRITERS: dict[str, Callable[[Node], str]] = {
    "column": lambda node: '"' + str(node.value).replace('"', '""') + '"',
    "literal": _literal,
    "count": lambda node: str(node.value),
    "null": lambda node: f"CAST(NULL AS {node.type})",
    "and": _joined("AND"), "or": _joined("OR"), "concat": _joined("||"), "in": _in, "not in": _in, "case": _case,
}  # fmt: skip
