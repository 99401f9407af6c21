"""The functions an expression may call, and the words it may not use, with what to write instead.

A function is here because Spark (ANSI on) and DuckDB were measured to give the same bits for it, NULL included, and
because it can be rendered so that no value makes it raise. Left out for that reason, measured over 100,000 values:
ln, log1p and exp (2 % differ in the last digit: fdlibm against glibc), upper (157 letters differ, among them ß),
conversions of DOUBLE to MONEY (1.005 rounds differently), trim of anything but the space.
"""

from dataclasses import dataclass

from strata.contract.columns import Type
from strata.expression.tree import NUMBERS, ORDERED, USABLE


@dataclass(frozen=True, slots=True)
class Kind:
    """What a function takes in one place; with `span`, a whole number written out, between these two."""

    label: str
    types: frozenset[Type]
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A row of the table: what it takes, what it gives.

    Attributes:
        gives: None for the common type of its arguments.
        many: the last place may be filled again and again.
    """

    takes: tuple[Kind, ...]
    gives: Type | None
    many: bool = False

    def usage(self, name: str) -> str:
        """How to call it: `round(number, digits 0 to 9)`."""
        places = ", ".join(kind.label for kind in self.takes)
        return f"{name}({places}{', ...' if self.many else ''})"


ANY = Kind("value", USABLE)
ORDERABLE = Kind("value", ORDERED)
NUMBER = Kind("number", NUMBERS)
STRING = Kind("string", frozenset({Type.STRING}))
DATE = Kind("date", frozenset({Type.DATE}))
EARLIER, LATER = Kind("earlier date", DATE.types), Kind("later date", DATE.types)
DIGITS = Kind("digits 0 to 9", frozenset({Type.BIGINT}), (0, 9))
FIRST = Kind("first character from 1", frozenset({Type.BIGINT}), (1, 10_000))
LENGTH = Kind("number of characters", frozenset({Type.BIGINT}), (0, 10_000))

FUNCTIONS = {
    "abs": Function((NUMBER,), None),
    "ceil": Function((NUMBER,), Type.BIGINT),
    "coalesce": Function((ANY, ANY), None, many=True),
    "concat": Function((STRING, STRING), Type.STRING, many=True),
    "contains": Function((STRING, STRING), Type.BOOLEAN),
    "day": Function((DATE,), Type.BIGINT),
    "days_between": Function((EARLIER, LATER), Type.BIGINT),
    "ends_with": Function((STRING, STRING), Type.BOOLEAN),
    "floor": Function((NUMBER,), Type.BIGINT),
    "greatest": Function((ORDERABLE, ORDERABLE), None, many=True),
    "least": Function((ORDERABLE, ORDERABLE), None, many=True),
    "left": Function((STRING, LENGTH), Type.STRING),
    "length": Function((STRING,), Type.BIGINT),
    "lower": Function((STRING,), Type.STRING),
    "month": Function((DATE,), Type.BIGINT),
    "nullif": Function((ANY, ANY), None),
    "round": Function((NUMBER, DIGITS), None),
    "sqrt": Function((NUMBER,), Type.DOUBLE),
    "starts_with": Function((STRING, STRING), Type.BOOLEAN),
    "substr": Function((STRING, FIRST, LENGTH), Type.STRING),
    "trim": Function((STRING,), Type.STRING),
    "year": Function((DATE,), Type.BIGINT),
}

KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "null", "between", "case", "when", "then", "else", "end", "true", "false", "date")
)

_CAST = ("a cast", "every column already has the type its source declares; whole numbers become DOUBLE where needed")
_CLOCK = (
    "the clock",
    "results depend on the as-of date only: use a feature of kind days_since, or write date '2017-01-01'",
)
_QUERY = ("a query", "an expression reads one row; declare a feature for what spans several rows")
_WINDOW = ("a window function", _QUERY[1])
_LIKE = ("a pattern", "write starts_with(x, 'a'), ends_with(x, 'a') or contains(x, 'a')")
_LOGARITHM = (
    "a logarithm or power",
    "engines differ in its last digit; clusters have `transform: log1p`, otherwise multiply or use sqrt",
)
_AGGREGATE = ("an aggregate", "declare a feature of kind count, sum, min, max or mean and use its name")
_DIFFERENCE = ("a function that means something else in every engine", "write days_between(earlier, later)")
_UPPER = ("a function", "write lower(x) on both sides: engines differ in the capitals of ß and others")

WORDS = {
    **dict.fromkeys(("cast", "try_cast", "safe_cast", "convert"), _CAST),
    **dict.fromkeys(("now", "today", "current_date", "current_timestamp", "current_time", "localtimestamp"), _CLOCK),
    **dict.fromkeys(("select", "exists", "from", "with", "union", "where"), _QUERY),
    **dict.fromkeys(("over", "row_number", "rank", "lag", "lead"), _WINDOW),
    **dict.fromkeys(("like", "ilike", "rlike", "regexp", "glob", "similar"), _LIKE),
    **dict.fromkeys(("ln", "log", "log1p", "log10", "log2", "exp", "power", "pow"), _LOGARITHM),
    **dict.fromkeys(("count", "sum", "avg", "min", "max", "any_value", "stddev", "median"), _AGGREGATE),
    **dict.fromkeys(("date_diff", "datediff"), _DIFFERENCE),
    **dict.fromkeys(("if", "iif", "decode"), ("a function", "write case when condition then one else other end")),
    **dict.fromkeys(("ifnull", "nvl"), ("a function", "write coalesce(value, other)")),
    **dict.fromkeys(("upper", "ucase"), _UPPER),
    "date": ("a function", "write date '2017-01-01'"),
    "interval": ("an interval", "write days_between(earlier, later) and compare it with a number of days"),
    "distinct": ("a keyword of queries", "write x != y, with `or x is null` where it can be unknown"),
}

SYMBOLS = {
    ";": ("a second statement", "write one expression, without a semicolon"),
    "::": _CAST,
    "?": ("a placeholder", "write the value itself"),
    ":": ("a placeholder or path", "write the value or the name itself"),
    "$": ("a placeholder", "variables are for paths; write the value itself"),
    "{": ("a placeholder or struct", "variables are for paths; write the value itself"),
    "@": ("a placeholder", "write the value itself"),
    "[": ("element access", "lists and structs are not part of expressions"),
    "->": ("a lambda", "functions take values only"),
    "=>": ("a lambda or named argument", "functions take values only, in their order"),
    "||": ("an operator", "write concat(a, b)"),
    "%": ("an operator", "write a - b * floor(a / b)"),
    "==": ("an operator", "write ="),
    "<=>": ("an operator", "write a = b, with `or` and `is null` where they can be unknown"),
    "^": _LOGARITHM,
    "/*+": ("a hint", "the engine plans by itself"),
}
"""Symbols that sqlglot knows and expressions do not; looked up whole, then by their first character."""
