"""What definitions bring along: their features and units, beside those of features.yml."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from strata.project.names import spread_name
from strata.project.notes import Notes
from strata.project.shapes.features import FeatureFile, FeatureLine
from strata.project.shapes.segmentations import Definition
from strata.project.units import Unit
from strata.project.words import Word, mentioned, place_of

Part = TypeVar("Part", FeatureLine, Unit)


def with_needs(file: FeatureFile, definitions: Iterable[Definition], notes: Notes) -> FeatureFile:
    """The file with the features and units that definitions bring along, unless it declares their names itself.

    Two definitions may bring the same; where theirs differ, that is noted with both places.
    """
    listed = tuple(definitions)
    own = {column for line in file.features for column in line.columns}
    lines = (single for d in listed for needed in d.needs for single in _singles(needed))
    units = (unit for d in listed for unit in d.units)
    return replace(
        file,
        features=(*file.features, *_brought(lines, own, notes)),
        units=(*file.units, *_brought(units, {unit.name for unit in file.units}, notes)),
    )


def only_for(file: FeatureFile, names: Iterable[str]) -> FeatureFile:
    """The lines of a file, one per window, that columns of these names come from."""
    singles = [single for line in file.features for single in _singles(line)]
    by_column = {column: line for line in singles for column in spread_name(line.name, line.by, line.values)}
    pending, found = set(names) & by_column.keys(), set[str]()
    while pending:
        line = by_column[pending.pop()]
        if line.name not in found:
            found.add(line.name)
            pending |= (mentioned(line.of.words) if line.kind == "expression" and line.of else set()) & by_column.keys()
    return replace(file, features=tuple(line for line in singles if line.name in found))


def _brought(parts: Iterable[Part], own: set[str], notes: Notes) -> tuple[Part, ...]:
    """Each once, the first of those with a name."""
    found: dict[str, Part] = {}
    for part in parts:
        if part.name in own:
            continue
        first = found.setdefault(part.name, part)
        if first.meaning() != part.meaning():
            what = f"`{part.name}` is declared otherwise at {first.where}"
            notes.add(part.where, what, "make them alike, or declare it in features.yml")
    return tuple(found.values())


def _singles(line: FeatureLine) -> Iterator[FeatureLine]:
    """The line once for each of its windows, as far as its name can hold them."""
    if "{days}" not in line.name:
        yield line
        return
    for days, column in zip(line.days, line.columns, strict=False):
        yield replace(line, name=Word.at(column, place_of(line.name) or line.where), days=(days,))
