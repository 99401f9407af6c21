"""Words of a person that are compiled later: expressions, where their names are not known yet."""

from dataclasses import dataclass

from strata.errors import Location


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a person: an expression, and where its first character stands."""

    words: str
    where: Location

    def __str__(self) -> str:
        return self.words
