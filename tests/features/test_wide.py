"""Values of `by` features become columns whose names are unique and do not depend on order."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.features.worlds import plan_of

from strata.features.tiles import TilePlan
from strata.features.wide import snapshot_columns, value_columns

KEEP = '- {name: "n_{value}_28d", kind: count, by: category, keep: 9, days: 28, description: Events}'


def kept(plan: TilePlan, *values: str) -> TilePlan:
    return replace(plan, kept={plan.features[0].name: values})


def test_a_value_becomes_words_joined_by_underscores(tmp_path: Path) -> None:
    plan = kept(plan_of(tmp_path, KEEP), "SOFT DRINKS", "FROZEN - MEAT/PIZZA")
    assert value_columns(plan.features[0], plan) == {
        "FROZEN - MEAT/PIZZA": "n_frozen_meat_pizza_28d", "SOFT DRINKS": "n_soft_drinks_28d",
    }  # fmt: skip


@pytest.mark.parametrize("values", [("A B", "a-b", "a/b"), ("a/b", "A B", "a-b")])
def test_values_that_would_share_a_column_are_numbered_by_value(tmp_path: Path, values: tuple[str, ...]) -> None:
    plan = kept(plan_of(tmp_path, KEEP), *values)
    assert value_columns(plan.features[0], plan) == {"A B": "n_a_b_28d", "a-b": "n_a_b_2_28d", "a/b": "n_a_b_3_28d"}


def test_a_value_never_takes_the_name_of_another_feature(tmp_path: Path) -> None:
    plan = kept(plan_of(tmp_path, KEEP + "\n- {name: n_wine_28d, kind: count, days: 28}"), "WINE")
    assert [str(c) for c in snapshot_columns(plan)] == ["n_wine_2_28d", "n_wine_28d"]


def test_a_value_without_letter_or_digit_still_has_a_column(tmp_path: Path) -> None:
    plan = kept(plan_of(tmp_path, KEEP), "???", "!")
    assert len({*value_columns(plan.features[0], plan).values()}) == 2


def test_columns_are_only_known_once_the_values_are_decided(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="call keep_values first"):
        snapshot_columns(plan_of(tmp_path, KEEP))


def test_columns_say_which_value_they_are_about(tmp_path: Path) -> None:
    (column,) = snapshot_columns(kept(plan_of(tmp_path, KEEP), "WINE"))
    assert (column, column.description, column.nullable) == ("n_wine_28d", "Events: WINE", False)
