"""What a look-alike learns from, and what cannot be used."""

from datetime import date

import pytest
from tests.audiences.definitions import AS_OF, NAMES, audience, lookalike

from strata.audiences.definition import compile_lookalike
from strata.errors import ProjectError


def test_it_learns_from_what_the_patterns_match_less_what_is_left_out() -> None:
    assert lookalike().features == ("spend_beer", "spend_cheese")
    assert lookalike(leave_out=("spend_w*", "*_beer")).features == ("spend_cheese",)
    assert lookalike(learn_from=("visits", "spend_beer")).features == ("spend_beer", "visits")


def test_what_a_condition_names_is_not_learned_from() -> None:
    changed = lookalike(seed="wine_days > 0 and visits > 2", exclude=["messages > 3"], learn_from=("*",))
    assert changed.features == ("spend_beer", "spend_cheese")


def test_only_columns_that_the_snapshot_has_count() -> None:
    wide = ("spend_beer_182d", "spend_wine_182d", "visits")
    found = compile_lookalike(audience(learn_from=("spend_*_182d",), leave_out=("spend_wine_182d",)), NAMES, wide)
    assert found.features == ("spend_beer_182d",)


def test_nothing_to_learn_from_is_an_error_that_says_what_was_found() -> None:
    with pytest.raises(ProjectError, match=r"audiences/wine.yml:1:1: .*learn_from \(wine_\*\).*wine_days"):
        lookalike(learn_from=("wine_*",))
    with pytest.raises(ProjectError, match="no numeric feature"):
        lookalike(learn_from=("sales_*",))


def test_a_condition_that_cannot_be_used_is_an_error() -> None:
    with pytest.raises(ProjectError, match="wine_day"):
        lookalike(seed="wine_day > 0")


def test_the_backtest_looks_back_by_the_declared_days() -> None:
    assert lookalike().train_date(AS_OF) == date(2017, 10, 8)
