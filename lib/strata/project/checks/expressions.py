"""Every expression of a project is compiled once, in its context."""

from collections.abc import Mapping

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.expression import Expression, Name, compile_expression
from strata.project.notes import Notes
from strata.project.words import Text, mentioned


class Compiler:
    """Compiles expressions, notes what is wrong with them and keeps what came out, by text and place."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.compiled: dict[Text, Expression] = {}
        self.per: dict[str, str] = {}
        """Features of units -> their unit: who uses one elsewhere is told so."""

    def compile(self, text: Text, names: Mapping[str, Name] | None, expect: Type | None) -> Expression | None:
        """The compiled expression; None when it is wrong, or when its names are not known because of other problems."""
        if names is None or self.notes.doubts(text.words):
            return None
        strange = sorted(name for name in mentioned(text.words) if name in self.per and name not in names)
        if strange:
            for name in strange:
                what = f"`{name}` is a feature per {self.per[name]}, which a customer has many of"
                self.notes.add(text.where, what, f"only what is per: {self.per[name]} can use it")
            return None
        try:
            self.compiled[text] = compile_expression(text, names, expect)
        except ProjectError as error:
            self.notes.extend(error)
        return self.compiled.get(text)
