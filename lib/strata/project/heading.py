"""project.yml by itself: what the other files need of it, and what looks at past runs, whatever the others say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from strata.project.notes import Notes, Unreadable
from strata.project.shapes.header import HEADER, Header
from strata.project.variables import fill, known_variables, override
from strata.project.yaml import Entries, Node, Scalar, read_yaml


@dataclass(frozen=True, slots=True)
class Heading:
    """What project.yml says, as far as it can be read.

    `header` is None when something in it is wrong. `variables` is None when it is no YAML, or not there: whatever
    else depends on it may then be right.
    """

    header: Header | None = None
    variables: Mapping[str, str] | None = None
    includes: str | None = None

    def filled(self, node: Node, notes: Notes) -> Node:
        """The node with its variables replaced; as it is where that is not possible, which has been noted."""
        try:
            return node if self.variables is None else fill(node, self.variables, notes)
        except Unreadable:
            return node


def read_heading(path: Path | None, settings: Mapping[str, str], notes: Notes) -> Heading:
    """Read project.yml.

    Args:
        path: the file; None: there is none, which has been noted.
        settings: as of `load_project`.
        notes: gets the problems.
    """
    if path is None:
        return Heading()
    try:
        node = override(read_yaml(path, notes), settings)
    except Unreadable:
        return Heading()
    entries = node if isinstance(node, Entries) else Entries({}, node.where)
    found = Heading(None, known_variables(entries.value("variables"), notes))
    filled = found.filled(node, notes)
    includes = filled.value("includes") if isinstance(filled, Entries) else None
    named = includes.words if isinstance(includes, Scalar) else None
    try:
        return Heading(HEADER(filled, notes), found.variables, named)
    except Unreadable:
        return Heading(None, found.variables, named)


def load_header(folder: Path, settings: Mapping[str, str] | None = None) -> Header:
    """What project.yml says; the other files of the project are not opened.

    Raises:
        ProjectError: all problems of that file, or there is no such file.
    """
    notes = Notes()
    header = read_heading(folder / "project.yml", settings or {}, notes).header
    notes.raise_if_any()
    if header is None:
        raise AssertionError("a project.yml without problems was not read")
    return header
