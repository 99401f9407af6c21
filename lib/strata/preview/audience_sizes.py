"""`strata preview` of audiences: the funnel from the base to the members."""

from collections.abc import Sequence

from strata.console import Console
from strata.contract.lists import audience_catalog
from strata.preview.around import has_messages
from strata.preview.audience_funnel import (
    AudienceFunnel,
    against_size,
    audience_funnel_query,
    picked_of,
    read_audience_funnel,
)
from strata.preview.evaluation import Evaluation, evaluate, segments_of_all
from strata.preview.listed import Listed
from strata.preview.released import has_table
from strata.preview.state import State
from strata.project.audiences import Audience
from strata.project.references import key_of
from strata.segments.literals import text

MEETING = {"rule": "meet the rule", "list": "in the list", "lookalike": "candidates"}


def show_audience(state: State, audience: Audience, console: Console) -> None:
    """An audience, condition by condition."""
    evaluation = evaluate(state, audiences=[audience])
    for key, note in (*evaluation.missing.items(), *evaluation.notes.items()):
        console.say(f"note: {key}: {note}\n")
    if evaluation.missing:
        return
    funnel = find_funnel(state, evaluation, audience)
    console.say(f"{audience.name}: {audience.kind}, for {audience.purpose}, as of {state.as_of}\n")
    if audience.name in evaluation.lists:
        _say_list(evaluation.lists[audience.name], console)
    console.table(["", "customers", "alone", "still left"], _lines(audience, funnel))
    console.say()
    for sentence in _sentences(state, audience, funnel):
        console.say(f"  {sentence}")


def show_audiences(state: State, console: Console) -> None:
    """One table: every audience and its size."""
    audiences = state.project.audiences
    evaluation = evaluate(state, audiences=audiences)
    lines: list[list[object]] = []
    for audience in evaluation.asked_audiences:
        funnel = find_funnel(state, evaluation, audience)
        is_found = audience.kind != "lookalike"
        members = funnel.members if is_found else funnel.remaining
        told = "now" if is_found else "of the release" if members is not None else "not learned yet"
        lines.append([audience.name, audience.kind, funnel.meets, members, told, audience.publish_at_least])
    console.say()
    console.table(["audience", "kind", "could be found", "members", "", "published from"], lines)
    for key, note in (*evaluation.missing.items(), *evaluation.notes.items()):
        console.say(f"\n  note: {key}: {note}")


def find_funnel(state: State, evaluation: Evaluation, audience: Audience) -> AudienceFunnel:
    """The funnel of one of the audiences that were evaluated."""
    sql = evaluation.audiences[key_of(audience)]
    row = state.tables.rows(audience_funnel_query(segments_of_all(state, evaluation), audience, sql))[0]
    return read_audience_funnel(row, audience, sql)


def last_size(state: State, audience: str) -> int | None:
    """Members that the release which readers follow has; None: it has no such audience."""
    if not has_table(state.release, audience_catalog):
        return None
    catalog = state.released(audience_catalog)
    rows = state.tables.rows(f"SELECT customers FROM {catalog} WHERE audience = {text(audience)}")
    return rows[0]["customers"] if rows else None


def _lines(audience: Audience, funnel: AudienceFunnel) -> Sequence[Sequence[object]]:
    lines: list[list[object]] = [["base", funnel.base, None, funnel.base]]
    if funnel.seed is not None:
        lines.append(["seed", funnel.seed, None, None])
    lines.append([MEETING[audience.kind], funnel.meets, None, funnel.meets])
    if audience.kind != "lookalike" and audience.size is not None:
        lines.append([f"the first by {audience.order.words if audience.order else 'size'}", funnel.picked, None,
                      funnel.picked])  # fmt: skip
    lines += [[r.reason, -r.takes, r.alone, r.left] for r in funnel.refused]
    last = "may be members" if audience.kind == "lookalike" else "members"
    return [*lines, [last, funnel.members, None, funnel.members]]


def _sentences(state: State, audience: Audience, funnel: AudienceFunnel) -> list[str]:
    told = []
    members: int | None = funnel.members
    if audience.kind == "lookalike":
        told.append(_of_likeness(audience, funnel))
        members = funnel.remaining
        if members is not None:
            told.append(f"the release has {funnel.released:,} members, of whom {members:,} may still be")
    elif audience.holdout:
        told.append(f"{funnel.held_out:,} of the members are held out for comparison")
    if audience.pressure is not None and not has_messages(state):
        told.append("note: who was written to is not known: silver.communications is not there")
    last = last_size(state, audience.name)
    before = "" if last is None else f", the last size is {last:,}"
    told.append(f"published from {audience.publish_at_least:,} members on{before}")
    reasons = [] if members is None else against_size(audience, members, last)
    return [*told, *(f"note: would be withheld: {why}" for why in reasons)]


def _of_likeness(audience: Audience, funnel: AudienceFunnel) -> str:
    picked = picked_of(audience, funnel.meets)
    who = "who they are is known when `strata audiences` has learned it"
    if picked is None:
        return f"those from a score of {audience.size.score if audience.size else 0:g} on are picked; {who}"
    return f"the best {picked:,} of {funnel.meets:,} candidates are picked, and of them those who may be; {who}"


def _say_list(listed: Listed, console: Console) -> None:
    again, unknown = listed.rows - listed.distinct, max(0, listed.distinct - listed.known)
    console.say(f"  {listed.rows:,} ids in the file: {again:,} of them again, {unknown:,} of nobody known\n")
