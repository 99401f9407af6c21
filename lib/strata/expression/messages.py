"""The words of the checker's errors: what was found, in the words of the project's authors."""

from collections.abc import Collection, Sequence

from sqlglot import exp

from strata.contract.columns import Type
from strata.expression.canonical import canonical
from strata.expression.tree import NUMBERS, Node

ISO_DATE = "a date is written date '2017-01-01'"

_CONSTRUCTS: dict[type[exp.Expr], str] = {
    exp.Star: "a star", exp.Select: "a query", exp.Subquery: "a query", exp.Tuple: "a list of values",
    exp.Concat: "a string after a string", exp.Window: "a window function", exp.Dot: "access to a field",
}  # fmt: skip


def say(type: Type | None) -> str:  # noqa: A002
    """A type by the name projects use: MONEY, not decimal(18,2)."""
    return type.name if type else "null"


def listed(types: Collection[Type]) -> str:
    """`BIGINT, MONEY or DOUBLE`, in the order of the contract."""
    *most, last = [one.name for one in Type if one in types]
    return f"{', '.join(most)} or {last}" if most else last


def shown(node: Node) -> str:
    """`spend_28d (MONEY)`."""
    return f"{canonical(node)} ({say(node.type)})"


def called(tree: exp.Expr) -> str:
    """What a construct that is not allowed is called."""
    return _CONSTRUCTS.get(type(tree), f"{type(tree).__name__.lower()} (as sqlglot calls it)")


def some_of(names: Collection[str]) -> str:
    """The names that are known, not more than a screen takes."""
    if not names:
        return "no names are known here"
    few = sorted(names)[:12]
    return f"known here are {', '.join(few)}{' and others' if len(names) > len(few) else ''}"


def unlike(nodes: Sequence[Node]) -> tuple[Node, Node]:
    """The first of the nodes, and the first after it that is of another kind."""
    typed = [node for node in nodes if node.type]
    first = typed[0]
    kind = NUMBERS if first.type in NUMBERS else {first.type}
    return first, next(node for node in typed if node.type not in kind)


def advice(first: Node, other: Node) -> str:
    """How to make the two comparable."""
    for literal, beside in ((first, other), (other, first)):
        if literal.op != "literal":
            continue
        if literal.type == Type.STRING and beside.type == Type.DATE:
            return f"write date {canonical(literal)}"
        if literal.type == Type.STRING and beside.type in NUMBERS and _is_number(str(literal.value)):
            return f"write {literal.value} without quotes"
        if literal.type in NUMBERS and beside.type == Type.STRING:
            return f"write '{canonical(literal)}'"
    return "nothing is converted but numbers to wider numbers"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("-").isdigit()
