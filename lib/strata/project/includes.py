"""Definitions that several projects share: a project includes one of the catalogue and overrides what differs.

    segmentation: purchase_frequency
    include: purchase_frequency          # <includes>/purchase_frequency.yml
    numbers: {weekly_days: 20}           # replaces the number that the catalogue declares

project.yml says where the catalogue lies: `includes: ../catalogue`. Keys of the project's file replace those of the
catalogue; `${weekly_days}` in any text becomes the number.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from strata.project import scalars as s
from strata.project.notes import Notes, Unreadable
from strata.project.reading import mapping_of, mismatch
from strata.project.variables import fill
from strata.project.words import nearest
from strata.project.yaml import Entries, Node, Scalar, read_yaml

INCLUDE, NUMBERS = "include", "numbers"


def catalogue_of(folder: Path, includes: str | None) -> Path | None:
    """The folder of shared definitions that a project's `includes` names, without `..` in it; None: it names none."""
    if includes is None:
        return None
    found = (folder / includes).resolve()
    return found if folder.is_absolute() else Path(os.path.relpath(found))


def including(catalogue: Path | None, notes: Notes, *, is_known: bool = True) -> Callable[[Node], Node]:
    """What makes a definition whole: the node with what it includes and with its numbers filled in.

    Args:
        catalogue: the folder of shared definitions; None: the project names none.
        notes: gets the problems.
        is_known: False where project.yml, which names the catalogue, cannot be read: nothing is said of includes then.
    """

    def whole(node: Node) -> Node:
        if not isinstance(node, Entries) or not {INCLUDE, NUMBERS} & node.by_key.keys():
            return node
        if INCLUDE in node.by_key and not is_known:
            raise Unreadable
        shared = _shared(node, catalogue, notes)
        numbers = _numbers(shared, node, notes)
        merged = {**(shared.by_key if shared else {}), **node.by_key}
        kept = {key: entry for key, entry in merged.items() if key not in (INCLUDE, NUMBERS)}
        return fill(replace(node, by_key=kept), numbers, notes)

    return whole


def _shared(node: Entries, catalogue: Path | None, notes: Notes) -> Entries | None:
    name = node.value(INCLUDE)
    if name is None:
        return None
    if not isinstance(name, Scalar):
        raise mismatch(name, "the name of a definition of the catalogue", notes)
    if catalogue is None:
        raise notes.refuse(name.where, "project.yml names no catalogue", "add to it: includes: ../catalogue")
    if not catalogue.is_dir():
        raise notes.refuse(name.where, f"there is no folder {catalogue}", "correct `includes` in project.yml")
    try:
        there = {path.stem: path for path in sorted(catalogue.iterdir()) if path.suffix == ".yml"}
    except OSError as error:
        raise notes.refuse(name.where, f"the folder {catalogue} cannot be read: {error.strerror}") from error
    if name.words not in there:
        hint = nearest(name.words, there)
        raise notes.refuse(name.where, f"there is no definition `{name.words}` in {catalogue}", hint)
    found = read_yaml(there[name.words], notes)
    if not isinstance(found, Entries):
        raise mismatch(found, "a definition", notes)
    return found


def _numbers(shared: Entries | None, node: Entries, notes: Notes) -> Mapping[str, str]:
    """The numbers by name, as words; those of the project must be known to the catalogue where one is included."""
    declared = _read(shared, notes) if shared else {}
    own = _read(node, notes)
    for name, number in own.items() if shared else ():
        if name not in declared:
            hint = nearest(name, declared)
            notes.add(number.where, f"numbers: the catalogue's definition has no number `{name}`", hint)
    return {name: number.words for name, number in {**declared, **own}.items()}


def _read(node: Entries, notes: Notes) -> Mapping[str, Scalar]:
    numbers = node.value(NUMBERS)
    return {} if numbers is None else mapping_of(s.name, _number)(numbers, notes)


def _number(node: Node, notes: Notes) -> Scalar:
    s.number()(node, notes)
    assert isinstance(node, Scalar)
    return node
