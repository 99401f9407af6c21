"""The sqlglot tree to the typed tree: one handler for each class of node that is allowed, an error for the rest."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sqlglot import exp

from strata.contract.columns import Type
from strata.expression.canonical import canonical, name
from strata.expression.checker import Checker, Handler, Name
from strata.expression.functions import FUNCTIONS, Kind
from strata.expression.messages import ISO_DATE, say, shown, some_of
from strata.expression.parse import Problems, Refused, nearest, start_of
from strata.expression.tree import NUMBERS, ORDERED, USABLE, Node
from strata.expression.types import product, widen

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/",
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def check(problems: Problems, names: Mapping[str, Name], tree: exp.Expr, expect: Type | None) -> Node:
    """The typed node of a whole expression, as `expect`; raises Refused if it cannot be used."""
    return Checker(problems, names, _HANDLERS).root(tree, expect)


def _column(check: Checker, tree: exp.Expr) -> Node:
    written, at = ".".join(part.name for part in tree.parts), start_of(tree.parts[0])  # type: ignore[attr-defined]
    found = check.names.get(written)
    if found is None:
        near = nearest(written, tuple(check.names))
        raise check.problems.refuse(
            at, f"unknown name {written}", f"did you mean {name(near)}?" if near else some_of(check.names)
        )
    if found.type not in USABLE:
        raise check.problems.refuse(at, f"{written} is {say(found.type)}, which expressions cannot use")
    return Node("column", found.type, value=written, at=at)


def _literal(check: Checker, tree: exp.Expr, sign: str = "") -> Node:
    at, text = start_of(tree), sign + tree.name
    if tree.is_string:
        return Node("literal", Type.STRING, value=tree.name, at=at)
    if tree.name.isdigit():
        if not -(2**63) <= int(text) < 2**63:
            raise check.problems.refuse(at, f"{text} does not fit BIGINT")
        return Node("literal", Type.BIGINT, value=Decimal(text), at=at)
    if abs(float(text)) == float("inf"):
        raise check.problems.refuse(at, f"{text} does not fit DOUBLE")
    return Node("literal", Type.DOUBLE, value=Decimal(text), at=at)


def _alias(check: Checker, tree: exp.Expr) -> Node:
    second = tree.args["alias"]
    raise check.problems.refuse(start_of(second), f"did not expect {second.name} here")


def _boolean(_: Checker, tree: exp.Expr) -> Node:
    return Node("literal", Type.BOOLEAN, value=bool(tree.this), at=start_of(tree))


def _date(check: Checker, tree: exp.Expr) -> Node:
    at, text = start_of(tree), tree.this.name
    if not tree.to.is_type("date") or not tree.this.is_string:  # type: ignore[attr-defined]
        raise check.problems.refuse(at, "a cast is not part of expressions", ISO_DATE)
    try:
        value = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        value = None
    if value is None:
        raise check.problems.refuse(at, f"'{text}' is not a day of the calendar", ISO_DATE)
    return Node("literal", Type.DATE, value=value, at=at)


def _null(check: Checker, tree: exp.Expr) -> Node:
    hint = "write x is null or x is not null; null itself may stand after then and else"
    raise check.problems.refuse(start_of(tree), "null is not a value that can be computed with", hint)


def _chain(check: Checker, tree: exp.Expr) -> Node:
    op, kind = ("and", exp.And) if isinstance(tree, exp.And) else ("or", exp.Or)
    members, pending = [], [tree]
    while pending:
        part = pending.pop().unnest()
        if isinstance(part, kind):
            pending += [part.expression, part.this]
        else:
            members.append(part)
    return Node(op, Type.BOOLEAN, tuple(check.all(members, check.condition)), at=start_of(tree))


def _not(check: Checker, tree: exp.Expr) -> Node:
    inner, at = check.condition(tree.this), start_of(tree)
    opposite = {"is null": "is not null", "is not null": "is null", "in": "not in"}.get(inner.op)
    if opposite:
        return Node(opposite, Type.BOOLEAN, inner.args, at=at)
    return Node("not", Type.BOOLEAN, (inner,), at=at)


def _compare(check: Checker, tree: exp.Expr) -> Node:
    op, sides = _OPERATORS[type(tree)], check.all([tree.this, tree.expression], check.operand)
    allowed = USABLE if op in ("=", "!=") else ORDERED
    return Node(op, Type.BOOLEAN, check.alike(sides, allowed), at=sides[0].at)


def _is(check: Checker, tree: exp.Expr) -> Node:
    if not isinstance(tree.expression, exp.Null):
        raise check.problems.refuse(
            start_of(tree), "after is comes null or not null", "write the condition itself, or not (...)"
        )
    inner = check.operand(tree.this)
    return Node("is null", Type.BOOLEAN, (inner,), at=inner.at)


def _in(check: Checker, tree: exp.Expr) -> Node:
    hint = "write the values: x in ('a', 'b')"
    if not tree.expressions:
        raise check.problems.refuse(start_of(tree), "in expects a list of literals", hint)
    first, *listed = nodes = check.all([tree.this, *tree.expressions], check.operand)
    for node in listed:
        if node.op != "literal":
            check.problems.add(node.at, f"found {canonical(node)}, expected a literal", hint)
    fitted = check.alike(nodes)
    return Node("in", Type.BOOLEAN, fitted, at=first.at)


def _between(check: Checker, tree: exp.Expr) -> Node:
    nodes = check.all([tree.this, tree.args["low"], tree.args["high"]], check.operand)
    return Node("between", Type.BOOLEAN, check.alike(nodes, ORDERED), at=nodes[0].at)


def _arithmetic(check: Checker, tree: exp.Expr) -> Node:
    op, sides = _OPERATORS[type(tree)], check.all([tree.this, tree.expression])
    for side in sides:
        if side.type not in NUMBERS:
            hint = "write days_between(earlier, later)" if side.type == Type.DATE else ""
            check.problems.add(side.at, f"{op} expects numbers, found {shown(side)}", hint)
    if any(side.type not in NUMBERS for side in sides):
        raise Refused
    left, right = sides
    if op in "+-":
        args = check.alike(sides)
        return Node(op, args[0].type, args, at=left.at)
    gives = Type.DOUBLE if op == "/" else product(left, right)
    if gives == Type.DOUBLE:
        left, right = (widen(side, gives) for side in sides)
    return Node(op, gives, (left, right), at=left.at)


def _negative(check: Checker, tree: exp.Expr) -> Node:
    if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
        return _literal(check, tree.this, "-")
    inner = check.check(tree.this)
    if inner.type not in NUMBERS:
        raise check.problems.refuse(inner.at, f"- expects a number, found {shown(inner)}")
    return Node("neg", inner.type, (inner,), at=start_of(tree))


def _case(check: Checker, tree: exp.Expr) -> Node:
    subject, branches, rest = tree.this, tree.args["ifs"], tree.args.get("default")
    conditions = [exp.EQ(this=subject, expression=branch.this) if subject else branch.this for branch in branches]
    whens = check.all(conditions, check.condition)
    thens = check.all([*(branch.args["true"] for branch in branches), rest or exp.Null()], check.result)
    if all(node.type is None for node in thens):
        raise check.problems.refuse(start_of(tree), "every result of this case is null")
    *thens, otherwise = check.alike(thens)
    pairs = [node for pair in zip(whens, thens, strict=True) for node in pair]
    return Node("case", otherwise.type, (*pairs, otherwise), at=start_of(tree))


def _call(check: Checker, tree: exp.Expr) -> Node:
    word, at = tree.name.lower(), start_of(tree)
    function = FUNCTIONS.get(word)
    if function is None:  # noted by `parse`
        check.all(tree.expressions)
        raise check.problems.refuse(at, f"unknown function {tree.name}")
    takes = function.takes
    if function.many:
        takes += takes[-1:] * (len(tree.expressions) - len(takes))
    if len(takes) != len(tree.expressions):
        check.problems.add(at, f"expected {function.usage(word)}, found {len(tree.expressions)} arguments")
        raise Refused
    kinds = iter(takes)
    args = check.all(tree.expressions, lambda arg: _argument(check, function.usage(word), next(kinds), arg))
    values = [arg for arg in args if arg.op != "count"]
    if function.gives is None or word == "sqrt":
        values = list(check.alike(values))
    if word == "sqrt":
        values = [widen(values[0], Type.DOUBLE)]
    fitted = (*values, *args[len(values) :])
    return Node(word, function.gives or values[0].type, fitted, at=at)


def _argument(check: Checker, usage: str, kind: Kind, tree: exp.Expr) -> Node:
    node = check.check(tree)
    expected = f"expected {kind.label}, found {shown(node)}, in {usage}"
    if node.type not in kind.types:
        hint = ISO_DATE if node.type == Type.STRING and Type.DATE in kind.types else ""
        raise check.problems.refuse(node.at, expected, hint)
    if kind.span is None:
        return node
    low, high = kind.span
    if node.op != "literal" or not low <= int(str(node.value)) <= high:
        raise check.problems.refuse(node.at, expected, f"write a whole number from {low} to {high}")
    return Node("count", Type.BIGINT, value=int(str(node.value)), at=node.at)


_HANDLERS: dict[type[exp.Expr], Handler] = {
    exp.Paren: lambda check, tree: check.check(tree.this),
    exp.Column: _column, exp.Literal: _literal, exp.Boolean: _boolean, exp.Null: _null, exp.Cast: _date,
    exp.Alias: _alias,
    exp.And: _chain, exp.Or: _chain, exp.Not: _not, exp.Is: _is, exp.In: _in, exp.Between: _between,
    exp.EQ: _compare, exp.NEQ: _compare, exp.LT: _compare, exp.LTE: _compare, exp.GT: _compare, exp.GTE: _compare,
    exp.Add: _arithmetic, exp.Sub: _arithmetic, exp.Mul: _arithmetic, exp.Div: _arithmetic, exp.Neg: _negative,
    exp.Case: _case, exp.Anonymous: _call,
}  # fmt: skip
