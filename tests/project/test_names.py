"""Names that expressions may use, columns a project adds, and the order of features."""

from dataclasses import replace
from pathlib import Path

import pytest

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.expression import Name
from strata.project.load import load_project
from strata.project.models import Feature, Project
from strata.project.names import (
    feature_columns,
    names_of_events,
    names_of_features,
    names_of_fed,
    names_of_scores,
    names_of_source,
    slug,
)
from strata.project.order import order_features
from strata.project.words import Text, mentioned, nearest

from .grocery import GROCERY, LANDING


@pytest.fixture(scope="module")
def grocery() -> Project:
    return load_project(GROCERY, LANDING)


def test_a_source_offers_what_it_delivers_and_looks_up(grocery: Project) -> None:
    transactions = grocery.sources[-1]

    names = names_of_source(transactions)

    assert names["sales_value"] == Name(Type.MONEY, True)
    assert set(names) == {*transactions.schema, "display_location", "mailer_location"}


def test_reject_rules_see_the_mapped_silver_columns_only(grocery: Project) -> None:
    assert set(names_of_fed(grocery.sources[-1])) == {
        "customer_id", "occurred_at", "event_date", "event_type", "product_id", "place_id", "basket_id", "quantity",
        "amount", "list_amount", "discount_amount", "display_location", "mailer_location",
    }  # fmt: skip


def test_features_see_the_product_and_place_of_an_event(grocery: Project) -> None:
    names = names_of_events(grocery.sources)

    assert names["amount"] == Name(Type.MONEY, True)
    assert names["event_type"] == Name(Type.STRING, False)
    assert {"product_name", "category", "brand_type", "place_name", "place_kind", "city", "country"} <= set(names)
    assert not {"name", "kind", "revision", "is_deleted", "event_id", "ingested_at"} & set(names)


def test_scores_are_unknown_where_their_feature_is(grocery: Project) -> None:
    (rfm,) = (s for s in grocery.segmentations if s.name == "rfm")
    names = names_of_scores(rfm, names_of_features(grocery))

    assert names == {"r": Name(Type.BIGINT, True), "f": Name(Type.BIGINT, False), "m": Name(Type.BIGINT, False)}


def test_the_columns_of_the_snapshot_carry_type_unit_and_meaning(grocery: Project) -> None:
    columns = {str(c): c for c in feature_columns(grocery.features)}

    assert "spend_{value}_182d" not in columns
    assert set(columns) == set(names_of_features(grocery))
    spend = columns["spend_28d"]
    assert (spend.type, spend.unit, spend.nullable, spend.description) == (Type.MONEY, "currency", False, "Paid")


def test_chosen_values_become_columns(grocery: Project) -> None:
    spread = next(f for f in grocery.features if f.by)
    chosen = replace(spread, keep=None, values=("DOMESTIC WINE", "BEER/ALE"))

    assert [str(c) for c in feature_columns([chosen])] == ["spend_domestic_wine_182d", "spend_beer_ale_182d"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("DOMESTIC WINE", "domestic_wine"),
        ("BEER/ALE", "beer_ale"),
        ("  milk -- 2% ", "milk_2"),
        ("Пиво, світле", "пиво_світле"),
        ("a_b", "a_b"),
        ("***", ""),
    ],
)
def test_a_value_becomes_part_of_a_name(value: str, expected: str) -> None:
    assert slug(value) == expected


def expression(grocery: Project, name: str, of: str) -> Feature:
    model = next(f for f in grocery.features if f.kind == "expression")
    return replace(model, name=name, of=Text(of, model.where))


def test_a_feature_comes_after_those_it_needs_and_otherwise_as_written(grocery: Project) -> None:
    a, b, c = (expression(grocery, n, of) for n, of in (("a", "b + c"), ("b", "c"), ("c", "1")))

    assert [f.name for f in order_features([a, b, c])] == ["c", "b", "a"]
    assert [f.name for f in order_features(grocery.features)] == [
        f.name for f in sorted(grocery.features, key=lambda f: order_features(grocery.features).index(f))
    ]


def test_a_circle_is_told_from_its_first_feature_round(grocery: Project) -> None:
    a, b, c = (expression(grocery, n, of) for n, of in (("a", "b"), ("b", "c"), ("c", "a + 'b'")))

    with pytest.raises(ProjectError, match="`a` needs `b` needs `c` needs `a`"):
        order_features([a, b, c])


def test_what_an_expression_mentions(tmp_path: Path) -> None:
    assert mentioned("coalesce(a_1, 'b c') + \"d\" / round (e)") == {"a_1", "d", "e"}


def test_the_nearest_word_or_all_there_are() -> None:
    assert nearest("spnd", ["spend", "days"]) == "did you mean `spend`?"
    assert nearest("xyz", ["b", "a"]) == "there are: a, b"
    assert nearest("xyz", []) == "there are none"
