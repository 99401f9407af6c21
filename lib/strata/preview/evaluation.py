"""Segments and audiences of the stored customers by the definitions as they are now: what every look begins with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from strata.errors import InputError
from strata.expression import Name
from strata.preview.around import around, list_of
from strata.preview.audiences import AudienceSQL, Cut, audience_sql, released_sql
from strata.preview.features import FeatureSQL
from strata.preview.listed import Listed
from strata.preview.state import State
from strata.project.audiences import Audience
from strata.project.models import Segmentation
from strata.project.references import generations, key_of, mentioned_in, needs_of, usable_names
from strata.segments.cuts import needs_cuts, resolve
from strata.segments.duckdb import Layer, SegmentSQL, layered, segment_sql, select_segments
from strata.segments.literals import quoted, text
from strata.segments.model import with_clusters

WAITING = "what it takes from the population is not measured for this definition yet; `strata segments` does"
OF_UNITS = "what it does is known when `strata segments` has computed it per {}: see members.unit_segments"
OF_NOBODY = "who is in {} as of {} is not known: no release of that date has it; `strata run --as-of {}` makes one"
OF_OTHERS = "{} is defined otherwise now; its members here are those that the release of {} found"
Definition = Segmentation | Audience


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Definitions that can be computed, and how. Keys are those of `references.key_of`.

    Attributes:
        segmentations: those asked for that can be computed, with cuts and clusters filled in.
        asked_audiences: the same of audiences.
        missing: the others of them, with why: clusters are not fitted or cuts not measured yet, they are per trip or
            other units, which the stored snapshot does not tell of, no release of the date has a look-alike that they
            name, a list cannot be read, or they need such a one.
        notes: what to know about some of those that can be.
        sql: of the segmentations among these and all that they need.
        audiences: of the audiences among them.
        lists: name of an audience -> its list.
        groups: the order of computing them.
        features: how what they read is had from the snapshot.
        names: what their conditions may use.
    """

    segmentations: tuple[Segmentation, ...]
    asked_audiences: tuple[Audience, ...]
    missing: Mapping[str, str]
    notes: Mapping[str, str]
    sql: Mapping[str, SegmentSQL]
    audiences: Mapping[str, AudienceSQL]
    lists: Mapping[str, Listed]
    groups: tuple[tuple[str, ...], ...]
    features: FeatureSQL
    names: Mapping[str, Name]

    def over(self, relation: str) -> str:
        """A query for all columns of a relation of features, in parentheses, the segments and the audiences."""
        return _over(relation, self.groups, self.sql, self.audiences)


def evaluate(
    state: State,
    segmentations: Iterable[Segmentation] = (),
    also: Sequence[str] = (),
    audiences: Iterable[Audience] = (),
    beside: str = "",
) -> Evaluation:
    """How to compute `segmentations` and `audiences`, and the features `also` beside them.

    Args:
        state: what is stored.
        segmentations: those asked for.
        also: features.
        audiences: those asked for.
        beside: a customer who is to be looked at with other values: where only the first are found, it must then be
            before the last of the others, and of these the answer says nothing.

    Raises:
        InputError: the snapshot does not hold a feature.
    """
    asked: list[Definition] = [*segmentations, *audiences]
    made = _Making(state, frozenset(map(key_of, asked)), usable_names(state.project), beside)
    for group in generations(made.needed(asked)):
        for definition in group:
            made.take(definition)
        made.groups.append(tuple(k for k in map(key_of, group) if k in made.known))
    known = [made.known[key] for key in map(key_of, asked) if key in made.known]
    return Evaluation(
        segmentations=tuple(d for d in known if isinstance(d, Segmentation)),
        asked_audiences=tuple(d for d in known if isinstance(d, Audience)),
        missing={key: made.missing[key] for key in map(key_of, asked) if key in made.missing},
        notes={key_of(d): note for d in known if (note := _note(d, state))},
        sql=made.sql,
        audiences=made.audiences,
        lists=made.lists,
        groups=tuple(made.groups),
        features=made.features(also),
        names=made.names,
    )


def segments_of_all(state: State, evaluation: Evaluation, customer_id: str | None = None) -> str:
    """A query for customer_id, features, segments and audiences of everybody in the base, or of one customer."""
    customers = state.customers(evaluation.features.stored, customer_id)
    return evaluation.over(f"({layered(customers, evaluation.features.layers)})")


@dataclass
class _Making:
    """What is known while definitions are taken, each after those that it needs."""

    state: State
    asked: frozenset[str]
    names: Mapping[str, Name]
    beside: str
    known: dict[str, Definition] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    sql: dict[str, SegmentSQL] = field(default_factory=dict)
    audiences: dict[str, AudienceSQL] = field(default_factory=dict)
    lists: dict[str, Listed] = field(default_factory=dict)
    groups: list[tuple[str, ...]] = field(default_factory=list)

    def needed(self, asked: Iterable[Definition]) -> list[Definition]:
        """These and all that they need; of look-alikes that are only named the release knows the members."""
        everything: list[Definition] = [*self.state.project.segmentations, *self.state.project.audiences]
        by_key = {key_of(d): d for d in everything}
        found: set[str] = set()
        pending = [key_of(d) for d in asked]
        while pending:
            key = pending.pop()
            if key not in found:
                found.add(key)
                pending += [] if self._is_only_named(by_key[key]) else needs_of(by_key[key], by_key)
        return [d for key, d in by_key.items() if key in found]

    def take(self, definition: Definition) -> None:
        """Compute it, or say why that cannot be."""
        key = key_of(definition)
        why = None if self._is_only_named(definition) else self._why_missing(definition)
        try:
            if why:
                self.missing[key] = why
            elif isinstance(definition, Segmentation):
                self.known[key] = resolved = _resolved(definition, self.state)
                self.sql[key] = segment_sql(resolved, self.names, self.state.models)
            else:
                self.audiences[key] = self._audience(definition)
                self.known[key] = definition
        except InputError as error:
            if isinstance(definition, Segmentation):
                raise
            self.missing[key] = str(error)

    def features(self, also: Iterable[str] = ()) -> FeatureSQL:
        """How what is read so far is had from the snapshot."""
        reads = [*(s.reads for s in self.sql.values()), *(a.reads for a in self.audiences.values())]
        wanted = {name for each in reads for name in each if name in self.state.names}
        return self.state.needed(wanted.union(also))

    def _is_only_named(self, definition: Definition) -> bool:
        is_found_by_likeness = isinstance(definition, Audience) and definition.kind == "lookalike"
        return is_found_by_likeness and key_of(definition) not in self.asked

    def _why_missing(self, definition: Definition) -> str | None:
        """Why a definition cannot be computed from what is stored; None: it can."""
        lacking = sorted(mentioned_in(definition.conditions, self.missing) | (needs_of(definition, self.missing)))
        if lacking:
            return f"it needs {lacking[0]}: {self.missing[lacking[0]]}"
        as_of, state = self.state.as_of, self.state
        likely = {key_of(a) for a in state.project.audiences if a.kind == "lookalike" and a.name not in state.audiences}
        unknown = sorted(mentioned_in(definition.conditions, likely))
        if unknown:
            return OF_NOBODY.format(" and ".join(unknown), as_of, as_of)
        return _waiting(definition, state) if isinstance(definition, Segmentation) else None

    def _audience(self, audience: Audience) -> AudienceSQL:
        if self._is_only_named(audience):
            return released_sql(audience, around(self.state, audience, None))
        listed = list_of(self.state, audience)
        if listed is not None:
            self.lists[audience.name] = listed
        beside = around(self.state, audience, listed)
        made = audience_sql(audience, self.names, beside)
        if audience.order is None:
            return made
        return audience_sql(audience, self.names, beside, self._cut(audience, made))

    def _cut(self, audience: Audience, made: AudienceSQL) -> Cut | None:
        """The last of those who are found; None: all are."""
        size, reads = audience.size, {name for name in made.reads if name in self.state.names}
        if size is None or made.order is None:
            return None
        features = self.features(reads)
        everybody = f"({layered(self.state.customers(features.stored), features.layers)})"
        before = f"({_over(everybody, self.groups, self.sql, self.audiences)})"
        order, is_other = quoted(made.order), f"customer_id <> {text(self.beside)}"
        ranked = (
            f"SELECT {order} AS value, customer_id, count(*) OVER () AS customers, row_number()"
            f" OVER (PARTITION BY {is_other} ORDER BY {order} DESC NULLS LAST, customer_id) AS place"
            f" FROM ({layered(before, made.layers[:1])}) WHERE {quoted(made.meets)}"
        )
        last = str(size.customers) if size.share is None else f"ceil(round({size.share!r} * customers, 6))"
        found = f"SELECT value, customer_id, place AS taken FROM ({ranked}) WHERE place = {last} AND {is_other}"
        return next((Cut(**row) for row in self.state.tables.rows(found)), None)


def _over(
    relation: str,
    groups: Iterable[Iterable[str]],
    sql: Mapping[str, SegmentSQL],
    audiences: Mapping[str, AudienceSQL],
) -> str:
    query = f"SELECT * FROM {relation}"
    for group in map(list, groups):
        split = {key: sql[key] for key in group if key in sql}
        if split:
            query = select_segments(f"({query})", [split])
        side_by_side = zip_longest(*(audiences[key].layers for key in group if key in audiences), fillvalue={})
        query = layered(f"({query})", list(map(_together, side_by_side)))
    return query


def _together(layers: Iterable[Layer]) -> Layer:
    return {name: sql for layer in layers for name, sql in layer.items()}


def _resolved(segmentation: Segmentation, state: State) -> Segmentation:
    """With its cuts and clusters filled in."""
    model = state.models.get(segmentation.name)
    return with_clusters(segmentation, model) if model else resolve(segmentation, state.cuts.get(segmentation.name))


def _waiting(segmentation: Segmentation, state: State) -> str | None:
    if segmentation.per is not None:
        return OF_UNITS.format(segmentation.per)
    is_measured = segmentation.name in (state.models if segmentation.kind == "clusters" else state.cuts)
    needs = segmentation.kind == "clusters" or needs_cuts(segmentation)
    return WAITING if needs and not is_measured else None


def _note(definition: Definition, state: State) -> str | None:
    """What it names of look-alikes that are defined otherwise than the release has them."""
    hashes, found = state.project.definition_hashes, state.audiences
    likely = {key_of(a): found[a.name] for a in state.project.audiences if a.kind == "lookalike" and a.name in found}
    edited = [key for key in sorted(mentioned_in(definition.conditions, likely)) if hashes[key] != likely[key]]
    return OF_OTHERS.format(" and ".join(edited), state.as_of) if edited else None
