"""What features read, and what the sources of a project fill: which column is missing for which feature. Pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strata.contract.silver import MANAGED
from strata.expression import Expression
from strata.expression.tree import Node
from strata.project.models import Feature
from strata.project.names import AGE, EVENT_MANAGED, HOME_NAMES, PLACE_NAMES, PRODUCT_NAMES, column_names
from strata.project.order import depends_on
from strata.project.sources import Source
from strata.project.units import Unit
from strata.project.words import Text

Compiled = Mapping[Text, Expression]
Read = tuple[str, str]
"""Table of silver and column of it."""
ALWAYS_FILLED = frozenset({*MANAGED, *EVENT_MANAGED, "customer_id"})


@dataclass(frozen=True, slots=True)
class Reads:
    """What a feature looks at; equal for features that look at the same.

    Attributes:
        table: the table of silver whose rows it looks at.
        columns: every column that it looks at, of that table and of those joined to it; at least one.
        event_types: the kinds of events that its conditions name; None: they name none, or it looks at no events.
    """

    table: str
    columns: frozenset[Read]
    event_types: frozenset[str] | None = None

    def __str__(self) -> str:
        named = ", ".join(sorted(f"{t}.{c}" for t, c in self.columns if c not in ALWAYS_FILLED))
        if self.table == "customers":
            return named
        return _rows_of(self.table, self.event_types) + (f", with {named}" if named else "")


def missing_for(
    names: Iterable[str],
    features: Sequence[Feature],
    sources: Sequence[Source],
    compiled: Compiled,
    units: Sequence[Unit] = (),
) -> dict[str, tuple[str, ...]]:
    """Feature -> what it lacks in words, for those that read something which no source fills.

    Args:
        names: columns of features that are asked for; what they are computed from is asked for too.
        features: all features of the project.
        sources: all its sources.
        compiled: its expressions.
        units: what features are per.
    """
    by_column = {column: f for f in features for column in column_names(f)}
    pending, asked = [name for name in names if name in by_column], dict[str, Feature]()
    while pending:
        feature = by_column[pending.pop()]
        if feature.name not in asked:
            asked[feature.name] = feature
            pending += [column for column in depends_on(feature, by_column) if column in by_column]
    reads = {name: reads_of(feature, units, compiled) for name, feature in sorted(asked.items())}
    found = {name: lacking(read, sources, compiled) for name, read in reads.items() if read}
    return {name: columns for name, columns in found.items() if columns}


def event_types_of(source: Source, compiled: Compiled) -> frozenset[str] | None:
    """The event types that a source gives; None: any."""
    if source.event_types:
        return frozenset(map(str, source.event_types))
    expression = compiled.get(source.event_type) if source.event_type else None
    return _results(expression.tree) if expression else None


def lacking(reads: Reads, sources: Sequence[Source], compiled: Compiled) -> tuple[str, ...]:
    """What no source fills of what a feature looks at, in words."""
    giving = [s for s in sources if s.feeds != "events" or _gives(s, reads.event_types, compiled)]
    fed = {s.feeds for s in giving}
    tables = sorted({table for table, _ in reads.columns} - fed)
    filled = {(s.feeds, column) for s in giving for column in _filled(s)}
    read = sorted((t, c) for t, c in reads.columns if t in fed and c not in ALWAYS_FILLED)
    return (
        *(_rows_of(table, reads.event_types) for table in tables),
        *(f"{t}.{c}" for t, c in read if (t, c) not in filled),
    )


def _rows_of(table: str, wanted: frozenset[str] | None) -> str:
    return f"{table} with event_type {' or '.join(sorted(wanted))}" if table == "events" and wanted else table


def _filled(source: Source) -> set[str]:
    return {m.name for m in source.columns} | {str(c) for _, c in source.extra}


def _gives(source: Source, wanted: frozenset[str] | None, compiled: Compiled) -> bool:
    given = event_types_of(source, compiled)
    return wanted is None or given is None or bool(wanted & given)


def reads_of(feature: Feature, units: Sequence[Unit], compiled: Compiled) -> Reads | None:
    """What a feature looks at itself; None for an expression, which looks at other features.

    Args:
        feature: of a customer, or of one of `units`.
        units: a feature per unit looks at the events of its unit.
        compiled: the expressions of both.
    """
    if feature.kind == "expression":
        return None
    if feature.kind == "attribute":
        return Reads("customers", frozenset(_of_customer(str(feature.of))))
    if feature.kind == "distance_to":
        places = {str(PLACE_NAMES[n]) for n in _named(feature.to, compiled) if n in PLACE_NAMES}
        at = {("customers", "home_place_id"), *(("places", c) for c in {*places, "latitude", "longitude"})}
        return Reads("customers", frozenset(at))
    unit = next((u for u in units if u.name == feature.per), None)
    conditions = [t for t in (feature.condition, feature.then, unit.condition if unit else None) if t is not None]
    names = {feature.by, unit.of.words if unit else None}.union(*(_named(text, compiled) for text in conditions))
    if feature.kind != "days_since" and feature.of:
        names |= _named(feature.of, compiled) or {feature.of.words}
    columns = {(feature.table, "customer_id")}.union(*(_of_row(n, feature.table) for n in names if n))
    kinds = _event_types(conditions, compiled) if feature.table == "events" else None
    return Reads(feature.table, frozenset(columns), kinds)


def _of_row(name: str, table: str) -> set[Read]:
    if table == "events" and name in PRODUCT_NAMES:
        return {("events", "product_id"), ("products", str(PRODUCT_NAMES[name]))}
    if table == "events" and name in PLACE_NAMES:
        return {("events", "place_id"), ("places", str(PLACE_NAMES[name]))}
    return {(table, name)}


def _of_customer(name: str) -> set[Read]:
    if name in HOME_NAMES:
        return {("customers", "home_place_id"), ("places", str(HOME_NAMES[name]))}
    return {("customers", "birth_date" if name == str(AGE) else name)}


def _named(text: Text | None, compiled: Compiled) -> set[str]:
    expression = compiled.get(text) if text else None
    return set(expression.names) if expression else set()


def _event_types(conditions: Iterable[Text], compiled: Compiled) -> frozenset[str] | None:
    """The event types that conditions name; None: they name none."""
    found = [compiled.get(text) for text in conditions]
    return frozenset(word for c in found if c for word in _compared(c.tree)) or None


def _compared(node: Node) -> set[str]:
    if node.op in ("=", "in") and node.args[0].op == "column" and node.args[0].value == "event_type":
        return {str(arg.value) for arg in node.args[1:] if arg.op == "literal"}
    return set().union(*map(_compared, node.args)) if node.args else set()


def _results(node: Node) -> frozenset[str] | None:
    """The words that an expression gives; None where it computes them."""
    if node.op == "literal":
        return frozenset({str(node.value)})
    if node.op != "case":
        return None
    found = [_results(arg) for arg in (*node.args[1:-1:2], node.args[-1]) if arg.op != "null"]
    return frozenset().union(*(f for f in found if f)) if all(f is not None for f in found) else None
