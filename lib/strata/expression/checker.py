"""What every check of a node needs: the names, the problems, and ways to check parts and bring them to one type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from strata.contract.columns import Type
from strata.expression.canonical import canonical
from strata.expression.messages import advice, called, listed, shown, unlike
from strata.expression.parse import Problems, Refused, start_of
from strata.expression.tree import USABLE, Node
from strata.expression.types import coerce, common, widen

MAX_CHAIN = 100
"""Operations one after another, as in a + b + c; `and` and `or` are not counted."""

_UNCHAINED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Between, exp.Not)

Handler = Callable[["Checker", exp.Expr], Node]


@dataclass(frozen=True, slots=True)
class Name:
    """A column that an expression may use."""

    type: Type
    nullable: bool


class Checker:
    """Checks one expression; every problem is noted, then `Refused` is raised for the part it spoils."""

    def __init__(
        self, problems: Problems, names: Mapping[str, Name], handlers: Mapping[type[exp.Expr], Handler]
    ) -> None:
        self.problems, self.names, self._handlers = problems, names, handlers

    def check(self, tree: exp.Expr) -> Node:
        """The typed node for `tree`; raises Refused if anything in it cannot be used."""
        handler = self._handlers.get(type(tree))
        if handler is None:
            raise self.problems.refuse(start_of(tree), f"{called(tree)} is not part of expressions")
        return handler(self, tree)

    def root(self, tree: exp.Expr, expect: Type | None) -> Node:
        """The typed node of a whole expression, as `expect`."""
        if _height(tree) > MAX_CHAIN:
            raise self.problems.refuse(
                0, f"more than {MAX_CHAIN} operations follow one another", "declare features for parts"
            )
        found = self.result(tree)
        fitted = coerce(found, expect) if expect else found
        if fitted is None or fitted.type is None:
            wanted = expect.name if expect else "a value"
            raise self.problems.refuse(found.at, f"expected {wanted}, found {shown(found)}")
        return fitted

    def all(self, trees: Sequence[exp.Expr], how: "Callable[[exp.Expr], Node] | None" = None) -> list[Node]:
        """Each of `trees` checked; all their problems are noted before Refused is raised."""
        found, refused = [], False
        for tree in trees:
            try:
                found.append((how or self.check)(tree))
            except Refused:
                refused = True
        if refused:
            raise Refused
        return found

    def result(self, tree: exp.Expr) -> Node:
        """A result, where `null` may stand too."""
        if isinstance(tree, exp.Null):
            return Node("null", None, at=start_of(tree))
        return self.check(tree)

    def condition(self, tree: exp.Expr) -> Node:
        """A node that must be BOOLEAN."""
        node = self.check(tree)
        if node.type != Type.BOOLEAN:
            hint = f"compare it: {canonical(node)} = ..." if node.type else ""
            raise self.problems.refuse(node.at, f"expected a condition (BOOLEAN), found {shown(node)}", hint)
        return node

    def operand(self, tree: exp.Expr) -> Node:
        """A side of a comparison: comparisons are not chained, engines differ in what that means."""
        if isinstance(tree, exp.Paren) and "start" not in tree.meta:  # sqlglot's own, around a chained comparison
            tree = tree.this
        if isinstance(tree, _UNCHAINED):
            raise self.problems.refuse(
                start_of(tree), "a comparison stands inside a comparison", "put parentheses around it"
            )
        return self.check(tree)

    def alike(self, nodes: Sequence[Node], allowed: frozenset[Type] = USABLE) -> tuple[Node, ...]:
        """The nodes in their common type, which must be one of `allowed`."""
        shared = common(nodes)
        if shared is None:
            first, other = unlike(nodes)
            at = first.at if first.op == "literal" and other.op != "literal" else other.at
            raise self.problems.refuse(
                at, f"{shown(first)} and {shown(other)} do not go together", advice(first, other)
            )
        if shared not in allowed:
            raise self.problems.refuse(nodes[0].at, f"expected {listed(allowed)}, found {shown(nodes[0])}")
        return tuple(widen(node, shared) for node in nodes)


def _height(tree: exp.Expr) -> int:
    """How deep the checker would recurse: chains of `and` and of `or` are flat to it."""
    deepest, pending = 0, [(tree, 1)]
    while pending:
        part, depth = pending.pop()
        deepest = max(deepest, depth)
        pending += [(child, depth + (not isinstance(part, exp.Connector))) for child in part.iter_expressions()]
    return deepest
