"""`strata explain` of audiences: whether a customer is a member, why or why not, and the nearest change of that."""

from collections.abc import Sequence

from strata.console import Console
from strata.contract.columns import Type
from strata.expression import compile_expression
from strata.preview.around import members_of
from strata.preview.audience_reasons import (
    BELOW,
    MEMBER,
    MISSED,
    SEED,
    deciding_text,
    outcome_column,
    outcome_sql,
    parts_of,
)
from strata.preview.evaluation import Evaluation, segments_of_all
from strata.preview.reasons import Way, shown, ways_out
from strata.preview.state import State
from strata.preview.variants import Variant
from strata.project.audiences import Audience
from strata.project.references import key_of
from strata.segments.duckdb import Layer
from strata.segments.literals import number, quoted, text
from strata.storage.local import Row


def outcomes_of(evaluation: Evaluation) -> Layer:
    """A column per audience: what it says of a customer."""
    sql = evaluation.audiences
    return {outcome_column(a): outcome_sql(a, sql[key_of(a)]) for a in evaluation.asked_audiences}


def say_audience(state: State, evaluation: Evaluation, audience: Audience, row: Row, console: Console) -> None:
    """One audience of a customer; `row`: the customer as it is."""
    outcome = row[outcome_column(audience)]
    is_held_out = outcome == MEMBER and row[evaluation.audiences[key_of(audience)].held_out]
    console.say(f"\n  audience {audience.name}: {outcome if outcome == MEMBER else f'no member, {outcome}'}")
    why = [*_conditions(state, evaluation, audience, row), *_place(state, evaluation, audience, row)]
    if is_held_out:
        why.append("held out for comparison: in no campaign")
    for place, line in enumerate(why):
        console.say(f"    {'' if place else 'because':<9}{line}")


def ways_of_audience(
    audience: Audience, rows: Sequence[Row], variants: Sequence[Variant]
) -> tuple[str, tuple[Way, ...]]:
    """What they are called, and the nearest: out of an audience, or in; where nothing leads in, nearer to it."""
    ways = ways_out(outcome_column(audience), rows, variants)
    if rows[0][outcome_column(audience)] == MEMBER:
        return "way out", ways
    inside = tuple(way for way in ways if way.segment == MEMBER)
    return "way in", inside or tuple(way for way in ways if way.segment == BELOW)


def _conditions(state: State, evaluation: Evaluation, audience: Audience, row: Row) -> list[str]:
    """The condition that decides, of several the first that fails, and the values that it looks at."""
    outcome = row[outcome_column(audience)]
    decisive = deciding_text(audience, outcome)
    if decisive is None:
        return []
    condition = compile_expression(decisive, evaluation.names, Type.BOOLEAN)
    words, names = decisive.words, condition.names
    if outcome in (MISSED["rule"], MISSED["lookalike"]):
        for part, _, reads in _failing(state, evaluation, row, parts_of(condition)):
            words, names = f"not: {part}", reads
    elif outcome == SEED:
        words = f"seed: {words}"
    return [words, *(f"{name} = {shown(row[name])}" for name in sorted(names))]


def _failing(
    state: State, evaluation: Evaluation, row: Row, parts: list[tuple[str, str, frozenset[str]]]
) -> list[tuple[str, str, frozenset[str]]]:
    """The first of the parts that does not hold for the customer."""
    customer = f"({segments_of_all(state, evaluation, row['customer_id'])})"
    listed = ", ".join(f"{sql} AS {quoted(str(place))}" for place, (_, sql, _) in enumerate(parts))
    holds = state.tables.rows(f"SELECT {listed} FROM {customer}")[0]
    return [part for place, part in enumerate(parts) if not holds[str(place)]][:1]


def _place(state: State, evaluation: Evaluation, audience: Audience, row: Row) -> list[str]:
    """How far above or below the cut: of a rule now, of a look-alike as the release has it."""
    outcome, sql = row[outcome_column(audience)], evaluation.audiences[key_of(audience)]
    if audience.kind == "lookalike":
        return _of_release(state, audience, row) if outcome == MEMBER else []
    if sql.cut is None or sql.order is None or outcome not in (MEMBER, BELOW):
        return []
    own, order, who = row[sql.order], quoted(sql.order), text(row["customer_id"])
    behind = f"{order} IS NULL AND customer_id < {who}"
    if own is not None:
        behind = f"({order} = {number(own)} AND customer_id < {who}) OR {order} > {number(own)}"
    counted = f"count(*) FILTER ({behind if own is not None else f'{order} IS NOT NULL OR ({behind})'})"
    everybody = f"({segments_of_all(state, evaluation)}) WHERE {quoted(sql.meets)}"
    found = state.tables.rows(f"SELECT {counted} + 1 AS place FROM {everybody}")[0]
    words = audience.order.words if audience.order else ""
    return [f"place {found['place']:,} by {words}, and the first {sql.cut.taken:,} are taken"]


def _of_release(state: State, audience: Audience, row: Row) -> list[str]:
    columns = "customer_id, audience_rank, score, entered_on, stale, count(*) OVER () AS members"
    members = members_of(state, audience.name, columns)
    found = state.tables.rows(f"SELECT * FROM {members} WHERE customer_id = {text(row['customer_id'])}")
    return [
        f"rank {r['audience_rank']:,} of {r['members']:,} in the release, score {shown(r['score'])},"
        f" since {r['entered_on']}{', stale' if r['stale'] else ''}"
        for r in found
    ]
