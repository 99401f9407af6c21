"""A checked tree as a pyspark Column. The only module of the package that imports pyspark.

Built from functions and `lit`, never from text; nothing raises under ANSI: what does not fit its type becomes NULL.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.expression import Expression
from strata.expression.tree import CONTEXTUAL, Node, variant

Rule = Callable[..., Column]

_LIMIT = 2.0**63


def to_column(expression: Expression, columns: Mapping[str, Column] | None = None) -> Column:
    """The expression as a Column of its type.

    Args:
        expression: a compiled expression.
        columns: what its names stand for; a name that is missing here is the column of that name.
    """
    return _column(expression.tree, columns or {})


def _column(node: Node, columns: Mapping[str, Column]) -> Column:
    match node.op:
        case "column":
            found = columns.get(str(node.value))
            return found if found is not None else F.col("`" + str(node.value).replace("`", "``") + "`")
        case "literal":
            return _literal(node)
        case "count":
            return F.lit(node.value)
        case "null":
            return F.lit(None).cast(str(node.type))
        case "round":
            return _round(_column(node.args[0], columns), int(str(node.args[1].value)), node.type)
    rule = RULES.get((node.op, variant(node))) or RULES[node.op]
    return rule(*(_column(arg, columns) for arg in node.args))


def _literal(node: Node) -> Column:
    match node.type:
        case Type.BIGINT:
            return F.lit(int(str(node.value))).cast("bigint")
        case Type.MONEY:
            return F.lit(Decimal(str(node.value)).quantize(Decimal("0.01"))).cast(str(node.type))
        case Type.DOUBLE:
            return F.lit(float(str(node.value)))
        case _:
            value = node.value
            return F.lit(value if isinstance(value, (bool, date)) else str(value))


def _balanced(combine: Callable[[Column, Column], Column]) -> Rule:
    """Combine many as a tree of little depth: Catalyst recurses into what is nested."""

    def rule(*members: Column) -> Column:
        if len(members) == 1:
            return members[0]
        middle = len(members) // 2
        return combine(rule(*members[:middle]), rule(*members[middle:]))

    return rule


def _case(*args: Column) -> Column:
    pairs: Sequence[tuple[Column, Column]] = list(zip(args[:-1:2], args[1::2], strict=True))
    made = F.when(*pairs[0])
    for when, then in pairs[1:]:
        made = made.when(when, then)
    return made.otherwise(args[-1])


def _money(rule: Rule) -> Rule:
    return lambda *args: rule(*args).try_cast(Type.MONEY.value)


def _long(rule: Rule) -> Rule:
    return lambda *args: rule(*args).cast("bigint")


def _within_long(rule: Rule) -> Rule:
    """For whole doubles: Spark would cut what is too large to the largest BIGINT, and NaN to 0."""
    return lambda x: F.when((x >= -_LIMIT) & (x < _LIMIT), rule(x))


def _negative_long(x: Column) -> Column:
    return F.try_subtract(F.lit(0).cast("bigint"), x)


def _round(x: Column, digits: int, type: Type | None) -> Column:  # noqa: A002
    """Halves go away from zero. A DOUBLE is scaled, rounded and scaled back: Spark's own way goes through its text."""
    if type == Type.MONEY:
        return F.round(x, digits).try_cast(Type.MONEY.value) if digits < 2 else x
    power = F.lit(10.0**digits)
    return F.round(x * power, 0) / power if type == Type.DOUBLE else x


RULES: dict[str | tuple[str, Type | None], Rule] = {
    "money": _money(lambda x: x),
    "double": lambda x: x.cast("double"),
    "and": _balanced(operator.and_),
    "or": _balanced(operator.or_),
    "not": operator.invert,
    "is null": F.isnull,
    "is not null": F.isnotnull,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "between": lambda x, low, high: x.between(low, high),
    "in": lambda x, *values: x.isin(*values),
    "not in": lambda x, *values: ~x.isin(*values),
    ("+", Type.BIGINT): F.try_add,
    ("-", Type.BIGINT): F.try_subtract,
    ("*", Type.BIGINT): F.try_multiply,
    ("+", Type.MONEY): _money(operator.add),
    ("-", Type.MONEY): _money(operator.sub),
    ("*", Type.MONEY): _money(operator.mul),
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": F.try_divide,
    ("neg", Type.BIGINT): _negative_long,
    "neg": operator.neg,
    "case": _case,
    ("abs", Type.BIGINT): lambda x: F.when(x < 0, _negative_long(x)).otherwise(x),
    "abs": F.abs,
    ("ceil", Type.DOUBLE): _within_long(F.ceil),
    "ceil": _long(F.ceil),
    "coalesce": F.coalesce,
    "concat": F.concat,
    "contains": F.contains,
    "day": _long(F.day),
    "days_between": _long(lambda earlier, later: F.datediff(later, earlier)),
    "ends_with": F.endswith,
    ("floor", Type.DOUBLE): _within_long(F.floor),
    "floor": _long(F.floor),
    "greatest": F.greatest,
    "least": F.least,
    "left": F.left,
    "length": _long(F.length),
    "lower": lambda x: F.lower(F.translate(x, *CONTEXTUAL)),
    "month": _long(F.month),
    "nullif": F.nullif,
    "sqrt": lambda x: F.when(x >= 0, F.sqrt(x)),
    "starts_with": F.startswith,
    "substr": F.substr,
    "trim": F.trim,
    "year": _long(F.year),
}
"""By operation, or by operation and its variant."""
