"""Which types go together: numbers widen without loss, nothing else is converted.

- BIGINT beside MONEY becomes MONEY, BIGINT or MONEY beside DOUBLE becomes DOUBLE.
- A number written with a point is MONEY beside MONEY if it has at most two decimals, otherwise DOUBLE.
- `*` gives BIGINT for two BIGINT, MONEY for MONEY by BIGINT, else DOUBLE; `/` always gives DOUBLE.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from strata.contract.columns import Type
from strata.expression.tree import NUMBERS, Node

MONEY_LIMIT = Decimal(10) ** 16


def common(nodes: Sequence[Node]) -> Type | None:
    """The type all of these can take without loss; None if there is none. `null` takes any."""
    typed = [node for node in nodes if node.type is not None]
    types = {node.type for node in typed}
    if len(types) <= 1:
        return next(iter(types), None)
    if not types <= NUMBERS:
        return None
    firm = {_firm(node) for node in typed if not (node.op == "literal" and _may_be_money(node))}
    return Type.MONEY if Type.MONEY in firm and Type.DOUBLE not in firm else Type.DOUBLE


def coerce(node: Node, type: Type) -> Node | None:  # noqa: A002 - the word of these users
    """`node` as `type`, by a conversion without loss or a literal read that way; None if there is none."""
    if node.type == type:
        return node
    if node.op == "null" or (node.op == "literal" and _reads_as(node, type)):
        return replace(node, type=type)
    match node.type, type:
        case (Type.BIGINT, Type.MONEY) if node.op != "literal":
            return Node("money", type, (node,), at=node.at)
        case ((Type.BIGINT | Type.MONEY), Type.DOUBLE):
            return Node("double", type, (node,), at=node.at)
        case _:
            return None


def widen(node: Node, type: Type) -> Node:  # noqa: A002
    """`node` as `type`, which `common` found for it; an argument is never left out.

    Raises:
        ValueError: there is no conversion without loss: `common` is wrong.
    """
    fitted = coerce(node, type)
    if fitted is None:
        raise ValueError(f"{node} does not widen to {type}")
    return fitted


def product(left: Node, right: Node) -> Type:
    """The type of a product of two numbers."""
    types = {left.type, right.type}
    if Type.DOUBLE in types or types == {Type.MONEY}:
        return Type.DOUBLE
    return Type.MONEY if Type.MONEY in types else Type.BIGINT


def _firm(node: Node) -> Type | None:
    """A literal that is no amount of money (0.125, or 10^16 and more) is DOUBLE beside MONEY."""
    return Type.DOUBLE if node.op == "literal" else node.type


def _reads_as(literal: Node, type: Type) -> bool:  # noqa: A002
    return (type == Type.MONEY and _may_be_money(literal)) or (type == Type.DOUBLE and literal.type == Type.BIGINT)


def _may_be_money(node: Node) -> bool:
    if node.type not in (Type.BIGINT, Type.DOUBLE):
        return False
    value = Decimal(str(node.value))
    return abs(value) < MONEY_LIMIT and value == round(value, 2)
