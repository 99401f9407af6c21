"""Which features definitions give away as a seed's own rule, and why."""

from pathlib import Path

import pytest
from tests.features.worlds import project_of

from strata.audiences.leakage import BEHIND, COMPUTED, NAMED, PARTS, PROTECTED, SAME, Judged, judge_columns
from strata.project.load import load_project

FEATURES = """
- {name: "visits_{days}d", kind: active_days, days: [28, 84, 182]}
- {name: "spend_{days}d", kind: sum, of: amount, days: [28, 84, 182]}
- {name: spend_84d_before, kind: sum, of: amount, days: 84, offset: 84}
- {name: "wine_days_{days}d", kind: active_days, where: "product_id = 'wine'", days: [28, 182]}
- {name: wine_spend_182d, kind: sum, of: amount, where: "product_id = 'wine'", days: 182}
- {name: wine_share_182d, kind: expression, of: "wine_spend_182d / spend_182d"}
- {name: beer_spend_182d, kind: sum, of: amount, where: "product_id = 'beer'", days: 182}
- {name: beer_share_182d, kind: expression, of: "beer_spend_182d / spend_182d"}
- {name: beer_lead_182d, kind: expression, of: "beer_share_182d - wine_share_182d"}
- {name: days_since_last, kind: days_since, of: last}
- {name: "paid_{value}_182d", kind: sum, of: amount, by: channel, keep: 9, days: 182}
- {name: "paid_{value}_28d", kind: sum, of: amount, by: channel, keep: 9, days: 28}
- {name: asked_84d, kind: count, from: communications, days: 84}
- {name: asked_per_visit, kind: expression, of: "asked_84d / visits_84d"}
- {name: age_years, kind: attribute, of: age_years}
"""
RULES = "version: 1\ntechnique: t\nowner: crm\ntask: t\nkind: rules\n"
SEGMENTATIONS = {
    "pace": f"""segmentation: pace\n{RULES}
segments:
  - {{segment: often, label: Often, when: "visits_84d >= 5"}}
  - {{segment: seldom, label: Seldom}}
otherwise: seldom
""",
    "money": """segmentation: money
version: 1
technique: t
owner: crm
task: t
kind: scores
scores:
  - {score: m, of: spend_182d, thresholds: [100, 500], better: high}
segments:
  - {segment: much, label: Much, when: "m = 3"}
  - {segment: little, label: Little}
otherwise: little
""",
    "tier": f"""segmentation: tier\n{RULES}
segments:
  - {{segment: best, label: Best, when: "money = 'much' and pace = 'often'"}}
  - {{segment: other, label: Other}}
otherwise: other
""",
}
AUDIENCE = """audience: {name}
kind: lookalike
owner: crm
purpose: direct_mail
seed: "{seed}"
candidates: "{candidates}"
learn_against: {against}
activity: visits_28d
{exclude}
size: {{share: 0.1}}
"""
DRINKERS = """audience: drinkers
kind: rule
owner: crm
purpose: direct_mail
include: "wine_days_182d > 3"
"""


def judged(
    folder: Path,
    seed: str,
    candidates: str = "visits_28d >= 0",
    against: str = "candidates",
    exclude: str = "",
    columns: tuple[str, ...] = (),
) -> Judged:
    project_of(folder, FEATURES)
    for kind in ("segmentations", "audiences"):
        (folder / "project" / kind).mkdir(exist_ok=True)
    for name, words in SEGMENTATIONS.items():
        (folder / "project/segmentations" / f"{name}.yml").write_text(words)
    made = AUDIENCE.format(
        name="wine",
        seed=seed,
        candidates=candidates,
        against=against,
        exclude=f"exclude: [{exclude}]" if exclude else "",
    )
    (folder / "project/audiences/wine.yml").write_text(made)
    (folder / "project/audiences/drinkers.yml").write_text(DRINKERS)
    (folder / "project/privacy.yml").write_text(
        "purposes: {direct_mail: {basis: legitimate_interest, description: Offers by mail}}\n"
    )
    project = load_project(folder / "project", {"variables.landing": "/data"})
    there = columns or [f.name for f in project.features if f.by is None]
    audience = next(a for a in project.audiences if a.name == "wine")
    return judge_columns(audience, project, there)


def why(found: Judged, reason: str) -> set[str]:
    return {column for column, said in found.kept_from.items() if said == reason}


def test_what_a_seed_names_and_the_same_over_other_days(tmp_path: Path) -> None:
    found = judged(tmp_path, "wine_days_182d > 0")
    assert why(found, NAMED) == {"wine_days_182d", "visits_28d"}
    # Another measure of the same events is told by the sample, not here.
    assert why(found, SAME) == {"wine_days_28d", "visits_84d", "visits_182d"}
    assert why(found, PROTECTED) == {"age_years"}
    assert not {"spend_28d", "beer_spend_182d", "wine_spend_182d"} & found.kept_from.keys()


def test_days_that_are_not_shared_are_something_else(tmp_path: Path) -> None:
    found = judged(tmp_path, "spend_84d > 500")
    assert why(found, SAME) >= {"spend_28d", "spend_182d"}
    assert "spend_84d_before" not in found.kept_from
    earlier = judged(tmp_path, "spend_84d_before > 500")
    assert "spend_182d" in why(earlier, SAME)
    assert not {"spend_28d", "spend_84d"} & earlier.kept_from.keys()


@pytest.mark.parametrize("seed", ["tier = 'best'", "previous.tier = 'best'"])
def test_a_seed_by_a_segmentation_leaves_out_what_makes_its_segments(tmp_path: Path, seed: str) -> None:
    """Those of the segmentations behind it too, scores and rules alike."""
    found = judged(tmp_path, seed)
    assert why(found, BEHIND) == {"spend_182d", "visits_84d"}
    assert {"spend_84d", "spend_28d", "visits_182d"} <= why(found, SAME)
    assert {"wine_share_182d", "beer_share_182d", "asked_per_visit"} <= why(found, COMPUTED)


def test_a_seed_by_an_audience_leaves_out_what_its_members_are_known_by(tmp_path: Path) -> None:
    found = judged(tmp_path, "audience.drinkers")
    assert why(found, BEHIND) == {"wine_days_182d"}


def test_what_is_computed_from_the_rule_and_what_the_rule_is_computed_from(tmp_path: Path) -> None:
    found = judged(tmp_path, "wine_share_182d > 0.2")
    assert why(found, PARTS) == {"wine_spend_182d", "spend_182d"}
    # A share of all spend says something else than the rule, though it shares a part with it.
    assert why(found, COMPUTED) == {"beer_lead_182d"}
    assert "beer_share_182d" not in found.kept_from


def test_an_exclusion_leaves_out_what_it_names_and_no_more(tmp_path: Path) -> None:
    found = judged(tmp_path, "wine_days_182d > 0", exclude='"spend_182d > 900", audience.drinkers')
    assert "spend_182d" in why(found, NAMED)
    assert "spend_28d" not in found.kept_from


def test_those_told_apart_from_are_a_rule_too(tmp_path: Path) -> None:
    found = judged(tmp_path, "wine_days_182d > 0", against='"asked_84d > 0"')
    assert "asked_84d" in why(found, NAMED)


def test_columns_by_value_belong_to_their_feature(tmp_path: Path) -> None:
    """Which of them there are is known by the snapshot only."""
    columns = ("paid_app_28d", "paid_app_182d", "paid_kiosk_182d", "wine_days_28d")
    found = judged(tmp_path, "wine_days_182d > 0", columns=columns)
    assert found.kept_from == {"wine_days_28d": SAME}


def test_what_was_sent_is_known_by_its_table(tmp_path: Path) -> None:
    assert judged(tmp_path, "wine_days_182d > 0").sent == {"asked_84d", "asked_per_visit"}
