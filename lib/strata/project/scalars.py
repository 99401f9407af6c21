"""Readers of single values. A value is read as what its place expects, never as what it looks like."""

import math
import re
from collections.abc import Callable
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

from strata.contract.cluster_ids import POSSIBLE_IDS
from strata.contract.columns import Type
from strata.project.notes import Notes
from strata.project.reading import Reader, found, mismatch
from strata.project.words import Text, Word, nearest
from strata.project.yaml import Entries, Items, Node, Scalar

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_GUESSED = re.compile(
    r"[-+]?(0[xob]?[0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[0-9][0-9_]*(\.[0-9_]*)?|\.[0-9_]+"
    r"|\.(inf|nan))|y|n|yes|no|on|off",
    re.IGNORECASE,
)
RESERVED = frozenset((
    "all", "and", "any", "as", "asc", "audience", "between", "by", "case", "cast", "cross", "date", "desc",
    "distinct", "else", "end", "error", "exists", "false", "from", "full", "group", "having", "in", "inner",
    "interval", "is", "join", "left", "like", "limit", "not", "null", "offset", "on", "or", "order", "outer",
    "previous", "right", "select", "table", "then", "true", "union", "unique", "using", "when", "where", "with",
))  # fmt: skip


def scalar(expected: str, parse: Callable[[Scalar], T | None], hint: str = "") -> Reader[T]:
    """A single value; `parse` returns None when it is not what is expected."""

    def read(node: Node, notes: Notes) -> T:
        value = parse(node) if isinstance(node, Scalar) and node.words.strip() and not node.is_nothing else None
        if value is None:
            raise mismatch(node, expected, notes, hint)
        return value

    return read


def _boolean(node: Scalar) -> bool | None:
    return {"true": True, "false": False}.get(node.words) if node.plain else None


def _word(node: Scalar) -> Word:
    return Word.at(node.words.strip(), node.where)


def _matching(pattern: re.Pattern[str]) -> Callable[[Scalar], Word | None]:
    return lambda node: _word(node) if pattern.fullmatch(node.words) else None


phrase: Reader[str] = scalar("words", _word)
name: Reader[str] = scalar(
    "a name", _matching(NAME), "names have lower-case letters, digits and _, begin with a letter, have at most 63"
)
template: Reader[str] = scalar(
    "a name, perhaps with {days} or {value}", _matching(re.compile(r"[a-z]([a-z0-9_]|\{[a-z]*\})*"))
)
pattern: Reader[str] = scalar("a name, perhaps with *", _matching(re.compile(r"[a-z0-9_*?\[\]]+")))
currency: Reader[str] = scalar("three capital letters (ISO 4217)", _matching(re.compile("[A-Z]{3}")))
cluster_id: Reader[str] = scalar(
    "the id of a cluster such as c2", lambda node: _word(node) if node.words in POSSIBLE_IDS else None
)
calendar_day: Reader[str] = scalar(
    "a day of every month, 1 to 31, or of every year, MM-DD",
    _matching(re.compile("[1-9]|[12][0-9]|3[01]|(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")),
)
period: Reader[str] = scalar("days such as 84d", _matching(re.compile("[1-9][0-9]{0,3}d")))
expectation: Reader[str] = scalar(
    "the name of an expectation, expect_...", _matching(re.compile("expect_[a-z0-9]+(_[a-z0-9]+)*")),
    "as Great Expectations spells it in a suite: expect_column_values_to_be_between",
)  # fmt: skip
boolean: Reader[bool] = scalar("true or false", _boolean, "no quotes, not yes or on")
text: Reader[Text] = scalar("an expression", lambda node: Text(node.words, node.content))


def identifier(node: Node, notes: Notes) -> str:
    """A name that stands in expressions and as a column, hence no word of SQL."""
    word = name(node, notes)
    if word in RESERVED:
        raise notes.refuse(node.where, f"found `{word}`, a word of the expression language", "take another name")
    return word


def choice(*values: str) -> Reader[str]:
    """One of the words."""

    def read(node: Node, notes: Notes) -> str:
        if isinstance(node, Scalar) and node.words in values:
            return _word(node)
        words = node.words if isinstance(node, Scalar) else ""
        raise notes.refuse(node.where, f"found {found(node)}", nearest(words, values))

    return read


def choice_text(*values: str) -> Reader[Text]:
    """One of the words, kept as a text."""
    one = choice(*values)
    return lambda node, notes: Text(one(node, notes), node.where)


def type_of(node: Node, notes: Notes) -> Type:
    """A column type by its name: BOOLEAN BIGINT MONEY DOUBLE STRING DATE INSTANT, in capitals or not."""
    names = {t.name: t for t in Type if not t.startswith("array")}
    words = node.words.upper() if isinstance(node, Scalar) else ""
    if words not in names:
        raise notes.refuse(node.where, f"found {found(node)}, expected a type", nearest(words, names))
    return names[words]


def whole(low: int, high: int | None = None) -> Reader[int]:
    """A whole number between the two, ends included."""
    limits = f"of at least {low}" if high is None else f"between {low} and {high}"

    def parse(node: Scalar) -> int | None:
        value = int(node.words) if node.plain and _WHOLE.fullmatch(node.words) else low - 1
        return value if low <= value and (high is None or value <= high) else None

    return scalar(f"a whole number {limits}", parse, "digits only, no quotes, no _")


def number(low: float | None = None, high: float | None = None) -> Reader[float]:
    """A number; `low` is excluded, `high` included."""
    limits = f" above {low:g} and at most {high:g}" if low is not None and high is not None else ""

    def parse(node: Scalar) -> float | None:
        if not (node.plain and _NUMBER.fullmatch(node.words)):
            return None
        value = float(node.words)
        is_within = math.isfinite(value) and (low is None or low < value) and (high is None or value <= high)
        return value if is_within else None

    return scalar(f"a number{limits}", parse, "digits and a point, no quotes, no _")


def _date(node: Scalar) -> date | None:
    try:
        return date.fromisoformat(node.words) if re.fullmatch(r"\d{4}-\d\d-\d\d", node.words) else None
    except ValueError:
        return None


day: Reader[date] = scalar("a date YYYY-MM-DD", _date)


def time_zone(node: Node, notes: Notes) -> str:
    """A zone of the IANA database."""
    word = phrase(node, notes)
    try:
        ZoneInfo(word)
    except (KeyError, ValueError, OSError):
        hint = nearest(word, available_timezones())
        raise notes.refuse(node.where, f"found `{word}`, expected a time zone such as Europe/Kyiv", hint) from None
    return word


def anything(node: Node, notes: Notes) -> object:
    """Values as JSON has them, for arguments that are handed on. What YAML 1.1 would guess at is refused."""
    if isinstance(node, Items):
        return [anything(item, notes) for item in node.nodes]
    if isinstance(node, Entries):
        return {key: anything(value, notes) for key, (_, value) in node.by_key.items()}
    return _json_scalar(node, notes)


def _json_scalar(node: Scalar, notes: Notes) -> object:
    if not node.plain:
        return str(node.words)
    if node.is_nothing or node.words in ("true", "false"):
        return {"true": True, "false": False}.get(node.words)
    if _WHOLE.fullmatch(node.words):
        return int(node.words)
    if _NUMBER.fullmatch(node.words) and math.isfinite(float(node.words)):
        return float(node.words)
    if _GUESSED.fullmatch(node.words) or _NUMBER.fullmatch(node.words):
        hint = "write true, false or a plain number; words that look like one need quotes"
        raise mismatch(node, "a value that can be read in one way only", notes, hint)
    return str(node.words)
