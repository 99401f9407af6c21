"""Recommendations as a job: silver to staging, for those who may be addressed, and nothing without a definition."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.features.worlds import plan_of
from tests.forecasts.definitions import AS_OF, planted_days
from tests.ingest.kit import Silent

from strata.contract.columns import Table
from strata.contract.lists import customer_recommendations, recommendation_backtest
from strata.contract.silver import consents, customers, events, places, products
from strata.contract.spark import frame_of
from strata.pipeline.context import Run, Target
from strata.pipeline.features import build_features
from strata.pipeline.recommendations import build_recommendations
from strata.project.load import load_project
from strata.publish.release import Release
from strata.storage.held import rows_held
from strata.storage.promotion import staging
from strata.storage.tables import Lakehouse

pytestmark = [pytest.mark.long, pytest.mark.soak]

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)
COMMON = {"source": "shop", "revision": 1, "is_deleted": False, "ingested_at": NOW, "batch_id": 1}
PRIVACY = "purposes: {direct_mail: {basis: legitimate_interest, description: Offers by mail}}\n"
DEFINITION = """
recommendation: next_category
owner: crm
task: Choose offers
purpose: direct_mail
of: category
where: "event_type = 'purchase'"
days: 56
holdout_days: 28
top: 3
als: {rank: 4, alpha: 4, iterations: 3}
"""
AGAINST_PROFILING, AGAINST_MAIL, LATER_AGAINST_MAIL, ELSEWHERE = (f"{number:032x}" for number in range(4))


class Told(Silent):
    """What was noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def bought() -> list[dict[str, Any]]:
    return [
        {"event_id": f"{number:032x}", "customer_id": customer, "event_date": day, "event_type": "purchase",
         "occurred_at": datetime.combine(day, time(12), UTC), "product_id": item}
        for number, (customer, day, item, _) in enumerate(planted_days())
    ]  # fmt: skip


def objections() -> list[dict[str, Any]]:
    said = [
        (AGAINST_PROFILING, "profiling", NOW), (AGAINST_MAIL, "direct_mail", NOW), (ELSEWHERE, "sms", NOW),
        (LATER_AGAINST_MAIL, "direct_mail", NOW + timedelta(days=2)),
    ]  # fmt: skip
    rows = [{"customer_id": who, "purpose": what, "valid_from": since.date()} for who, what, since in said]
    return [{**row, "basis": "objection", "granted": True} for row in rows]


def put(spark: SparkSession, lakehouse: Lakehouse, table: type[Table], rows: list[dict[str, Any]]) -> None:
    full = [{**dict.fromkeys(map(str, table.columns)), **COMMON, **row} for row in rows]
    lakehouse.append(table, frame_of(spark, table, full).coalesce(1))


@pytest.fixture
def run(spark: SparkSession, lakehouse: Lakehouse, tmp_path: Path) -> Run:
    """A shop of planted tastes. Its one feature looks at no value: the tiles by value are there for the lists alone."""
    plan_of(tmp_path, "- {name: visits, kind: active_days, days: 28}")
    folder = tmp_path / "project"
    (folder / "recommendations").mkdir()
    (folder / "recommendations/next_category.yml").write_text(DEFINITION, "utf-8")
    (folder / "privacy.yml").write_text(PRIVACY, "utf-8")
    put(spark, lakehouse, events, bought())
    put(spark, lakehouse, products, [{"product_id": p, "category": p} for p in {b["product_id"] for b in bought()}])
    put(spark, lakehouse, consents, objections())
    lakehouse.ensure(customers)
    lakehouse.ensure(places)
    return Run(load_project(folder, {"variables.landing": "/data"}), lakehouse, lambda: NOW, Told())


def staged(run: Run, table: type[Table]) -> list[dict[str, Any]]:
    return rows_held(run.lakehouse, staging(table))


def test_lists_are_made_for_those_who_may_be_addressed_and_learnt_from_those_who_let_us(run: Run) -> None:
    target = Target(Release("a" * 32, AS_OF, NOW, "c" * 32, "0", None), (), (), ())
    build_features(run, [target])
    build_recommendations(run, target)

    tried = {(r["target"], r["model"]): r for r in staged(run, recommendation_backtest)}
    assert tried["new", "als"]["is_used"]
    assert {r["customers"] for r in tried.values()} == {159}
    lists = staged(run, customer_recommendations)
    listed = {row["customer_id"] for row in lists}
    assert len(listed) == 158
    assert {LATER_AGAINST_MAIL, ELSEWHERE} < listed
    assert not {AGAINST_PROFILING, AGAINST_MAIL} & listed
    assert {(r["as_of_date"], r["recommendation"], r["item_kind"], r["release_id"]) for r in lists} == {
        (AS_OF, "next_category", "category", "a" * 32)
    }
    models = {r["target"]: r["model"] for r in lists}
    assert models == {key[0]: key[1] for key, row in tried.items() if row["is_used"]}
    assert any(note.startswith("new by als: recall@3 of als 0.") for note in run.progress.notes)

    without = replace(run, project=replace(run.project, recommendations=()))
    build_recommendations(without, replace(target, release=replace(target.release, release_id="b" * 32)))
    assert staged(run, customer_recommendations) == staged(run, recommendation_backtest) == []
    assert run.lakehouse.last_commit(staging(customer_recommendations))[1].endswith("b" * 32)
