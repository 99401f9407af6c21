"""The looks of the command line: preview, explain, plan. No JVM is started for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from strata.console import Console
from strata.errors import ProjectError
from strata.ingest.keys import read_key
from strata.preview.audience_sizes import show_audience, show_audiences
from strata.preview.explanation import show_explanation
from strata.preview.planning import show_plan
from strata.preview.sizes import show_segmentation, show_sizes
from strata.preview.state import State, read_state
from strata.project.audiences import Audience
from strata.project.models import Project, Segmentation
from strata.project.references import AUDIENCE, key_of
from strata.project.words import nearest


@dataclass(frozen=True, slots=True)
class Look:
    """What the command line asked for: a job, and what it takes."""

    job: str
    judged_on: date
    as_of: date | None
    definition: str | None
    customer: str | None
    markdown: bool
    environ: Mapping[str, str]


def look(project: Project, wanted: Look, console: Console) -> None:
    """Carry out a job that only looks.

    Raises:
        ProjectError: what is asked for does not exist, or the tables are not in a local folder.
        InputError: what it takes is not stored.
    """
    if not project.segmentations and not project.audiences:
        raise ProjectError(f"{project.folder / 'segmentations'}: no segmentation to look at; declare one")
    state = read_state(project, wanted.as_of, wanted.judged_on, of_release=wanted.job == "plan")
    if wanted.job == "plan":
        show_plan(state, console, markdown=wanted.markdown)
    elif wanted.customer is not None:
        key = partial(read_key, project.identity, project.folder, wanted.environ)
        show_explanation(state, wanted.customer, key, console)
    elif wanted.definition is not None:
        _show_definition(state, wanted.definition, console)
    else:
        show_sizes(state, console)
        if project.audiences:
            show_audiences(state, console)


def _show_definition(state: State, name: str, console: Console) -> None:
    """The segmentation and the audience of a name; `audience.<name>` means the audience only."""
    project = state.project
    definitions: list[Segmentation | Audience] = [*project.segmentations, *project.audiences]
    found = {key_of(d): d for d in definitions}
    keys = [key for key in (name, AUDIENCE + name) if key in found]
    if not keys:
        known = [key.removeprefix(AUDIENCE) for key in found]
        raise ProjectError(f"preview: there is no segmentation or audience `{name}`; {nearest(name, known)}")
    for place, key in enumerate(keys):
        if place:
            console.say()
        definition = found[key]
        if isinstance(definition, Audience):
            show_audience(state, definition, console)
        else:
            show_segmentation(state, definition, console)
