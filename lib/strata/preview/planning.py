"""`strata plan`: what edited definitions would change against the release that readers follow."""

from collections.abc import Sequence

from strata.console import Console
from strata.contract.feature_tables import snapshot
from strata.contract.published import segment_membership
from strata.errors import Location
from strata.expression import Expression, compile_expression
from strata.preview.audience_pages import audience_section
from strata.preview.audience_plan import find_audience_changes
from strata.preview.evaluation import Evaluation, evaluate, segments_of_all
from strata.preview.features import feature_sql
from strata.preview.moves import Change, moves_query, notes_on, read_moves, state_of, touched
from strata.preview.pages import Section, Terms, as_markdown, as_text, section_of
from strata.preview.state import State
from strata.project.models import Segmentation
from strata.project.words import Text
from strata.publish.catalog import live_rows
from strata.storage.local import Row

PERIOD, WITHOUT_KPIS = "84d", "spend_84d"
"""Whose revenue is told, of those that kpis.yml has; and what it is where there is no kpis.yml."""


def show_plan(state: State, console: Console, *, markdown: bool) -> None:
    """Every segmentation and audience that is not as released: who moves, and what else it touches."""
    revenue = find_revenue(state)
    terms = Terms(state.project.privacy.cell_floor, revenue.canonical if revenue else None, state.project.currency)
    changes = find_changes(state, revenue)
    same = [c.segmentation for c in changes if c.state == "unchanged"]
    released = f"release {state.release[0]['release_id'][:12]} as of {state.as_of}"
    head = Section(
        f"{state.project.name}: the definitions as they are now, against {released}",
        (f"as released: {', '.join(same)}" if same else "nothing is as released",)
        if len(same) < len(changes)
        else ("every segmentation is as released: nobody moves",),
    )
    sections = [head, *(section_of(change, terms) for change in changes if change.state != "unchanged")]
    of_audiences = find_audience_changes(state, revenue)
    sections += [audience_section(change, terms) for change in of_audiences if change.state != "unchanged"]
    console.say(as_markdown(sections) if markdown else as_text(sections))


def find_revenue(state: State) -> Expression | None:
    """What customers have spent, as kpis.yml says; None where nothing stored tells."""
    said = {kpi.period: kpi.revenue for kpi in state.project.kpis if kpi.revenue is not None}
    text = said.get(PERIOD) or next(iter(said.values()), None)
    if text is None and WITHOUT_KPIS in state.names:
        text = Text(WITHOUT_KPIS, Location("", 1, 1))
    revenue = None if text is None else compile_expression(text, state.names)
    needed = feature_sql(revenue.names if revenue else (), state.project.features, state.names)
    return revenue if set(needed.stored) <= state.tables.columns(snapshot) else None


def find_changes(state: State, revenue: Expression | None) -> list[Change]:
    """What becomes of every segmentation, released or declared."""
    declared = state.project.segmentations
    edited = [s for s in declared if _state(state, s) != "unchanged"]
    evaluation = evaluate(state, edited, also=sorted(revenue.names) if revenue else [])
    changes = [_change(state, s, evaluation, revenue) for s in declared]
    gone = {row["segmentation"]: row["version"] for row in live_rows(state.catalog)}
    for name in sorted(gone.keys() - {s.name for s in declared}):
        audiences = touched(state.project.audiences, name, frozenset())
        changes.append(Change(name, "removed", gone[name], gone[name], audiences=audiences))
    return changes


def _state(state: State, segmentation: Segmentation) -> str:
    definition = state.project.definition_hashes[f"segmentation.{segmentation.name}"]
    return state_of(segmentation, definition, _released(state, segmentation.name))


def _released(state: State, name: str) -> Sequence[Row]:
    return [row for row in live_rows(state.catalog) if row["segmentation"] == name]


def _change(state: State, segmentation: Segmentation, evaluation: Evaluation, revenue: Expression | None) -> Change:
    name, released = segmentation.name, _released(state, segmentation.name)
    definition = state.project.definition_hashes[f"segmentation.{name}"]
    become = state_of(segmentation, definition, released)
    before = max((row["version"] for row in released), default=None)
    if become == "unchanged":
        return Change(name, become, segmentation.version, before)
    notes = notes_on(segmentation, definition, [row for row in state.catalog if row["segmentation"] == name])
    if name not in evaluation.sql:
        return Change(name, become, segmentation.version, before, notes=(*notes, evaluation.missing[name]))
    if name in evaluation.notes:
        notes.append(evaluation.notes[name])
    sql, spent = evaluation.sql[name], revenue.to_duckdb() if revenue else None
    query = moves_query(segments_of_all(state, evaluation), state.released(segment_membership), name, spent)
    audiences = touched(state.project.audiences, name, sql.reads)
    moves = read_moves(state.tables.rows(query))
    return Change(name, become, segmentation.version, before, moves, audiences, tuple(notes))
