"""The definitions that are shipped: each loads, says what it is for, and every technique that is promised is there."""

import pytest
from tests.project.grocery import GROCERY, LANDING

from strata.project.load import load_project
from strata.project.models import Project, Segmentation

TELCO = GROCERY.parent / "telco"
PROJECTS = {folder.name: load_project(folder, LANDING) for folder in (GROCERY, TELCO)}
DEFINITIONS = [(project, s) for project in PROJECTS.values() for s in project.segmentations]
NAMES = [f"{project.name}-{s.name}" for project, s in DEFINITIONS]
PROMISED = {
    "grocery": {
        "RFM", "benefit sought", "clusters", "demographic", "life stage", "purchase frequency", "response channel",
        "seasonal", "value tier",
    },
    "telco": {
        "RFM", "benefit sought", "clusters", "content preference", "demographic", "device class", "engagement",
        "geographic", "learning style", "life stage", "message channel", "platform usage", "psychographic",
        "purchase channel", "purchase frequency", "risk tolerance", "seasonal", "travel abroad", "value tier",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PROMISED)
def test_every_technique_is_there(name: str) -> None:
    assert PROMISED[name] <= {s.technique for s in PROJECTS[name].segmentations}


@pytest.mark.parametrize(("project", "definition"), DEFINITIONS, ids=NAMES)
def test_a_definition_says_whose_it_is_what_for_and_what_each_segment_gets(
    project: Project, definition: Segmentation
) -> None:
    assert definition.owner
    assert definition.task[0].isupper()
    assert [s.segment for s in definition.segments if s.description is None] == []
    assert definition.segments or definition.kind in ("clusters", "attribute")
    labels = [s.label for s in definition.segments]
    assert len(set(labels)) == len(labels)
    if definition.segments:
        assert any(s.offer in project.offers for s in definition.segments)


def test_an_offer_is_declared_because_somebody_gets_it() -> None:
    for project in PROJECTS.values():
        given = {s.offer for definition in project.segmentations for s in definition.segments}
        assert set(project.offers) - given == set()
