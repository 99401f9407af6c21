"""What an expression does with the unknown: whether its result can be NULL, and the rule about `not`.

A condition that is unknown is not fulfilled. So `brand != 'own'` silently leaves out everybody whose brand is unknown,
which is rarely what was meant: where `not`, `!=` or `not in` meets something that can be NULL, the author must say.
Both ways to say it are printed, and both satisfy the rule: in a chain of `and`, a member `x is not null` makes x known
to the other members; in a chain of `or`, a member `x is null` does. The same holds for the branches of `case`.

Three things are not counted as unknown: numbers too large for their type, NaN, and the NULL they become. They are
faults of the data, and the contract of the table that stores the result catches them.
"""

from collections.abc import Mapping, Sequence

from strata.expression.canonical import canonical
from strata.expression.checker import Name
from strata.expression.parse import Problems
from strata.expression.tree import Node

Known = frozenset[Node]

_REFUSED = frozenset({"not", "!=", "not in"})
_FIRST_KNOWN = frozenset({"coalesce", "least", "greatest"})
_SEVERAL_SOURCES = _FIRST_KNOWN | {"and", "or", "case"}
"""NULL depends on more than one argument: only the whole can be asked whether it is."""


class Unknowns:
    """Finds in one tree what can be NULL."""

    def __init__(self, problems: Problems, names: Mapping[str, Name]) -> None:
        self.problems, self.names = problems, names

    def of(self, node: Node, known: Known = frozenset()) -> tuple[Node, ...]:
        """What makes `node` NULL: it is NULL exactly if one of these is; empty if it cannot be.

        Args:
            node: a checked tree.
            known: nodes that are not NULL wherever the value of `node` matters.
        """
        sources = self._sources(node, known)
        if node in known:
            return ()
        if sources and node.op in _REFUSED:
            self._refuse(node, sources)
            return ()
        return (node,) if sources and node.op in _SEVERAL_SOURCES else tuple(dict.fromkeys(sources))

    def _sources(self, node: Node, known: Known) -> Sequence[Node]:
        if node.op in ("and", "or"):
            return self._of_chain(node, known)
        if node.op == "case":
            return self._of_case(node, known)
        inner = [self.of(arg, known) for arg in node.args]
        if node.op in ("is null", "is not null"):
            return ()
        if node.op in _FIRST_KNOWN:
            return (node,) if all(inner) else ()
        return (node,) if self._adds_null(node) else [source for sources in inner for source in sources]

    def _adds_null(self, node: Node) -> bool:
        match node.op:
            case "column":
                return self.names[str(node.value)].nullable
            case "/":
                divisor = node.args[1]
                return divisor.op != "literal" or float(str(divisor.value)) == 0
            case op:
                return op in ("null", "nullif", "sqrt")

    def _of_chain(self, node: Node, known: Known) -> Sequence[Node]:
        facts = [implied(member, node.op == "and") for member in node.args]
        shared = known.union(*facts)
        sources: list[Node] = []
        for index, member in enumerate(node.args):
            others = known.union(*facts[:index], *facts[index + 1 :]) if facts[index] else shared
            sources += self.of(member, others)
        return sources

    def _of_case(self, node: Node, known: Known) -> Sequence[Node]:
        *pairs, otherwise = node.args
        sources: list[Node] = []
        for when, then in zip(pairs[::2], pairs[1::2], strict=True):
            self.of(when, known)
            sources += self.of(then, known | implied(when, True))
            known |= implied(when, False)
        return [*sources, *self.of(otherwise, known)]

    def _refuse(self, node: Node, sources: Sequence[Node]) -> None:
        text, asked = canonical(node), [_operand(source) for source in dict.fromkeys(sources)]
        self.problems.add(
            node.at,
            f"{text} meets the unknown: {' and '.join(asked)} can be NULL",
            f"write ({' or '.join([text, *(f'{one} is null' for one in asked)])}) to let the unknown in, "
            f"or ({' and '.join([text, *(f'{one} is not null' for one in asked)])}) to leave it out",
        )


def implied(node: Node, truth: bool) -> Known:
    """What cannot be NULL if the condition `node` is true (or is false): whatever it asks `is null` about."""
    match node.op, truth:
        case ("is not null", True) | ("is null", False):
            return frozenset(node.args)
        case ("and", True) | ("or", False):
            return frozenset[Node]().union(*(implied(member, truth) for member in node.args))
        case "not", _:
            return implied(node.args[0], not truth)
        case _:
            return frozenset()


def _operand(node: Node) -> str:
    shown = canonical(Node("is null", None, (node,)))
    return shown.removesuffix(" is null")
