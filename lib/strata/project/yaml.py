"""Strict YAML: a file becomes nodes that know where they stand, and nothing is guessed.

Refused: aliases, anchors, merge keys, tags, duplicate keys, several documents, deep nesting, large files. Scalars stay
words, so that YAML 1.1 cannot turn `no` into false or `1_000` into a number; `scalars` reads them as what is expected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from strata.errors import Location
from strata.project.notes import Notes

MAX_BYTES = 1_000_000
MAX_DEPTH = 12
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """Words as written; `where` is the node's first character, `content` the first character of the words."""

    words: str
    plain: bool
    where: Location
    content: Location

    @property
    def is_nothing(self) -> bool:
        """An empty value, `~` or `null`; a quoted empty text is text."""
        return self.plain and self.words in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple["Node", ...]
    where: Location


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping, in the order written: key -> (the key as written, its value)."""

    by_key: Mapping[str, tuple[Scalar, "Node"]]
    where: Location

    def value(self, key: str) -> "Node | None":
        """The node under `key`, None when there is none."""
        entry = self.by_key.get(key)
        return entry[1] if entry else None


Node = Scalar | Items | Entries


def read_yaml(path: Path, notes: Notes) -> Node:
    """The nodes of a file; what is refused goes to `notes`.

    Raises:
        Unreadable: the file cannot be read as one YAML document.
    """
    text = _text(path, notes)
    try:
        return _Composer(text, str(path), notes).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = _place(str(path), mark)
        what = f"not YAML: {error.problem or error.context}"
        raise notes.refuse(where, what, "check quotes and indentation") from error


def _text(path: Path, notes: Notes) -> str:
    start = Location(str(path), 1, 1)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise notes.refuse(start, f"found {size:,} bytes, expected at most {MAX_BYTES:,}", "split the file")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise notes.refuse(start, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise notes.refuse(Location(str(path), line, 1), "found bytes that are not UTF-8", "save as UTF-8") from error
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if strange:
        before = text[: strange.start()]
        where = Location(str(path), before.count("\n") + 1, strange.start() - before.rfind("\n"))
        raise notes.refuse(where, f"found the character U+{ord(strange.group()):04X}, expected text", "remove it")
    return text


def _place(file: str, mark: Any) -> Location:
    return Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)


class _Composer:
    """Builds nodes from parser events: the composers of PyYAML expand aliases and keep the last duplicate key."""

    def __init__(self, text: str, file: str, notes: Notes) -> None:
        self.lines = text.splitlines()
        self.file = file
        self.notes = notes
        self.events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> Node:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise self.notes.refuse(Location(self.file, 1, 1), "found nothing, expected keys", "fill it, or delete it")
        node = self.node(next(self.events), depth=1)
        next(self.events)
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            self.notes.add(self.place(after), "found a second document, expected one", "remove the line `---`")
        return node

    def node(self, event: yaml.Event, depth: int) -> Node:
        where = self.place(event)
        if depth > MAX_DEPTH:
            raise self.notes.refuse(where, f"nested deeper than {MAX_DEPTH} levels", "write it flatter")
        if isinstance(event, yaml.AliasEvent):
            self.notes.add(where, f"found the alias *{event.anchor}, which is not allowed", "write the value out")
            return Scalar(f"*{event.anchor}", True, where, where)
        for sign, label in (("anchor &", "anchor"), ("tag ", "tag")):
            if value := getattr(event, label, None):
                self.notes.add(where, f"found the {sign}{value}, which is not allowed", "remove it")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, not event.style, where, self.first_character(event))
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(tuple(self.items(depth)), where)
        return self.entries(where, depth)

    def items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, depth + 1)

    def entries(self, where: Location, depth: int) -> Entries:
        found: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if not isinstance(key, Scalar):
                self.notes.add(key.where, "found a list or mapping as a key, expected a word")
            elif key.plain and key.words == "<<":
                self.notes.add(key.where, "found the merge key `<<`, which is not allowed", "write the keys out")
            elif key.words in found:
                first = found[key.words][0].where
                self.notes.add(key.where, f"key `{key.words}` again, first at line {first.line}", "keep one of them")
            else:
                found[key.words] = key, value
        return Entries(found, where)

    def place(self, event: yaml.Event) -> Location:
        return _place(self.file, event.start_mark)

    def first_character(self, event: yaml.ScalarEvent) -> Location:
        """Behind the quote of a quoted scalar; for a block scalar its first line that is not blank."""
        start = self.place(event)
        if event.style in ("|", ">"):
            for number, line in enumerate(self.lines[start.line :], start.line + 1):
                if line.strip():
                    return Location(self.file, number, len(line) - len(line.lstrip()) + 1)
        return Location(self.file, start.line, start.column + 1) if event.style else start
