"""`strata plan` of audiences: who comes in and who goes out by edited definitions, against the current release."""

from collections.abc import Sequence
from dataclasses import dataclass

from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.outside import NOT_IN_BASE
from strata.expression import Expression
from strata.preview.audience_funnel import AudienceFunnel
from strata.preview.audience_pages import AudienceChange, Become
from strata.preview.audience_sizes import find_funnel
from strata.preview.evaluation import Evaluation, evaluate, segments_of_all
from strata.preview.moves import Move, moves_query, read_moves
from strata.preview.released import has_table
from strata.preview.state import State
from strata.project.audiences import Audience
from strata.project.parts import changed_parts, definition_parts
from strata.project.references import key_of
from strata.segments.duckdb import base_column
from strata.segments.literals import quoted, text
from strata.storage.local import Row

INSIDE = "members"


@dataclass(frozen=True, slots=True)
class _Look:
    """What changes are found with."""

    state: State
    evaluation: Evaluation
    revenue: Expression | None


def find_audience_changes(state: State, revenue: Expression | None) -> list[AudienceChange]:
    """What becomes of every audience, released or declared; those that stay as released among them."""
    released = {row["audience"]: row for row in _catalog(state)}
    declared = state.project.audiences
    edited = [a for a in declared if not _is_as_released(state, a, released.get(a.name))]
    names = sorted(revenue.names) if revenue else []
    look = _Look(state, evaluate(state, also=names, audiences=edited), revenue)
    changes = [
        _change(look, a, released.get(a.name)) if a in edited else AudienceChange(a.name, "unchanged") for a in declared
    ]
    gone = sorted(released.keys() - {a.name for a in declared})
    return [*changes, *(AudienceChange(n, "removed", before=released[n]["customers"]) for n in gone)]


def _catalog(state: State) -> Sequence[Row]:
    if not has_table(state.release, audience_catalog):
        return []
    return state.tables.rows(f"SELECT * FROM {state.released(audience_catalog)}")


def _is_as_released(state: State, audience: Audience, line: Row | None) -> bool:
    return line is not None and bool(line["definition_hash"] == state.project.definition_hashes[key_of(audience)])


def _change(look: _Look, audience: Audience, line: Row | None) -> AudienceChange:
    key, evaluation = key_of(audience), look.evaluation
    become: Become = "new" if line is None else "changed"
    before = line["customers"] if line else None
    notes = [evaluation.notes[key]] if key in evaluation.notes else []
    parts = _changed_parts(look.state, audience, line)
    if key in evaluation.missing:
        notes.append(evaluation.missing[key])
        return AudienceChange(audience.name, become, before=before, parts=parts, notes=tuple(notes))
    if audience.likeness is not None:
        funnel = find_funnel(look.state, evaluation, audience)
        sizes = _sizes(funnel, line)
        notes.append("who is picked is known when `strata audiences` has learned it")
        return AudienceChange(audience.name, become, before=before, parts=parts, sizes=sizes, notes=tuple(notes))
    moves = _moves(look, audience)
    return AudienceChange(audience.name, become, before=before, parts=parts, moves=moves, notes=tuple(notes))


def _changed_parts(state: State, audience: Audience, line: Row | None) -> tuple[str, ...]:
    before = (line or {}).get("definition_parts")
    return tuple(changed_parts(definition_parts(state.project, audience), before)) if before else ()


def _sizes(funnel: AudienceFunnel, line: Row | None) -> tuple[tuple[str, int | None, int], ...]:
    before = line or {}
    return (
        ("seed", before.get("seed_customers"), funnel.seed or 0),
        ("candidates", before.get("candidate_customers"), funnel.meets),
    )


def _moves(look: _Look, audience: Audience) -> tuple[Move, ...]:
    """Ways between `INSIDE` and outside, as for a segmentation that has members only in its base."""
    state, sql = look.state, look.evaluation.audiences[key_of(audience)]
    everybody = segments_of_all(state, look.evaluation)
    inside = f"{quoted(sql.member)} AS {quoted(base_column(audience.name))}, {text(INSIDE)} AS {quoted(audience.name)}"
    spent = look.revenue.to_duckdb() if look.revenue else "CAST(NULL AS DECIMAL(18,2))"
    now = f"SELECT customer_id, {inside}, {spent} AS {quoted('~spent')} FROM ({everybody})"
    members = f"(SELECT customer_id, {text(audience.name)} AS segmentation, {text(INSIDE)} AS segment WHERE false)"
    if has_table(state.release, audience_membership):
        released = state.released(audience_membership)
        members = f"(SELECT customer_id, audience AS segmentation, {text(INSIDE)} AS segment FROM {released})"
    query = moves_query(now, members, audience.name, quoted("~spent") if look.revenue else None)
    return tuple(move for move in read_moves(state.tables.rows(query)) if {move.origin, move.goal} != {NOT_IN_BASE})
