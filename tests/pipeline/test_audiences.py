"""Audiences that conditions name: built once, when something first needs them, and meant alike everywhere."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.features.worlds import project_of
from tests.ingest.kit import Silent
from tests.segments.definitions import customer
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.audiences.ranking import size_at
from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, snapshot
from strata.contract.lists import (
    audience_backtest,
    audience_catalog,
    audience_curve,
    audience_factors,
    audience_fairness,
    audience_membership,
    audience_overlap,
)
from strata.contract.published import segment_membership, segment_reliability
from strata.contract.spark import frame_of
from strata.features.tiles import plan_tiles, tile_columns
from strata.features.wide import snapshot_columns
from strata.pipeline.audiences import audiences_of, build_audiences
from strata.pipeline.context import Run, Target
from strata.pipeline.segments import build_segments
from strata.project.audiences import Size
from strata.project.load import load_project
from strata.project.models import Project
from strata.publish.release import Release
from strata.storage.held import rows_held
from strata.storage.promotion import staging
from strata.storage.tables import Lakehouse

AS_OF, KNOWN = date(2017, 12, 31), datetime(2018, 1, 2, tzinfo=UTC)
THEN = AS_OF - timedelta(days=84)
CUSTOMERS = 1_500
FEATURES = """
- {name: visits_28d, kind: active_days, days: 28}
- {name: wine_28d, kind: count, where: "product_id = 'wine'", days: 28}
- {name: beer_28d, kind: count, where: "product_id = 'beer'", days: 28}
- {name: cheese_28d, kind: sum, of: amount, where: "product_id = 'cheese'", days: 28, description: Spent on cheese}
- {name: crisps_28d, kind: sum, of: amount, where: "product_id = 'crisps'", days: 28, description: Spent on crisps}
"""
RULES = "version: 1\ntechnique: t\nowner: crm\ntask: t\nkind: rules\n"
SEGMENTATIONS = {
    "pace": f"""segmentation: pace\n{RULES}
segments:
  - {{segment: often, label: Often, when: "visits_28d >= 5"}}
  - {{segment: seldom, label: Seldom}}
otherwise: seldom
""",
    "cellar": f"""segmentation: cellar\n{RULES}
base: "not audience.beer"
segments:
  - {{segment: next, label: Next, when: "audience.wine"}}
  - {{segment: often, label: Often, when: "pace = 'often'"}}
  - {{segment: rest, label: Rest}}
otherwise: rest
""",
}
AUDIENCE = """audience: {name}
kind: lookalike
owner: crm
purpose: direct_mail
seed: "{name}_28d > 0"
candidates: "{candidates}"
learn_from: [cheese_28d, crisps_28d]
activity: visits_28d
exclude: [{exclude}]
size: {{share: 0.25}}
"""
WINE = AUDIENCE.format(name="wine", candidates="wine_28d = 0 and pace = 'often'", exclude="audience.beer")
BEER = AUDIENCE.format(name="beer", candidates="beer_28d = 0", exclude='"visits_28d = 0"')


def project(folder: Path) -> Project:
    project_of(folder, FEATURES)
    for kind, files in {"segmentations": SEGMENTATIONS, "audiences": {"wine": WINE, "beer": BEER}}.items():
        (folder / "project" / kind).mkdir()
        for name, words in files.items():
            (folder / "project" / kind / f"{name}.yml").write_text(words)
    (folder / "project/privacy.yml").write_text(
        "purposes: {direct_mail: {basis: legitimate_interest, description: Offers by mail}}\nprotected: [visits_28d]\n"
    )
    return load_project(folder / "project", {"variables.landing": "/data"})


def customers() -> Iterator[dict[str, Any]]:
    """Who eats cheese comes to wine, who eats crisps to beer; more of them at the later date."""
    dice = np.random.default_rng(3)
    visits = dice.integers(0, 12, CUSTOMERS)
    eaten = {food: np.floor(dice.gamma(0.6, 30, CUSTOMERS)) for food in ("cheese", "crisps")}
    drunk = {
        drink: dice.random(CUSTOMERS) + eaten[food] / 60 for drink, food in {"wine": "cheese", "beer": "crisps"}.items()
    }
    for day, needed in ((THEN, 1.4), (AS_OF, 1.1)):
        for i in range(CUSTOMERS):
            yield {
                "as_of_date": day, "customer_id": customer(i), "visits_28d": int(visits[i]),
                **{f"{drink}_28d": int(level[i] > needed) for drink, level in drunk.items()},
                **{f"{food}_28d": Decimal(int(amount[i])) for food, amount in eaten.items()},
            }  # fmt: skip


@pytest.fixture
def run(interpreted: SparkSession, lakehouse: Lakehouse, tmp_path: Path) -> Run:  # noqa: F811
    made = project(tmp_path)
    plan = plan_tiles(made)
    table = extend(snapshot, snapshot_columns(plan))
    lakehouse.rebuild(table, frame_of(interpreted, table, list(customers())), f"snapshot {'a' * 32}")
    lakehouse.ensure(extend(daily, tile_columns(plan)))
    return Run(made, lakehouse, lambda: KNOWN, Silent())


TARGET = Target(Release("a" * 32, AS_OF, KNOWN, "c" * 32, "0", None), (), (), ())


def staged(run: Run, table: type[Table]) -> list[dict[str, Any]]:
    return rows_held(run.lakehouse, staging(table))


def members(run: Run) -> dict[str, set[str]]:
    rows = staged(run, audience_membership)
    return {name: {r["customer_id"] for r in rows if r["audience"] == name} for name in ("wine", "beer")}


def test_segments_and_audiences_name_audiences_and_each_is_built_once(run: Run) -> None:
    with audiences_of(run, TARGET) as audiences:
        build_segments(run, TARGET, audiences)
        build_audiences(audiences)
    assert [row["stage"] for row in run.log].count("audiences") == 2
    found = members(run)
    assert min(map(len, found.values())) >= 100
    assert not found["wine"] & found["beer"], "excluded by name"
    often = {r["customer_id"] for r in customers() if r["visits_28d"] >= 5}
    everybody = {customer(i) for i in range(CUSTOMERS)}
    assert found["wine"] <= often
    cellar = {r["customer_id"]: r["segment"] for r in staged(run, segment_membership) if r["segmentation"] == "cellar"}
    expected = dict.fromkeys(everybody - found["beer"], "rest") | dict.fromkeys(often - found["beer"], "often")
    assert cellar == expected | dict.fromkeys(found["wine"], "next")
    assert [row["segmentation"] for row in staged(run, segment_reliability)] == ["pace"], "halves decide no audience"


def test_an_audience_that_excludes_by_a_withheld_one_without_members_is_withheld(run: Run) -> None:
    unreached = [replace(a, publish_at_least=10_000) if a.name == "beer" else a for a in run.project.audiences]
    run = replace(run, project=replace(run.project, audiences=tuple(unreached)))
    with audiences_of(run, TARGET) as audiences:
        build_audiences(audiences)
    assert members(run) == {"wine": set(), "beer": set()}
    told = {r["audience"]: (r["status"], r["status_reason"]) for r in staged(run, audience_catalog)}
    assert told["beer"][1].endswith("are left after exclusions, expected at least 10,000")
    assert told["wine"] == ("withheld", "excluded audience beer is withheld and has no members")


def test_of_a_model_it_is_said_what_it_goes_by_and_how_far_it_reaches_withheld_or_not(run: Run) -> None:
    unreached = [replace(a, publish_at_least=10_000) if a.name == "beer" else a for a in run.project.audiences]
    run = replace(run, project=replace(run.project, audiences=tuple(unreached)))
    with audiences_of(run, TARGET) as audiences:
        build_audiences(audiences)
    factors = {(r["audience"], r["feature"]): r for r in staged(run, audience_factors)}
    assert set(factors) == {(drink, f"{food}_28d") for drink in ("wine", "beer") for food in ("cheese", "crisps")}
    for drink, food in (("wine", "cheese"), ("beer", "crisps")):
        told = factors[drink, f"{food}_28d"]
        assert (told["factor_rank"], told["direction"], told["strength"]) == (1, "up", "high")
    assert {r["label"] for r in factors.values()} == {"Spent on cheese", "Spent on crisps"}
    sizes = {r["audience"]: r["candidate_customers"] for r in staged(run, audience_catalog)}
    found = {(r["audience"], r["reach"]): r for r in staged(run, audience_backtest) if r["model"] == "lookalike"}
    curve = staged(run, audience_curve)
    assert len(curve) == 2 * 6
    for row in (r for r in curve if not r["is_suppressed"]):
        tried = found[row["audience"], row["reach"]]
        assert row["customers"] == size_at(row["reach"], sizes[row["audience"]])
        assert (row["recall"], row["lift"]) == (tried["recall"], tried["lift"])
        if not tried["is_suppressed"]:
            assert row["relevance"] == tried["found_customers"] / size_at(row["reach"], tried["candidate_customers"])
    assert [r["reach"] for r in curve if r["audience"] == "beer" and not r["is_suppressed"]][-2:] == [0.1, 0.2]
    assert staged(run, audience_overlap) == []


def test_who_members_seed_and_candidates_are_by_protected_features(run: Run) -> None:
    with audiences_of(run, TARGET) as audiences:
        build_audiences(audiences)
    now = {r["customer_id"]: r for r in customers() if r["as_of_date"] == AS_OF}
    groups = {
        "members": members(run)["beer"],
        "seed": {c for c, r in now.items() if r["beer_28d"]},
        "candidates": {c for c, r in now.items() if not r["beer_28d"]},
    }
    told = {r["value"]: r for r in staged(run, audience_fairness) if r["audience"] == "beer"}
    assert {r["attribute"] for r in told.values()} == {"visits_28d"}
    assert set(told) == {"0-9", "10-19"}
    for group, those in groups.items():
        many = sum(now[c]["visits_28d"] >= 10 for c in those)
        assert told["10-19"][f"{group}_share"] == pytest.approx(many / len(those))


def test_published_audiences_are_held_together_and_the_curve_is_that_of_their_members(run: Run) -> None:
    free = [replace(a, exclude=(), size=Size(share=0.2)) for a in run.project.audiences]
    run = replace(run, project=replace(run.project, audiences=tuple(free)))
    with audiences_of(run, TARGET) as audiences:
        build_audiences(audiences)
    found = members(run)
    both = len(found["wine"] & found["beer"])
    (pair,) = staged(run, audience_overlap)
    assert (pair["audience"], pair["other_audience"]) == ("beer", "wine")
    assert (pair["customers"], pair["other_customers"], pair["shared_customers"]) == (
        len(found["beer"]),
        len(found["wine"]),
        both,
    )
    assert pair["jaccard"] == both / len(found["wine"] | found["beer"])
    assert pair["lift"] == both * CUSTOMERS / (len(found["wine"]) * len(found["beer"]))
    scores = [r["score"] for r in staged(run, audience_membership) if r["audience"] == "wine"]
    (fifth,) = (r for r in staged(run, audience_curve) if (r["audience"], r["reach"]) == ("wine", 0.2))
    assert (fifth["customers"], fifth["similarity_min"]) == (len(scores), min(scores))
    assert fifth["similarity_mean"] == pytest.approx(sum(scores) / len(scores), abs=1e-9)
