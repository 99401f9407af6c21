"""Readers: small functions from YAML nodes to values, and the ways to put them together.

A reader takes a node and the notes, and returns a value; what it cannot read it notes and raises `Unreadable`. Records,
lists and mappings read all their parts before they give up, so that one look at a file finds every mistake in it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from strata.project.notes import Notes, Unreadable
from strata.project.words import nearest
from strata.project.yaml import Entries, Items, Node, Scalar

S = TypeVar("S")
T = TypeVar("T")
K = TypeVar("K")
Reader: TypeAlias = Callable[[Node, Notes], T]


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record: how its value is read, and under which name it is handed to the builder."""

    read: Reader[Any]
    is_required: bool
    default: object = None
    into: str = ""


def required(read: Reader[Any], into: str = "") -> Field:
    """A key that must be there."""
    return Field(read, True, into=into)


def optional(read: Reader[Any], default: object = None, into: str = "") -> Field:
    """A key that may be left out."""
    return Field(read, False, default, into)


def record(what: str, build: Callable[..., T], fields: Mapping[str, Field]) -> Reader[T]:
    """A mapping with known keys, handed to `build` by keyword together with `where`."""
    return lambda node, notes: build(**_values(what, node, fields, notes), where=node.where)


def plain_record(what: str, build: Callable[..., T], fields: Mapping[str, Field]) -> Reader[T]:
    """A mapping with known keys, handed to `build` by keyword."""
    return lambda node, notes: build(**_values(what, node, fields, notes))


def wrapped(what: str, key: str, read: Reader[T]) -> Reader[T]:
    """A mapping whose one key holds the value."""
    return plain_record(what, lambda value: value, {key: required(read, into="value")})


def keyed(what: str, name: Reader[str], build: Callable[..., T], fields: Mapping[str, Field]) -> Reader[tuple[T, ...]]:
    """A mapping of names to records; `build` gets the key as `name`, and its place as `where`."""

    def read_entry(entry: tuple[Scalar, Node], notes: Notes) -> T:
        key, value = entry
        with notes.reading(key.words):
            return build(name=name(key, notes), **_values(what, value, fields, notes), where=key.where)

    def read(node: Node, notes: Notes) -> tuple[T, ...]:
        entries = entries_of(node, f"a mapping of names, each to {what}", notes)
        return _each(entries.by_key.values(), lambda entry: read_entry(entry, notes))

    return read


def tagged(what: str, tag: str, variants: Mapping[str, Reader[Any]]) -> Reader[Any]:
    """A mapping whose key `tag` decides which of `variants` reads it."""

    def read(node: Node, notes: Notes) -> object:
        label = entries_of(node, what, notes).value(tag)
        if label is None:
            raise notes.refuse(node.where, f"{what} needs the key `{tag}`", nearest("", variants))
        words = label.words if isinstance(label, Scalar) else ""
        if words not in variants:
            raise notes.refuse(label.where, f"{tag}: found {found(label)}", nearest(words, variants))
        return variants[words](node, notes)

    return read


def list_of(read_item: Reader[T], *, at_least: int = 1, unique: bool = True) -> Reader[tuple[T, ...]]:
    """A list of values; unreadable when any of them is."""

    def read(node: Node, notes: Notes) -> tuple[T, ...]:
        nodes = _items(node, at_least, notes)
        items = _each(nodes, lambda item: read_item(item, notes))
        for position, item in enumerate(items):
            if unique and item in items[:position]:
                notes.add(nodes[position].where, f"found `{item}` twice", "keep one of them")
        return items

    return read


def survivors(read_item: Reader[T], named: str) -> Reader[tuple[T, ...]]:
    """A list of records of which the readable ones are kept; the others' names (key `named`) are doubted."""

    def read(node: Node, notes: Notes) -> tuple[T, ...]:
        kept = []
        for item in _items(node, 1, notes):
            try:
                kept.append(read_item(item, notes))
            except Unreadable:
                name = item.value(named) if isinstance(item, Entries) else None
                notes.doubt(name.words if isinstance(name, Scalar) else "")
        return tuple(kept)

    return read


def tolerant(read: Reader[T], otherwise: T) -> Reader[T]:
    """When the value cannot be read, `otherwise` stands for it, so that what is around it can still be checked."""

    def read_or_not(node: Node, notes: Notes) -> T:
        try:
            return read(node, notes)
        except Unreadable:
            return otherwise

    return read_or_not


def one_or_many(read_item: Reader[T]) -> Reader[tuple[T, ...]]:
    """A value, or a list of them."""
    many = list_of(read_item)
    return lambda node, notes: many(node, notes) if isinstance(node, Items) else (read_item(node, notes),)


def mapping_of(read_key: Reader[K], read_value: Reader[T]) -> Reader[dict[K, T]]:
    """A mapping with keys of one's own."""

    def read_entry(entry: tuple[Scalar, Node], notes: Notes) -> tuple[K, T]:
        key, value = entry
        with notes.reading(key.words):
            return read_key(key, notes), read_value(value, notes)

    def read(node: Node, notes: Notes) -> dict[K, T]:
        return dict(_each(entries_of(node, "a mapping", notes).by_key.values(), lambda entry: read_entry(entry, notes)))

    return read


def found(node: Node) -> str:
    """What a node is, in words for an error."""
    if isinstance(node, Scalar):
        return "nothing" if node.is_nothing or not node.words.strip() else f"`{node.words}`"
    return "a list" if isinstance(node, Items) else "a mapping"


def mismatch(node: Node, expected: str, notes: Notes, next_step: str = "") -> Unreadable:
    """Note that a node is something else than expected; returns the exception to raise."""
    return notes.refuse(node.where, f"found {found(node)}, expected {expected}", next_step)


def entries_of(node: Node, expected: str, notes: Notes, next_step: str = "") -> Entries:
    """The node as a mapping.

    Raises:
        Unreadable: it is not one.
    """
    if not isinstance(node, Entries):
        raise mismatch(node, expected, notes, next_step)
    return node


def _items(node: Node, at_least: int, notes: Notes) -> tuple[Node, ...]:
    if not isinstance(node, Items):
        raise mismatch(node, "a list", notes)
    if len(node.nodes) < at_least:
        raise notes.refuse(node.where, f"found {len(node.nodes)} items, expected at least {at_least}")
    return node.nodes


def _values(what: str, node: Node, fields: Mapping[str, Field], notes: Notes) -> dict[str, object]:
    entries = entries_of(node, what, notes, f"a mapping: {', '.join(f'{key}: ...' for key in fields)}")
    for key, (written, _) in entries.by_key.items():
        if key not in fields:
            notes.add(written.where, f"{what} has no key `{key}`", nearest(key, fields))
    pairs = _each(fields.items(), lambda item: _field(what, item, entries, notes))
    return dict(pairs)


def _field(what: str, item: tuple[str, Field], entries: Entries, notes: Notes) -> tuple[str, object]:
    key, field = item
    node = entries.value(key)
    if node is not None:
        with notes.reading(key):
            return field.into or key, field.read(node, notes)
    if field.is_required:
        raise notes.refuse(entries.where, f"{what} needs the key `{key}`")
    return field.into or key, field.default


def _each(parts: Iterable[S], read: Callable[[S], T]) -> tuple[T, ...]:
    """Read every part, then give up when any could not be read."""
    values, is_broken = [], False
    for part in parts:
        try:
            values.append(read(part))
        except Unreadable:
            is_broken = True
    if is_broken:
        raise Unreadable
    return tuple(values)
