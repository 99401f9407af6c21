"""The definitions that are shipped: each loads, says what it is for, and every technique that is promised is there."""

import re
from pathlib import Path

import duckdb
import pytest
import yaml
from tests.project.grocery import GROCERY, LANDING

from strata.expression import compile_expression
from strata.project.load import load_project
from strata.project.models import Project, Segmentation
from strata.project.names import names_of_features
from strata.project.order import order_features

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


CATALOGUE = sorted((GROCERY.parent / "catalogue").glob("*.yml"))
OF_ONE_PROJECT = {"clusters", "life cycle"}
"""What no other project would call a technique: they stay with the project."""


def included(project: Project) -> set[str]:
    """The definitions of the catalogue that a project includes."""
    files = (project.folder / "segmentations").glob("*.yml")
    return {str(name) for file in files if (name := yaml.safe_load(file.read_text("utf-8")).get("include"))}


@pytest.mark.parametrize("path", CATALOGUE, ids=lambda path: path.stem)
def test_a_shared_definition_is_whole_is_included_and_uses_its_numbers(path: Path) -> None:
    text = path.read_text("utf-8")
    said = yaml.safe_load(text)
    assert said["segmentation"] == path.stem
    assert {"version", "technique", "owner", "task", "needs"} <= said.keys()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(said.get("numbers", {}))
    assert any(path.stem in included(project) for project in PROJECTS.values())


def test_a_technique_of_the_telco_is_shared() -> None:
    telco = PROJECTS["telco"]
    own = {s.name for s in telco.segmentations if s.technique in OF_ONE_PROJECT}
    assert {s.name for s in telco.segmentations} - own == included(telco)


def test_the_share_of_each_input_of_risk_tolerance_is_published() -> None:
    """By hand: orders of bonds and balanced funds 8 + 5, answers 5 below the middle 8, little experience 1.6, age 1."""
    telco = PROJECTS["telco"]
    known: dict[str, object] = {
        "age_years": 70, "orders_of_bonds": 2, "orders_of_balanced": 1, "orders_of_shares": 0, "risk_said": -5,
        "risk_experience": -1,
    }  # fmt: skip
    names = names_of_features(telco)
    features = [f for f in order_features(telco.features) if f.kind == "expression" and f.name.startswith("risk_")]
    for feature in features:
        assert feature.of is not None
        columns = ", ".join(f"{value} as {name}" for name, value in known.items())
        sql = compile_expression(feature.of, names, feature.type).to_duckdb()
        ((known[feature.name],),) = duckdb.sql(f"select {sql} from (select {columns})").fetchall()
    points = {"orders": 13, "answers": 8, "experience": 1.6, "age": 1}
    found = {name: known[f"risk_share_of_{name}"] for name in points}
    assert found == pytest.approx({name: of_each / 23.6 for name, of_each in points.items()})
    assert {f"risk_share_of_{name}" for name in points} <= set(telco.published_features)


def test_portraits_of_the_channels_tell_of_age_place_and_interest() -> None:
    telco = PROJECTS["telco"]
    interests = {"favourite_genre_364d", "favourite_category_364d"}
    assert {"age_years", "age_band", "home_region", "home_city", *interests} <= set(telco.published_features)
    assert {"message_channel", "purchase_channel"} <= {s.name for s in telco.segmentations}


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
