"""Words a person wrote: where they stand, what they mention, what they may have meant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from strata.errors import Location

_QUOTED = re.compile(r"'(?:[^']|'')*'")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?![A-Za-z0-9_]|\s*\()")
_SHOWN = 12


class Word(str):
    """A string of a project file: it knows where it stands."""

    where: Location

    @classmethod
    def at(cls, words: str, where: Location) -> "Word":
        """`words` as they stand at `where`."""
        word = cls(words)
        word.where = where
        return word


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a person: an expression, and where its first character stands."""

    words: str
    where: Location

    def __str__(self) -> str:
        return self.words


def place_of(word: str | None) -> Location | None:
    """Where a word stands; None for words that no person wrote (defaults)."""
    return word.where if isinstance(word, Word) else None


def mentioned(words: str) -> frozenset[str]:
    """The names an expression mentions; functions and what stands in quotes left out."""
    return frozenset(_IDENTIFIER.findall(_QUOTED.sub("''", words)))


def nearest(word: str, known: Iterable[str]) -> str:
    """What to do about an unknown word: the nearest known one, otherwise those there are."""
    options = sorted(set(map(str, known)))
    close = get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    shown = ", ".join(options[:_SHOWN]) + (", ..." if len(options) > _SHOWN else "")
    return f"there are: {shown}" if options else "there are none"
