"""Rules that can never hold because earlier ones take everybody they would: found by trying, without data.

Where the rules only compare features with literals, every feature has a finite set of values that tell all its
comparisons apart: each literal, its neighbours and one value between two literals. All combinations of these are held
against the rules in DuckDB. What is not reached there is reached nowhere; the features are taken as independent, so
a rule that is reached only by combinations that never happen is not found.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import prod

from strata.contract.columns import Type
from strata.expression import Expression, Name
from strata.expression.tree import Node, Value
from strata.project.checks.scores import LARGEST_SPACE, cover

_COMPARING = frozenset({"=", "!=", "<", "<=", ">", ">=", "between", "in", "not in", "is null", "is not null"})
_JOINING = frozenset({"and", "or", "not"})
OTHER_WORD = "~another~"
NEAR = Decimal("1e-9")
SOME_DAY = date(2000, 1, 1)


def unreachable(rules: Sequence[tuple[str, Expression]], names: Mapping[str, Name]) -> tuple[str, ...] | None:
    """The segments whose rule never is the first that holds.

    Args:
        rules: segment and condition, in order.
        names: types of what the conditions read.

    Returns:
        None when it cannot be told: a rule computes, or there are too many combinations.
    """
    literals: dict[str, set[Value]] = {}
    if not all(_collect(rule.tree, literals) for _, rule in rules):
        return None
    values = {name: distinguishing(names[name], found) for name, found in literals.items()}
    if not values or prod(map(len, values.values())) > LARGEST_SPACE:
        return None
    reached = cover(values, rules, {name: names[name].type for name in values}).reached
    return tuple(segment for segment, _ in rules if segment not in reached)


def distinguishing(name: Name, literals: set[Value]) -> tuple[Value, ...]:
    """Values of a column that tell apart all comparisons with these literals; NULL among them where it can be."""
    match name.type:
        case Type.BOOLEAN:
            found: Sequence[Value] = (True, False)
        case Type.STRING:
            words = sorted(str(v) for v in literals)
            found = (*words, *(f"{word}\t" for word in words), "", OTHER_WORD)
        case Type.DATE:
            days = [v for v in literals if isinstance(v, date)] or [SOME_DAY]
            found = [day + timedelta(days=n) for day in days for n in (-1, 0, 1)]
        case kind:
            found = _numbers(kind, sorted(Decimal(str(v)) for v in literals) or [Decimal(0)])
    return (*dict.fromkeys(found), *((None,) if name.nullable else ()))


def _numbers(kind: Type, literals: Sequence[Decimal]) -> list[Decimal]:
    """Each literal, what lies just below and above it, and for a DOUBLE what lies between two."""
    if kind is Type.DOUBLE:
        near = [number + n * max(abs(number), Decimal(1)) * NEAR for number in literals for n in (-1, 0, 1)]
        return [*near, *((low + high) / 2 for low, high in pairwise(literals))]
    step = Decimal("0.01") if kind is Type.MONEY else Decimal(1)
    return [(literal // step + n) * step for literal in literals for n in (-1, 0, 1, 2)]


def _collect(node: Node, literals: dict[str, set[Value]]) -> bool:
    """Whether the tree only joins comparisons of columns with literals; their literals are added by column."""
    if node.op == "column":  # a flag
        literals.setdefault(str(node.value), set())
        return True
    if node.op == "literal":
        return True
    if node.op in _JOINING:
        return all([_collect(arg, literals) for arg in node.args])
    if node.op not in _COMPARING:
        return False
    bare = [_bare(arg) for arg in node.args]
    columns = [arg for arg in bare if arg.op == "column"]
    if len(columns) != 1 or any(arg.op not in ("column", "literal") for arg in bare):
        return False
    found = literals.setdefault(str(columns[0].value), set())
    found |= {arg.value for arg in bare if arg.op == "literal"}
    return True


def _bare(node: Node) -> Node:
    """Without widening to another type."""
    return _bare(node.args[0]) if node.op in ("money", "double") else node
