"""Does what a source promises of its events make sense: their days, their types?"""

from collections.abc import Iterator

from strata.errors import Problem
from strata.expression import Expression
from strata.expression.tree import Node
from strata.project.notes import Notes
from strata.project.sources import Source
from strata.project.words import nearest, place_of


def check_read(source: Source, notes: Notes) -> None:
    """Does a reader have what several of its options give together?"""
    if source.read.format == "jdbc" and len({"dbtable", "query"} & set(source.read.options)) != 1:
        notes.add(source.read.where, "read of format jdbc needs either `dbtable` or `query`", "a table, or a query")


def check_delivery(source: Source, notes: Notes) -> None:
    """What `delivery` says of events, of a source that has some."""
    notes.problems.extend(_promises(source))


def check_event_types(source: Source, event_type: Expression | None, notes: Notes) -> None:
    """Whether `event_types` lists what `event_type` may give.

    Args:
        source: of any table.
        event_type: its compiled `event_type`; None when it has none, or a wrong one.
        notes: get the problems.
    """
    if not source.event_types:
        return
    if source.feeds != "events":
        notes.add(place_of(source.event_types[0]), "only a source of events has `event_types`", "remove it")
    elif event_type is not None and source.event_type is not None:
        for given in sorted(set(_words(event_type.tree)) - set(map(str, source.event_types))):
            what = f"`event_type` gives '{given}', which is not among `event_types`"
            notes.add(source.event_type.where, what, nearest(given, source.event_types))


def _promises(source: Source) -> Iterator[Problem]:
    delivery = source.delivery
    said = {"late_days": delivery.late_days is not None, "every_day": delivery.every_day}
    for key in (key for key, is_said in said.items() if is_said and source.feeds != "events"):
        yield Problem(delivery.where, f"`{key}` is about events, and {source.name} feeds {source.feeds}", "remove it")
    if source.feeds != "events":
        return
    if delivery.late_days is not None and delivery.mode == "snapshot":
        what = "`late_days` on a snapshot, which brings every old event again"
        yield Problem(delivery.where, what, "remove `late_days`, or write mode: append")
    if delivery.every_day and delivery.complete_through != "latest":
        what = f"`every_day` counts days by their events, `complete_through: {delivery.complete_through}` does not"
        yield Problem(delivery.where, what, "remove one of them")


def _words(node: Node) -> Iterator[str]:
    """The words that an expression gives for sure in some case: a literal, or the results of a `case`."""
    if node.op == "literal":
        yield str(node.value)
    elif node.op == "case":
        for result in (*node.args[1:-1:2], node.args[-1]):
            yield from _words(result)
