"""Definitions of the catalogue: included, overridden, and their mistakes said where they stand."""

import os
from pathlib import Path

import pytest

from strata.errors import ProjectError
from strata.project.load import load_project

from .grocery import change, copy_of_grocery, problems_of

SHARED = """\
segmentation: loyal
version: 1
technique: loyalty
owner: crm
task: Reward who stays
kind: rules
numbers: {many_days: 10, big_spend: 500}
needs:
  - {name: lines_84d, kind: count, where: "event_type = 'purchase'", days: 84, description: Purchase lines}
  - {name: "purchase_days_{days}d", kind: active_days, where: "event_type = 'other'", days: [28, 364], description: D}
segments:
  - {segment: loyal, label: Loyal, when: "purchase_days_28d >= ${many_days} and spend_84d > ${big_spend}"}
  - {segment: frequent, label: Frequent, when: "lines_84d > ${many_days}"}
  - {segment: rest, label: Everybody else}
otherwise: rest
"""
OWN = """\
segmentation: loyal
include: loyal
owner: shop
numbers: {many_days: 4}
"""


def project(tmp_path: Path, shared: str = SHARED, own: str = OWN) -> Path:
    folder = copy_of_grocery(tmp_path)
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "loyal.yml").write_text(shared, "utf-8")
    (folder / "segmentations" / "loyal.yml").write_text(own, "utf-8")
    change(folder / "project.yml", "retention_days:", "includes: ../catalogue\nretention_days:")
    return folder


def test_a_project_includes_a_definition_and_overrides_its_numbers(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path))
    loyal = next(s for s in loaded.segmentations if s.name == "loyal")
    assert (loyal.owner, loyal.technique) == ("shop", "loyalty")
    assert [s.when and s.when.words for s in loyal.segments] == [
        "purchase_days_28d >= 4 and spend_84d > 500",
        "lines_84d > 4",
        None,
    ]


def test_features_come_with_the_definition_unless_the_project_has_them(tmp_path: Path) -> None:
    features = {f.name: f for f in load_project(project(tmp_path)).features}
    conditions = {name: features[name].condition for name in ("lines_84d", "purchase_days_28d", "purchase_days_364d")}
    assert {name: c and c.words for name, c in conditions.items()} == {
        "lines_84d": "event_type = 'purchase'",
        "purchase_days_28d": "event_type = 'purchase'",  # the project's own
        "purchase_days_364d": "event_type = 'other'",
    }


@pytest.mark.parametrize(
    ("shared", "own", "at", "says"),
    [
        (SHARED, OWN.replace("include: loyal", "include: loial"), "loyal.yml:2:10", "there is no definition `loial`"),
        (SHARED, OWN.replace("many_days", "much_days"), "loyal.yml:4:22", "the catalogue's definition has no number"),
        (SHARED, OWN.replace("4}", "four}"), "loyal.yml:4:22", "many_days: found `four`, expected a number"),
        (SHARED.replace("${big_spend}", "${huge_spend}"), OWN, "catalogue/loyal.yml:12", "found the unknown variable"),
        (SHARED.replace("lines_84d >", "line_84d >"), OWN, "catalogue/loyal.yml:13", "unknown name line_84d"),
        (SHARED.replace("owner: crm", "owners: crm"), OWN, "catalogue/loyal.yml:4", "has no key `owners`"),
    ],
)
def test_mistakes_are_said_where_they_stand(tmp_path: Path, shared: str, own: str, at: str, says: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load_project(project(tmp_path, shared, own))
    found = [str(problem) for problem in caught.value.problems]
    assert any(at in line and says in line for line in found), found
    assert len(found) <= 2, found


PER_SUBJECT = """\
segmentation: subjects
version: 1
technique: t
owner: o
task: t
kind: rules
per: subject
roll_up: {by: last, without: none}
units:
  - {unit: subject, of: category, where: "event_type = 'purchase'", days: 364, description: D}
needs:
  - {name: subject_lines, kind: count, per: subject, description: D}
segments:
  - {segment: many, label: Many, when: "subject_lines > 3"}
  - {segment: few, label: Few}
  - {segment: none, label: None}
otherwise: few
"""


def test_units_come_with_the_definition_unless_the_project_has_them(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "segmentations" / "subjects.yml").write_text(PER_SUBJECT, "utf-8")
    loaded = load_project(folder)
    assert [(u.name, u.of.words, u.days) for u in loaded.units] == [("subject", "category", 364)]
    assert [(f.name, f.days) for f in loaded.unit_features] == [("subject_lines", 364)]
    other = PER_SUBJECT.replace("subjects", "topics").replace("364", "182")
    (folder / "segmentations" / "topics.yml").write_text(other, "utf-8")
    with pytest.raises(ProjectError, match=r"topics.yml:10:\d+: `subject` is declared otherwise at .*subjects.yml:10"):
        load_project(folder)
    (folder / "segmentations" / "topics.yml").unlink()
    (folder / "segmentations" / "subjects.yml").write_text(PER_SUBJECT.replace("'purchase'", "'lesson'"), "utf-8")
    with pytest.raises(ProjectError, match="needs `subject_lines`, but no source fills events with event_type lesson"):
        load_project(folder)
    own = """units:
  - {unit: subject, of: department, days: 182, description: D}
features:
"""
    change(folder / "features.yml", "features:\n", own)
    assert [(u.name, u.of.words) for u in load_project(folder).units] == [("subject", "department")]


def test_two_definitions_that_compute_a_feature_otherwise_are_refused(tmp_path: Path) -> None:
    folder = project(tmp_path)
    other = SHARED.replace("segmentation: loyal", "segmentation: faithful").replace("'purchase'", "'redemption'")
    (tmp_path / "catalogue" / "faithful.yml").write_text(other, "utf-8")
    (folder / "segmentations" / "faithful.yml").write_text("segmentation: faithful\ninclude: faithful\n", "utf-8")
    with pytest.raises(ProjectError, match=r"`lines_84d` is declared otherwise at .*faithful.yml:9"):
        load_project(folder)


def test_one_mistake_in_project_yml_is_one_problem_whatever_depends_on_it(tmp_path: Path) -> None:
    folder = project(tmp_path)
    change(folder / "project.yml", "retention_days: 90", "retention_days: 3")
    assert [p.what.split(":")[0] for p in problems_of(folder)] == ["retention_days"]
    whole = (folder / "project.yml").read_text("utf-8")
    (folder / "project.yml").write_text(whole + "\tx: 1\n", "utf-8")
    assert [p.what.split(":")[0] for p in problems_of(folder)] == ["not YAML"]
    (folder / "project.yml").unlink()
    assert [p.what for p in problems_of(folder)] == ["there is no such file, every project needs it"]


def test_a_folder_that_cannot_be_read_is_a_problem_and_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, scan, listed = project(tmp_path), os.scandir, Path.iterdir
    closed = {folder / "audiences", tmp_path / "catalogue"}

    def refuse(path: object) -> None:
        if Path(str(path)) in closed:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or scan(path))
    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path) or listed(path))
    found = {p.where.file if p.where else "": p.what for p in problems_of(folder)}
    assert found[str(folder / "audiences")] == "the folder cannot be read: Permission denied"
    assert found[str(folder / "segmentations" / "loyal.yml")].endswith("catalogue cannot be read: Permission denied")
