"""The segments of the stored customers by the definitions as they are now: what every look begins with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strata.expression import Name
from strata.preview.features import FeatureSQL
from strata.preview.state import State
from strata.project.models import Segmentation
from strata.project.references import closure, generations, names_of_segmentations, needs_of
from strata.segments.cuts import needs_cuts, resolve
from strata.segments.duckdb import SegmentSQL, layered, segment_sql, select_segments

WAITING = "what it takes from the population is not measured for this definition yet; `strata segments` does"
OF_UNITS = "what it does is known when `strata segments` has computed it per {}: see members.unit_segments"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Segmentations that can be computed, and how.

    Attributes:
        segmentations: those asked for that can be computed, with the cuts of the population filled in.
        missing: those whose clusters are not fitted or whose cuts are not measured yet, that are per trip or other
            units, which the stored snapshot does not tell of, or that need such a one.
        sql: of these and of all that they need.
        groups: the order of computing them.
        features: how what they read is had from the snapshot.
        names: what their conditions may use.
    """

    segmentations: tuple[Segmentation, ...]
    missing: tuple[Segmentation, ...]
    sql: Mapping[str, SegmentSQL]
    groups: tuple[tuple[str, ...], ...]
    features: FeatureSQL
    names: Mapping[str, Name]

    def over(self, relation: str) -> str:
        """A query for all columns of a relation of features, in parentheses, and the segments."""
        return select_segments(relation, [{name: self.sql[name] for name in group} for group in self.groups])


def evaluate(state: State, segmentations: Iterable[Segmentation], also: Sequence[str] = ()) -> Evaluation:
    """How to compute `segmentations`, and the features `also` beside them.

    Raises:
        InputError: the snapshot does not hold a feature.
    """
    asked, everything = [s.name for s in segmentations], state.project.segmentations
    names = {**names_of_segmentations(everything), **state.names}
    known: dict[str, Segmentation] = {}
    groups = generations(closure(asked, everything))
    for segmentation in (s for group in groups for s in group):
        if _is_whole(segmentation, state) and needs_of(segmentation, [s.name for s in everything]) <= known.keys():
            known[segmentation.name] = resolve(segmentation, state.cuts.get(segmentation.name))
    sql = {name: segment_sql(s, names, state.models) for name, s in known.items()}
    wanted = {name for each in sql.values() for name in each.reads if name in state.names}
    return Evaluation(
        segmentations=tuple(known[name] for name in asked if name in known),
        missing=tuple(s for s in everything if s.name in asked and s.name not in known),
        sql=sql,
        groups=tuple(tuple(s.name for s in group if s.name in known) for group in groups),
        features=state.needed(wanted.union(also)),
        names=names,
    )


def segments_of_all(state: State, evaluation: Evaluation) -> str:
    """A query for customer_id, features and segments of everybody in the base."""
    customers = state.customers(evaluation.features.stored)
    return evaluation.over(f"({layered(customers, evaluation.features.layers)})")


def why_missing(segmentation: Segmentation) -> str:
    """What a person should know about a definition that cannot be computed from the snapshot."""
    return WAITING if segmentation.per is None else OF_UNITS.format(segmentation.per)


def _is_whole(segmentation: Segmentation, state: State) -> bool:
    if segmentation.per is not None:
        return False
    if segmentation.kind == "clusters":
        return segmentation.name in state.models
    return not needs_cuts(segmentation) or segmentation.name in state.cuts
