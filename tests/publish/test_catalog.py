from collections import Counter
from datetime import date
from typing import Any

import pytest
from tests.segments.definitions import GROCERY, cluster_model, clustering, plain_preparation, segment, segmentation

from strata.contract.published import segment_catalog
from strata.project.load import load_project
from strata.project.models import Segmentation
from strata.project.units import RollUp
from strata.publish.catalog import catalog_rows, live_rows, segment_columns, segmentation_names
from strata.segments.model import with_clusters

FIRST, SECOND, THIRD = date(2017, 10, 31), date(2017, 11, 30), date(2017, 12, 31)
OFFERS = {"keep": "Personal prices"}
HASHES = {f"segmentation.{name}": "a" * 32 for name in ("reach", "style", "rfm")}
REACH = segmentation("reach", segments=[segment("near", "km < 5", "keep"), segment("far")], otherwise="far")


def catalog(*definitions: Any, on: date = FIRST, after: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    return catalog_rows(definitions, OFFERS, HASHES, on, after or [])


def dates(rows: list[dict[str, Any]]) -> dict[tuple[int, str], tuple[date, date | None]]:
    return {(r["version"], r["segment"]): (r["published_since"], r["retired_on"]) for r in rows}


def test_a_rule_stands_in_the_catalogue_as_declared_with_the_text_of_its_offer() -> None:
    near, far = catalog(REACH)
    assert near == {
        "segmentation": "reach", "version": 1, "segment": "near", "kind": "rules", "technique": "reach", "owner": "crm",
        "task": "test", "label": "Near", "description": None, "rule_text": "km < 5", "offer": "Personal prices",
        "segment_order": 1, "population_relative": False, "definition_hash": "a" * 32, "model_id": None,
        "published_since": FIRST, "retired_on": None,
    }  # fmt: skip
    assert (far["rule_text"], far["offer"], far["segment_order"]) == ("otherwise", None, 2)


def test_who_has_no_unit_is_not_called_the_rest() -> None:
    kinds = [segment("long", "nights >= 7"), segment("short"), segment("none")]
    by_trip = segmentation(
        "reach", segments=kinds, otherwise="short", per="trip", roll_up=RollUp("last", "none", kinds[0].where)
    )
    assert [r["rule_text"] for r in catalog(by_trip)] == ["nights >= 7", "otherwise", "no trip"]


def style_of(*labels: str) -> Segmentation:
    centres = ((float(place), 0.0) for place in range(len(labels)))
    model = cluster_model(plain_preparation("spend", "days"), *centres, labels=labels)
    return with_clusters(clustering({"spend": "log1p", "days": "none"}, clusters=len(labels)), model)


def test_clusters_are_called_as_their_model_or_the_definition_says_and_depend_on_the_others() -> None:
    rows = catalog(style_of("Frequent, own-brand", "Rare", "Large baskets"))
    assert [(r["segment"], r["label"], r["segment_order"]) for r in rows] == [
        ("c1", "Frequent, own-brand", 1), ("c2", "Rare", 2), ("c3", "Large baskets", 3),
    ]  # fmt: skip
    assert {r["rule_text"] for r in rows} == {"nearest of 3 centres over spend, days"}
    assert {r["population_relative"] for r in rows} == {True}


def test_clusters_name_the_model_that_assigned_them_also_when_retired() -> None:
    style, model = style_of("All"), {"style": "b" * 32}
    first = catalog_rows([style, REACH], OFFERS, HASHES, FIRST, model_ids=model)
    assert [r["model_id"] for r in first] == ["b" * 32, None, None]
    assert [r["model_id"] for r in catalog(REACH, on=SECOND, after=first)] == [None, None, "b" * 32]


def test_the_first_date_stays_and_what_is_gone_is_retired_once() -> None:
    first = catalog(REACH)
    without_far = segmentation("reach", segments=REACH.segments[:1])
    second = catalog(without_far, on=SECOND, after=[{**r, "release_id": "b" * 32} for r in first])
    assert dates(second) == {(1, "near"): (FIRST, None), (1, "far"): (FIRST, SECOND)}
    third = catalog(without_far, on=THIRD, after=second)
    assert dates(third) == dates(second)
    assert [r["segment"] for r in live_rows(third)] == ["near"]


def test_a_new_version_retires_the_old_one_and_starts_anew() -> None:
    second = catalog(segmentation("reach", segments=REACH.segments, version=2), on=SECOND, after=catalog(REACH))
    old, new = (FIRST, SECOND), (SECOND, None)
    assert dates(second) == {(2, "near"): new, (2, "far"): new, (1, "near"): old, (1, "far"): old}


def test_a_segment_that_comes_back_keeps_its_first_date() -> None:
    away = catalog(on=SECOND, after=catalog(REACH))
    assert {d for _, d in dates(away).values()} == {SECOND}
    assert dates(catalog(REACH, on=THIRD, after=away)) == {(1, "near"): (FIRST, None), (1, "far"): (FIRST, None)}


def test_a_backfill_moves_the_first_date_back() -> None:
    assert dates(catalog(REACH, on=FIRST, after=catalog(REACH, on=SECOND)))[1, "near"] == (FIRST, None)


def test_retired_segmentations_keep_their_column() -> None:
    rows = catalog(style_of("Some", "Others"), on=SECOND, after=catalog(REACH))
    assert segmentation_names(rows) == ("reach", "style")
    assert [str(c) for c in segment_columns(segmentation_names(rows))] == ["reach", "style"]


def test_an_offer_without_text_is_an_error_not_a_blank() -> None:
    with pytest.raises(KeyError, match="gone"):
        catalog(segmentation("reach", segments=[segment("near", "km < 5", "gone")]))


def test_the_shipped_project_fills_every_column_of_the_contract() -> None:
    project = load_project(GROCERY)
    model = cluster_model(plain_preparation("spend"), *((float(place),) for place in range(5)))
    made = [with_clusters(s, model) if s.kind == "clusters" else s for s in project.segmentations]
    rows = catalog_rows(made, project.offers, project.definition_hashes, THIRD)
    counted = Counter(row["segmentation"] for row in rows)
    assert set(counted) == {s.name for s in project.segmentations}
    assert (counted["purchase_frequency"], counted["rfm"], counted["shopping_style"]) == (6, 10, 5)
    assert {tuple(sorted(row)) for row in rows} == {tuple(sorted(set(segment_catalog.columns) - {"release_id"}))}
    required = [str(c) for c in segment_catalog.columns if not c.nullable and c != "release_id"]
    assert [(row["segment"], c) for row in rows for c in required if row[c] is None] == []
    keys = [tuple(row[c] for c in segment_catalog.grain) for row in rows]
    assert len(set(keys)) == len(keys)
