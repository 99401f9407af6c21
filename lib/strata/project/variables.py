"""`--set key=value` on project.yml, and `${variable}` in places: values that differ between machines."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from strata.errors import Location
from strata.project.notes import Notes, Unreadable
from strata.project.words import nearest
from strata.project.yaml import Entries, Items, Node, Scalar

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_PACKAGE = "package."


def override(node: Node, settings: Mapping[str, str]) -> Node:
    """project.yml with its scalars set by dotted path (`storage.root`); an empty value removes the key."""
    for path, value in settings.items():
        where = Location(f"--set {path}", 1, 1)
        node = _set(node, path.split("."), Scalar(value, True, where, where))
    return node


def _set(node: Node, path: list[str], value: Scalar) -> Node:
    """Where the path leads through something that is no mapping, the setting replaces it: the reader then complains."""
    key, *rest = path
    inner = node if isinstance(node, Entries) else Entries({}, value.where)
    below = dict(inner.by_key)
    if rest:
        below[key] = (_key(inner, key, value), _set(inner.value(key) or Entries({}, value.where), rest, value))
    elif value.words:
        below[key] = (_key(inner, key, value), value)
    else:
        below.pop(key, None)
    return replace(inner, by_key=below)


def _key(entries: Entries, key: str, value: Scalar) -> Scalar:
    return entries.by_key[key][0] if key in entries.by_key else Scalar(key, True, value.where, value.where)


def known_variables(node: Node | None, notes: Notes) -> dict[str, str]:
    """The `variables` of project.yml, each of which may use those before it and installed packages."""
    known: dict[str, str] = {}
    for key, (_, value) in (node.by_key if isinstance(node, Entries) else {}).items():
        try:
            filled = fill(value, known, notes)
        except Unreadable:
            notes.doubt(key)
            continue
        if isinstance(filled, Scalar):
            known[key] = filled.words
    return known


def fill(node: Node, variables: Mapping[str, str], notes: Notes) -> Node:
    """The node with every `${name}` replaced by the variable, and `${package.NAME}` by that package's folder.

    Raises:
        Unreadable: a variable or package that there is not; it has been noted.
    """
    if isinstance(node, Items):
        return replace(node, nodes=tuple(fill(item, variables, notes) for item in node.nodes))
    if isinstance(node, Entries):
        return replace(node, by_key={k: (key, fill(v, variables, notes)) for k, (key, v) in node.by_key.items()})
    return replace(node, words=_REFERENCE.sub(lambda match: _value(match.group(1), node, variables, notes), node.words))


def _value(name: str, node: Scalar, variables: Mapping[str, str], notes: Notes) -> str:
    if name in variables:
        return variables[name]
    if name.startswith(_PACKAGE):
        return _package_folder(name.removeprefix(_PACKAGE), node, notes)
    if notes.doubts(name):
        raise Unreadable
    raise notes.refuse(
        node.where, f"found the unknown variable `${{{name}}}`",
        f"{nearest(name, variables)} Variables are declared in project.yml",
    )  # fmt: skip


def _package_folder(package: str, node: Scalar, notes: Notes) -> str:
    """The folder of an installed package, found without importing it."""
    try:
        spec = find_spec(package) if package.isidentifier() else None
    except ValueError:  # `__main__` is no package
        spec = None
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        raise notes.refuse(
            node.where, f"the Python package `{package}` is not installed", "install it, or set the variable with --set"
        )
    places = list(spec.submodule_search_locations or ())
    return places[0] if places else str(Path(str(spec.origin)).parent)
