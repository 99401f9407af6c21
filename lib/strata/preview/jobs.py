"""The looks of the command line: preview, explain, plan. No JVM is started for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from strata.console import Console
from strata.errors import ProjectError
from strata.ingest.keys import read_key
from strata.preview.explanation import show_explanation
from strata.preview.planning import show_plan
from strata.preview.sizes import show_segmentation, show_sizes
from strata.preview.state import read_state
from strata.project.models import Project


@dataclass(frozen=True, slots=True)
class Look:
    """What the command line asked for: a job, and what it takes."""

    job: str
    judged_on: date
    as_of: date | None
    segmentation: str | None
    customer: str | None
    markdown: bool
    environ: Mapping[str, str]


def look(project: Project, wanted: Look, console: Console) -> None:
    """Carry out a job that only looks.

    Raises:
        ProjectError: what is asked for does not exist, or the tables are not in a local folder.
        InputError: what it takes is not stored.
    """
    if not project.segmentations:
        raise ProjectError(f"{project.folder / 'segmentations'}: no segmentation to look at; declare one")
    state = read_state(project, wanted.as_of, wanted.judged_on, of_release=wanted.job == "plan")
    if wanted.job == "plan":
        show_plan(state, console, markdown=wanted.markdown)
    elif wanted.customer is not None:
        key = partial(read_key, project.identity, project.folder, wanted.environ)
        show_explanation(state, wanted.customer, key, console)
    elif wanted.segmentation is not None:
        show_segmentation(state, wanted.segmentation, console)
    else:
        show_sizes(state, console)
