"""The checked form of an expression: a small typed tree, from which every back end renders.

What is not an operation of this list cannot be built, so it cannot run:

| operation | arguments | value |
|---|---|---|
| column | | its name |
| literal, null | | str, Decimal, bool or date; None |
| count | | an int that is part of a function's spelling, such as the digits of `round` |
| money, double | 1 number of a narrower type: the only conversions | |
| and, or, not, is null, is not null | conditions; anything | |
| = != < <= > >= between in, not in | two, three or more of one type | |
| + - * /, neg | numbers of one type (`*`: also BIGINT and MONEY) | |
| case | condition, result, condition, result, ..., otherwise | |
| a name of `functions.FUNCTIONS` | as declared there | |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from strata.contract.columns import Type

NUMBERS = frozenset({Type.BIGINT, Type.MONEY, Type.DOUBLE})
ORDERED = NUMBERS | {Type.STRING, Type.DATE}
USABLE = ORDERED | {Type.BOOLEAN}

COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
ARITHMETIC = frozenset({"+", "-", "*", "/"})

CONTEXTUAL = ("\u0130\u03a3", "i\u03c3")
"""Two letters whose small form depends on what stands around them (İ, Σ), and the one form `lower` gives them."""

Value = str | int | Decimal | date | None  # a bool is an int


@dataclass(frozen=True, slots=True)
class Node:
    """One operation; two nodes that compute the same thing are equal, wherever they were written.

    Attributes:
        type: what it gives; None only for a `null` whose type is not decided yet.
        at: offset of its first character in the words it was read from.
    """

    op: str
    type: Type | None
    args: tuple["Node", ...] = ()
    value: Value = None
    at: int = field(default=0, compare=False)


def variant(node: Node) -> Type | None:
    """The type that decides how an operation is computed: its own, for `floor` and `ceil` that of their argument."""
    return node.args[0].type if node.op in ("floor", "ceil") else node.type


def columns_of(node: Node) -> frozenset[str]:
    """The names of all columns the tree reads."""
    own = {str(node.value)} if node.op == "column" else set()
    return frozenset(own).union(*map(columns_of, node.args))


def renamed(node: Node, columns: Mapping[str, str]) -> Node:
    """The tree with other columns for the names that `columns` holds."""
    if node.op == "column":
        return replace(node, value=columns.get(str(node.value), str(node.value)))
    return replace(node, args=tuple(renamed(arg, columns) for arg in node.args))


def decimal_text(value: Value) -> str:
    """A Decimal without exponent and trailing zeros: 1.50 → `1.5`, 1E+2 → `100`."""
    return format(Decimal(str(value)).normalize(), "f")


def literal_text(node: Node) -> str:
    """How a literal is written in an expression, the same for every spelling of the same value."""
    match node.type, node.value:
        case Type.BOOLEAN, value:
            return "true" if value else "false"
        case Type.BIGINT, value:
            return str(int(str(value)))
        case Type.MONEY, value:
            return decimal_text(value)
        case Type.DOUBLE, value:
            return repr(float(str(value)))
        case Type.DATE, value:
            return f"date '{value}'"
        case _, value:
            return "'" + str(value).replace("'", "''") + "'"
