"""Columns that a shared definition mentions and no source of a project knows. Pure rules.

They get a type, so that the definition can be compiled; that nothing fills them is found out afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from strata.contract.columns import Column, Type, column
from strata.expression.functions import KEYWORDS
from strata.project.checks.features import OF_NUMBERS
from strata.project.names import names_of_customers, names_of_dated
from strata.project.shapes.features import FeatureFile, FeatureLine
from strata.project.sources import Mapped, Source
from strata.project.words import mentioned


def assumed_sources(file: FeatureFile, sources: Sequence[Source]) -> tuple[Source, ...]:
    """Sources that know what the features and units of `file` mention, declare the rest of their columns, fill none.

    What numbers are computed of is assumed to be one, everything else to be words.
    """
    unknown: dict[tuple[str, str], Type] = {}
    for table, name, kind in (found for line in file.features for found in _mentioned_by(line)):
        unknown.setdefault((table, name), kind)
    for unit in file.units:
        texts = [text.words for text in (unit.of, unit.condition) if text is not None]
        unknown.update({("events", name): Type.STRING for words in texts for name in _columns(words)})
    known: Mapping[str, object] = {}
    tables = sorted({table for table, _ in unknown})
    found = []
    for table in tables:
        known = names_of_customers(sources) if table == "customers" else names_of_dated(table, sources)
        strange = {name: kind for (t, name), kind in unknown.items() if t == table and name not in known}
        if strange:
            extra = tuple(_declared(sources[0], name, kind) for name, kind in sorted(strange.items()))
            found.append(replace(sources[0], feeds=table, event_type=None, event_types=(), columns=(), extra=extra))
    return tuple(found)


def _mentioned_by(line: FeatureLine) -> Iterator[tuple[str, str, Type]]:
    """Table, column and type of what a line of features.yml looks at."""
    if line.kind in ("expression", "distance_to"):
        return
    table = "customers" if line.kind == "attribute" else line.table
    of = line.of.words if line.of and line.kind != "days_since" else ""
    for name in sorted(_columns(of)):
        yield table, name, Type.DOUBLE if line.kind in OF_NUMBERS else Type.STRING
    conditions = [text.words for text in (line.condition, line.then) if text is not None]
    for words in (*conditions, line.by or ""):
        for name in sorted(_columns(words)):
            yield table, name, Type.STRING


def _columns(words: str) -> frozenset[str]:
    return frozenset(name for name in mentioned(words) if name.lower() not in KEYWORDS)


def _declared(like: Source, name: str, kind: Type) -> tuple[Mapped, Column]:
    mapped = Mapped(name, None, None, None, None, None, None, None, like.where)
    return mapped, column(kind, "Known to the catalogue only", nullable=True, name=name)
