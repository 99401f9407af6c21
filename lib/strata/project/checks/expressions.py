"""Every expression of a project is compiled once, in its context."""

from collections.abc import Mapping

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.expression import Expression, Name, compile_expression
from strata.project.notes import Notes
from strata.project.words import Text


class Compiler:
    """Compiles expressions, notes what is wrong with them and keeps what came out, by text and place."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.compiled: dict[Text, Expression] = {}

    def compile(self, text: Text, names: Mapping[str, Name] | None, expect: Type | None) -> Expression | None:
        """The compiled expression; None when it is wrong, or when its names are not known because of other problems."""
        if names is None or self.notes.doubts(text.words):
            return None
        try:
            self.compiled[text] = compile_expression(text, names, expect)
        except ProjectError as error:
            self.notes.extend(error)
        return self.compiled.get(text)
