"""`strata plan`: what edited definitions would change against the release that readers follow."""

from collections.abc import Sequence

from strata.console import Console
from strata.contract.feature_tables import snapshot
from strata.contract.published import segment_membership
from strata.preview.evaluation import WAITING, Evaluation, evaluate, segments_of_all
from strata.preview.moves import Change, moves_query, notes_on, read_moves, state_of, touched
from strata.preview.pages import Section, Terms, as_markdown, as_text, section_of
from strata.preview.state import State
from strata.project.models import Segmentation
from strata.storage.local import Row

REVENUE = "spend_84d"


def show_plan(state: State, console: Console, *, markdown: bool) -> None:
    """Every segmentation that is not as released: who moves, and what else it touches."""
    has_revenue = REVENUE in state.names and REVENUE in state.tables.columns(snapshot)
    terms = Terms(state.project.privacy.cell_floor, REVENUE if has_revenue else None, state.project.currency)
    changes = find_changes(state, terms.revenue)
    same = [c.segmentation for c in changes if c.state == "unchanged"]
    released = f"release {state.release[0]['release_id'][:12]} as of {state.as_of}"
    head = Section(
        f"{state.project.name}: the definitions as they are now, against {released}",
        (f"as released: {', '.join(same)}" if same else "nothing is as released",)
        if len(same) < len(changes)
        else ("every segmentation is as released: nobody moves",),
    )
    sections = [head, *(section_of(change, terms) for change in changes if change.state != "unchanged")]
    console.say(as_markdown(sections) if markdown else as_text(sections))


def find_changes(state: State, revenue: str | None) -> list[Change]:
    """What becomes of every segmentation, released or declared."""
    declared = state.project.segmentations
    edited = [s for s in declared if _state(state, s) != "unchanged"]
    evaluation = evaluate(state, edited, also=[revenue] if revenue else [])
    changes = [_change(state, s, evaluation, revenue) for s in declared]
    gone = {row["segmentation"]: row["version"] for row in state.catalog}
    for name in sorted(gone.keys() - {s.name for s in declared}):
        audiences = touched(state.project.audiences, name, frozenset())
        changes.append(Change(name, "removed", gone[name], gone[name], audiences=audiences))
    return changes


def _state(state: State, segmentation: Segmentation) -> str:
    definition = state.project.definition_hashes[f"segmentation.{segmentation.name}"]
    return state_of(segmentation, definition, _released(state, segmentation.name))


def _released(state: State, name: str) -> Sequence[Row]:
    return [row for row in state.catalog if row["segmentation"] == name]


def _change(state: State, segmentation: Segmentation, evaluation: Evaluation, revenue: str | None) -> Change:
    name, released = segmentation.name, _released(state, segmentation.name)
    definition = state.project.definition_hashes[f"segmentation.{name}"]
    become = state_of(segmentation, definition, released)
    before = max((row["version"] for row in released), default=None)
    if become == "unchanged":
        return Change(name, become, segmentation.version, before)
    notes = notes_on(segmentation, released)
    if name not in evaluation.sql:
        notes.append(WAITING)
        return Change(name, become, segmentation.version, before, notes=tuple(notes))
    sql = evaluation.sql[name]
    query = moves_query(segments_of_all(state, evaluation), state.released(segment_membership), name, revenue)
    audiences = touched(state.project.audiences, name, sql.reads)
    moves = read_moves(state.tables.rows(query))
    return Change(name, become, segmentation.version, before, moves, audiences, tuple(notes))
