"""What is computed first: features in the order of their dependencies."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from strata.errors import Problem, ProjectError
from strata.project.models import Feature
from strata.project.names import column_names
from strata.project.words import mentioned


def depends_on(feature: Feature, known: Mapping[str, Feature]) -> frozenset[str]:
    """The columns of other features that a feature of kind expression mentions; `known`: column -> feature."""
    if feature.kind != "expression" or feature.of is None:
        return frozenset()
    return frozenset(known[name].name for name in mentioned(feature.of.words) if name in known)


def order_features(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Every feature after those it needs, otherwise as given.

    Raises:
        ProjectError: features that need each other, with the way round.
    """
    listed = tuple(features)
    by_name = {f.name: f for f in listed}
    by_column = {column: f for f in listed for column in column_names(f)}
    sorter = TopologicalSorter({f.name: sorted(depends_on(f, by_column)) for f in listed})
    try:
        return tuple(by_name[name] for name in sorter.static_order())
    except CycleError as error:
        circle = error.args[1][:0:-1]
        start = next(f for f in listed if f.name in circle)
        turn = circle.index(start.name)
        way = " needs ".join(f"`{name}`" for name in (*circle[turn:], *circle[:turn], start.name))
        where = start.of.where if start.of else start.where
        raise ProjectError([Problem(where, f"features need each other: {way}", "break the circle")]) from error
