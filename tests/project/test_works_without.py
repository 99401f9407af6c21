"""What definitions read, what no source fills of it, and what they can do without."""

import shutil
from pathlib import Path

import pytest
from tests.project.grocery import GROCERY, LANDING, change

from strata.errors import ProjectError
from strata.project.load import load_project
from strata.project.techniques import Technique, read_techniques

CATALOGUE = GROCERY.parent / "catalogue"
DEFINITION = """\
segmentation: weighing
version: 1
technique: t
owner: o
task: t
kind: rules
needs:
  - {name: as_said, kind: sum, of: "value_number - 3", where: "event_type = 'answer' and mood = 'good'", description: D}
  - {name: as_done, kind: count, where: "event_type = 'purchase'", days: 28, description: D}
  - {name: points, kind: expression, of: "as_said + 2 * as_done", description: D}
  - {name: balance, kind: expression, of: "as_said - as_done", description: D}
  - {name: is_december, kind: expression, of: "month(as_of_date) = 12", description: D}
segments:
  - {segment: season, label: S, when: is_december}
  - {segment: found, label: F, when: "RULE"}
  - {segment: rest, label: R}
otherwise: rest
"""


def techniques(folder: Path) -> dict[str, Technique]:
    return {t.segmentation.name: t for t in read_techniques(load_project(folder, LANDING))}


@pytest.fixture
def grocery(tmp_path: Path) -> Path:
    """The whole project, and the catalogue beside it."""
    shutil.copytree(CATALOGUE, tmp_path / "catalogue")
    shutil.copytree(GROCERY, tmp_path / "grocery", ignore=shutil.ignore_patterns(".strata"))
    return tmp_path / "grocery"


def share(grocery: Path, text: str) -> None:
    (grocery.parent / "catalogue" / "weighing.yml").write_text(text, "utf-8")


def lacks(technique: Technique) -> set[str]:
    return {column for columns in technique.lacks.values() for column in columns}


def test_grocery_lacks_what_it_does_not_deliver_and_the_telco_nothing() -> None:
    found = techniques(GROCERY)
    own = {p.stem for p in (GROCERY / "segmentations").iterdir()}
    assert {name for name, t in found.items() if t.is_own} == own
    assert found.keys() == own | {p.stem for p in CATALOGUE.iterdir()}
    asked = ("trip_purpose", "skill_level", "learning_style", "purchase_channel")
    assert {name: lacks(found[name]) for name in asked} == {
        "trip_purpose": {"events with event_type trip"},
        "skill_level": {"events with event_type lesson", "products.level"},
        "learning_style": {"events with event_type lesson"},
        "purchase_channel": {"events.channel"},
    }
    assert {name for name, t in found.items() if t.works_without(t.lacks)} == own | {"purchase_habit"}
    telco = techniques(GROCERY.parent / "telco")
    assert [name for name, t in telco.items() if t.lacks or t.problem] == []


def test_a_definition_is_told_once_under_the_name_the_project_gives_it(grocery: Path) -> None:
    (grocery / "segmentations" / "niche.yml").rename(grocery / "segmentations" / "small_groups.yml")
    change(grocery / "segmentations" / "small_groups.yml", "segmentation: niche", "segmentation: small_groups")
    found = techniques(grocery)
    assert found["small_groups"].is_own
    assert "niche" not in found


RULES: list[tuple[str, set[str], bool]] = [
    ("points > 3", {"as_said"}, True),  # what is added up, or is one of several
    ("points > 3", {"as_said", "as_done"}, False),
    ("balance > 3", {"as_said"}, False),  # a difference is of both
    ("as_said > 3 and as_done > 3", {"as_said"}, False),
    ("as_said > 3 or as_done > 3", {"as_said"}, True),
    ("greatest(as_said, as_done) > 3", {"as_done"}, True),
    ("as_done > 3", {"as_said"}, True),
    ("is_december", {"as_said", "as_done"}, True),  # reads nothing
]
"""A rule, features that there are not, and whether something can still be told."""


def test_a_definition_works_as_long_as_one_rule_that_reads_something_can_be_decided(grocery: Path) -> None:
    for number, (rule, _, _) in enumerate(RULES):
        text = DEFINITION.replace("RULE", rule).replace("weighing", f"weighing_{number}")
        (grocery.parent / "catalogue" / f"weighing_{number}.yml").write_text(text, "utf-8")
    found = techniques(grocery)
    read = [found[f"weighing_{number}"] for number in range(len(RULES))]
    assert [technique.works_without(without) for technique, (_, without, _) in zip(read, RULES, strict=True)] == [
        works for _, _, works in RULES
    ]
    lacking = [technique.lacks for technique in read if "as_said" in technique.reads]
    assert lacking == [{"as_said": ("events with event_type answer",)}] * 6


def test_what_the_base_reads_is_needed_by_every_rule(grocery: Path) -> None:
    share(grocery, DEFINITION.replace("RULE", "as_done > 3").replace("needs:", 'base: "as_said > 0"\nneeds:'))
    assert not techniques(grocery)["weighing"].works_without({"as_said"})


def test_columns_that_no_source_knows_are_missing_and_no_mistake(grocery: Path) -> None:
    share(grocery, DEFINITION.replace("RULE", "points > 3").replace("'answer'", "'purchase'"))
    found = techniques(grocery)["weighing"]
    assert found.lacks == {"as_said": ("events.mood", "events.value_number")}
    assert (found.problem, found.is_own) == ("", False)


def test_clusters_need_every_feature_and_what_is_named_counts_too() -> None:
    found = techniques(GROCERY)
    assert found["shopping_style"].works_without(set())
    assert not found["shopping_style"].works_without({"discount_182d"})  # behind discount_share_182d
    assert not found["cooling"].works_without({"revenue_364d"})  # behind value_tier
    assert found["rfm"].works_without({"spend_182d"})
    assert not found["rfm"].works_without({"spend_182d", "days_since_last_purchase"})


def test_a_feature_of_the_project_goes_before_that_of_the_catalogue(grocery: Path) -> None:
    own = "service_days_28d, kind: active_days, where: \"event_type = 'purchase'\", days: 28, description: D"
    change(grocery / "features.yml", "features:\n", f"features:\n  - {{name: {own}}}\n")
    assert techniques(grocery)["engagement"].lacks == {}


def test_a_definition_that_does_not_suit_the_columns_says_why(grocery: Path) -> None:
    share(grocery, DEFINITION.replace("RULE", "points > 3").replace("mood", "amount"))
    found = techniques(grocery)["weighing"]
    assert "amount" in found.problem
    assert not found.works_without(set())


def test_a_shared_definition_that_cannot_be_read_is_a_mistake(grocery: Path) -> None:
    share(grocery, DEFINITION.replace("owner: o\n", ""))
    with pytest.raises(ProjectError, match=r"weighing.yml:1:1: a segmentation by rules needs the key `owner`"):
        read_techniques(load_project(grocery, LANDING))


def test_groups_are_nothing_without_what_is_measured_of_them(grocery: Path) -> None:
    needs = """  - {name: paid, kind: sum, of: amount, where: "event_type = 'recharge'", days: 364, description: D}
segments:
  - {segment: rich, label: R, at_least: 120}
"""
    kind = "kind: attribute\nof: age\nmeasure: {index: {of: paid, share_at_most: 0.1}}"
    head = DEFINITION.replace("kind: rules", kind)
    share(grocery, head[: head.index("  - {name: as_said")] + needs)
    found = techniques(grocery)["weighing"]
    assert found.problem == ""
    assert lacks(found) == {"events with event_type recharge"}
    assert not found.works_without(found.lacks)
    found = techniques(grocery)["growth_group"]
    assert found.works_without(())
    assert not found.works_without({"revenue_84d"})


def test_what_the_base_of_an_attribute_reads_is_needed_too(grocery: Path) -> None:
    change(grocery / "segmentations" / "niche.yml", "base: \"income != 'unknown'\"", 'base: "spend_182d > 0"')
    assert not techniques(grocery)["niche"].works_without({"spend_182d"})
