"""Problems are collected while a project is read, so that all of them can be said at once."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

from strata.errors import Location, Problem, ProjectError
from strata.project.words import mentioned, nearest, place_of

_FIRST = Location("", 0, 0)


class Unreadable(Exception):
    """A part of the project could not be read; what is wrong with it has been noted already."""


class Notes:
    """The problems met so far, and the names that are unknown only because their own declaration is wrong."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._key = ""
        self._doubtful: set[str] = set()

    def add(self, where: Location | None, what: str, next_step: str = "") -> None:
        """Note a problem; the key being read, if any, is put before it."""
        self.problems.append(Problem(where, f"{self._key}: {what}" if self._key else what, next_step))

    def refuse(self, where: Location | None, what: str, next_step: str = "") -> Unreadable:
        """Note a problem and return the exception to raise."""
        self.add(where, what, next_step)
        return Unreadable()

    def extend(self, error: ProjectError) -> None:
        """Note the problems of an error that was raised elsewhere."""
        self.problems.extend(error.problems)

    @contextmanager
    def reading(self, key: str) -> Iterator[None]:
        """While it lasts, `key` is put before every problem; an empty key puts nothing."""
        before, self._key = self._key, key
        try:
            yield
        finally:
            self._key = before

    def doubt(self, name: str) -> None:
        """Remember a name (or a pattern with *) whose declaration is wrong: mentions of it are not reported."""
        self._doubtful.add(name)

    def doubts(self, words: str) -> bool:
        """Does the expression or name mention something whose declaration is wrong?"""
        return any(fnmatchcase(name, doubtful) for name in mentioned(words) for doubtful in self._doubtful)

    def expect_known(
        self, word: str, known: Collection[str], what: str, where: Location | None = None, next_step: str = ""
    ) -> bool:
        """Is `word` one of `known`? When not, that is noted, unless the word is doubted.

        `what`: e.g. "feature", "offer in offers.yml". `next_step`: what to do when no known one is near.
        """
        if word not in known and not self.doubts(word):
            thing, inside, place = what.partition(" in ")
            hint = nearest(word, known)
            hint = f"{next_step}; {hint}" if next_step and not hint.startswith("did you mean") else hint
            self.add(where or place_of(word), f"there is no {thing} `{word}`{inside}{place}", hint)
        return word in known

    def raise_if_any(self) -> None:
        """All problems, by file and line.

        Raises:
            ProjectError: there is at least one problem.
        """
        if self.problems:
            unique = dict.fromkeys(self.problems)
            raise ProjectError(sorted(unique, key=lambda problem: problem.where or _FIRST))
