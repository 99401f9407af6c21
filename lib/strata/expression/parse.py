"""Words to a sqlglot tree, refusing on the way whatever is not made of allowed tokens.

Two gates stand one behind the other: here every token must be a name, a literal, or one of few symbols and keywords;
in `check` every node of the tree must be one of some 25 classes. Positions are kept, so that errors can point.
"""

import re
from collections.abc import Container, Sequence
from difflib import get_close_matches
from typing import ClassVar, Protocol

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from strata.errors import Location, Problem, ProjectError
from strata.expression.functions import FUNCTIONS, KEYWORDS, SYMBOLS, WORDS

MAX_CHARACTERS = 5_000
MAX_DEPTH = 20
"""Levels of parentheses, calls, `case` and `not`; sqlglot needs 26 Python frames for each, of the usual 1,000."""

_ALLOWED_SYMBOLS = frozenset(("(", ")", ",", ".", "+", "-", "*", "/", "=", "<>", "!=", "<", "<=", ">", ">="))
_QUOTED = frozenset({TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER})
_CALLED_KEYWORDS = KEYWORDS - {"null", "true", "false", "date", "end"}
_CLOSED_QUOTES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_PREFIXES = frozenset({"not", "-", "+"})


class Written(Protocol):
    """Words of a person and the place of their first character, as `project.models.Text`."""

    @property
    def words(self) -> str:
        """The expression."""
        ...

    @property
    def where(self) -> Location:
        """The place of its first character."""
        ...


class Refused(Exception):
    """A part of the expression cannot be used; why has been added to the problems."""


class Problems:
    """What is wrong with one text, by offset; the first finding at a place is the one that is told."""

    def __init__(self, text: Written) -> None:
        self.text = text
        self._found: dict[int, Problem] = {}

    def add(self, at: int, what: str, next_step: str = "") -> None:
        """Note what is wrong with the words from offset `at` on."""
        self._found.setdefault(at, Problem(self._place(at), what, next_step))

    def refuse(self, at: int, what: str, next_step: str = "") -> Refused:
        """Note it and give the signal to raise."""
        self.add(at, what, next_step)
        return Refused()

    def stop_if_any(self) -> None:
        """Raise ProjectError with everything noted, in the order of the text."""
        if self._found:
            raise ProjectError([self._found[at] for at in sorted(self._found)])

    def _place(self, at: int) -> Location:
        start, before = self.text.where, self.text.words[:at]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else start.column + at
        return Location(start.file, start.line + lines, column)


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word most like `word`, whatever the case; empty if none is like it."""
    folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""


def start_of(tree: exp.Expr) -> int:
    """Offset of the first character of what became `tree`."""
    while "start" not in tree.meta and isinstance(tree.this, exp.Expr):
        tree = tree.this
    return int(tree.meta.get("start", 0))


class _Operands(Parser):
    """sqlglot's parser, knowing no function by name (all become `Anonymous`) and marking where operands start."""

    FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {}
    NO_PAREN_FUNCTIONS: ClassVar = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": lambda self: self._parse_case()}

    def _parse_unary(self) -> exp.Expr | None:
        first, tree = self._curr, super()._parse_unary()
        if tree is not None and first is not None and "start" not in tree.meta:
            tree.update_positions(first)
        return tree


def parse(problems: Problems, names: Container[str]) -> exp.Expr:
    """The sqlglot tree of one expression.

    Args:
        problems: the words, and where to note what is wrong with them.
        names: the columns that may be used: they win over words that are refused.

    Raises:
        ProjectError: the words are not one expression made of allowed tokens.
    """
    words = problems.text.words
    if len(words) > MAX_CHARACTERS:
        problems.add(0, f"the expression has {len(words)} characters, at most {MAX_CHARACTERS} are read", _SPLIT)
        problems.stop_if_any()
    tokens = _tokens(problems)
    _check_gaps(problems, tokens)
    if not tokens:  # nothing but a comment
        problems.stop_if_any()
    raws = ["", *(_raw(words, token) for token in tokens), ""]
    allowed = [_is_allowed(problems, names, token, raws[i], raws[i + 2]) for i, token in enumerate(tokens)]
    _check_depth(problems, tokens)
    if not all(allowed):
        problems.stop_if_any()
    return _tree(problems, tokens)


_SPLIT = "split it: declare a feature for each part and use their names"


def _raw(words: str, token: Token) -> str:
    return words[token.start : token.end + 1]


def _tokens(problems: Problems) -> list[Token]:
    try:
        tokens = Tokenizer().tokenize(problems.text.words)
    except TokenError:
        opened = _CLOSED_QUOTES.sub(lambda closed: "_" * len(closed[0]), problems.text.words)
        at = min((opened.find(quote) for quote in "'\"" if quote in opened), default=0)
        problems.add(at, "a quote is opened and not closed", "inside '...' write a single quote twice: 'it''s'")
        tokens = []
    if not tokens and not problems.text.words.strip():
        problems.add(0, "found nothing, expected an expression")
    problems.stop_if_any()
    return tokens


def _check_gaps(problems: Problems, tokens: Sequence[Token]) -> None:
    """Comments are no tokens: they are whatever but blanks stands between two tokens."""
    words, position = problems.text.words, 0
    for start, after in [*((token.start, token.end + 1) for token in tokens), (len(words), 0)]:
        gap = words[position:start]
        if gap.strip():
            at = position + len(gap) - len(gap.lstrip())
            problems.add(at, f"found a comment: {gap.strip()[:40]}", "write comments in YAML, after #")
        position = after


def _is_allowed(problems: Problems, names: Container[str], token: Token, before: str, after: str) -> bool:
    """Whether the tree around the token can still be read; an unknown function is noted, but does not hinder that."""
    raw = _raw(problems.text.words, token)
    if token.token_type in _QUOTED or raw in ("]", "}"):  # of brackets, the opening one is told
        return True
    word, called = raw.lower(), after == "("
    found = None
    if not (raw[0].isalpha() or raw[0] == "_"):
        found = None if raw in _ALLOWED_SYMBOLS else SYMBOLS.get(raw) or SYMBOLS.get(raw[0]) or ("a symbol", "")
    elif called or not (raw in names or word in KEYWORDS or "." in (before, after)):
        found = WORDS.get(word.split()[0])
        if called and not found and word not in FUNCTIONS and word not in _CALLED_KEYWORDS:
            near, known = nearest(word, tuple(FUNCTIONS)), "the functions are " + ", ".join(FUNCTIONS)
            problems.add(token.start, f"unknown function {raw}", f"did you mean {near}? {known}" if near else known)
    if found:
        problems.add(token.start, f"found `{raw}`: {found[0]} is not part of expressions", found[1])
    return not found


def _check_depth(problems: Problems, tokens: Sequence[Token]) -> None:
    """Count what the parser would recurse into, before it does."""
    open_levels = prefixes = 0
    for token in tokens:
        word = _raw(problems.text.words, token).lower()
        prefixes = prefixes + 1 if word in _PREFIXES else prefixes if word == "(" else 0
        open_levels += (word in ("(", "case")) - (word in (")", "end"))
        if open_levels + max(prefixes - 1, 0) > MAX_DEPTH:
            problems.add(token.start, f"the expression is nested more than {MAX_DEPTH} levels deep", _SPLIT)
            problems.stop_if_any()


def _tree(problems: Problems, tokens: list[Token]) -> exp.Expr:
    words = problems.text.words
    try:
        found = _Operands().parse(tokens, words)
    except ParseError as error:
        first = error.errors[0]
        token = next((t for t in tokens if (t.line, t.col) == (first["line"], first["col"])), tokens[-1])
        problems.add(token.start, _complaint(first["description"] or "", _raw(words, token)))
        problems.stop_if_any()
        raise
    if len(found) != 1 or found[0] is None:
        raise ProjectError("sqlglot found no single expression")  # a semicolon and nothing were refused before
    return found[0]


def _complaint(description: str, found: str) -> str:
    expected = re.match(r"Expect(?:ing|ed) (\S+)", description)
    if expected:
        return f"expected {expected[1]} near {found}"
    if description.startswith("Required keyword"):
        return f"something is missing after {found}"
    return f"did not expect {found} here"
