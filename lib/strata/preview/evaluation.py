"""The segments of the stored customers by the definitions as they are now: what every look begins with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strata.expression import Name
from strata.preview.features import FeatureSQL
from strata.preview.state import State
from strata.project.models import Segmentation
from strata.project.references import AUDIENCE, audiences_in, closure, generations, needs_of, usable_names
from strata.segments.cuts import needs_cuts, resolve
from strata.segments.duckdb import SegmentSQL, layered, segment_sql, select_segments
from strata.segments.model import with_clusters

WAITING = "what it takes from the population is not measured for this definition yet; `strata segments` does"
OF_UNITS = "what it does is known when `strata segments` has computed it per {}: see members.unit_segments"
OF_NOBODY = "who is in {} as of {} is not known: no release of that date has it; `strata run --as-of {}` makes one"
OF_OTHERS = "{} is defined otherwise now; its members here are those that the release of {} found"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Segmentations that can be computed, and how.

    Attributes:
        segmentations: those asked for that can be computed, with cuts and clusters filled in.
        missing: the others of them, with why: clusters are not fitted or cuts not measured yet, they are per trip or
            other units, which the stored snapshot does not tell of, no release of the date has an audience that they
            name, or they need such a one.
        notes: what to know about some of those that can be.
        sql: of these and of all that they need.
        groups: the order of computing them.
        features: how what they read is had from the snapshot.
        names: what their conditions may use.
    """

    segmentations: tuple[Segmentation, ...]
    missing: Mapping[str, str]
    notes: Mapping[str, str]
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
    names = usable_names(state.project)
    known: dict[str, Segmentation] = {}
    missing: dict[str, str] = {}
    groups = generations(closure(asked, everything))
    for segmentation in (s for group in groups for s in group):
        lacking = sorted(needs_of(segmentation, missing))
        why = f"it needs {lacking[0]}: {missing[lacking[0]]}" if lacking else _why_missing(segmentation, state)
        if why:
            missing[segmentation.name] = why
        else:
            known[segmentation.name] = _resolved(segmentation, state)
    sql = {name: segment_sql(s, names, state.models) for name, s in known.items()}
    wanted = {name for each in sql.values() for name in each.reads if name in state.names}
    return Evaluation(
        segmentations=tuple(known[name] for name in asked if name in known),
        missing={name: missing[name] for name in asked if name in missing},
        notes={name: note for name in asked if name in known and (note := _note(known[name], state))},
        sql=sql,
        groups=tuple(tuple(s.name for s in group if s.name in known) for group in groups),
        features=state.needed(wanted.union(also)),
        names=names,
    )


def segments_of_all(state: State, evaluation: Evaluation) -> str:
    """A query for customer_id, features and segments of everybody in the base."""
    customers = state.customers(evaluation.features.stored)
    return evaluation.over(f"({layered(customers, evaluation.features.layers)})")


def _resolved(segmentation: Segmentation, state: State) -> Segmentation:
    """With its cuts and clusters filled in."""
    model = state.models.get(segmentation.name)
    return with_clusters(segmentation, model) if model else resolve(segmentation, state.cuts.get(segmentation.name))


def _why_missing(segmentation: Segmentation, state: State) -> str | None:
    """Why a definition cannot be computed from what is stored, what it needs left aside; None: it can."""
    if segmentation.per is not None:
        return OF_UNITS.format(segmentation.per)
    unknown = sorted(AUDIENCE + name for name in audiences_in(segmentation.conditions) - state.audiences.keys())
    if unknown:
        return OF_NOBODY.format(" and ".join(unknown), state.as_of, state.as_of)
    is_measured = segmentation.name in (state.models if segmentation.kind == "clusters" else state.cuts)
    needs = segmentation.kind == "clusters" or needs_cuts(segmentation)
    return WAITING if needs and not is_measured else None


def _note(segmentation: Segmentation, state: State) -> str | None:
    hashes, found = state.project.definition_hashes, state.audiences
    keys = {AUDIENCE + name: found[name] for name in sorted(audiences_in(segmentation.conditions))}
    edited = [key for key, definition in keys.items() if hashes[key] != definition]
    return OF_OTHERS.format(" and ".join(edited), state.as_of) if edited else None
