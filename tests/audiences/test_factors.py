"""What is said of a model's features: order, direction, strength and words."""

from typing import Any

from tests.audiences.definitions import AS_OF

from strata.audiences.factors import factor_rows
from strata.audiences.matrix import Preparation
from strata.audiences.model import LookalikeModel
from strata.contract.lists import audience_factors

DESCRIPTIONS = {"spend_28d": "Paid", "spend_84d": "Paid", "visits": "Days with a visit", "unused": "Days with a visit"}


def told(**weights: float) -> list[dict[str, Any]]:
    """The rows of a model with these weights."""
    preparation = Preparation(tuple(weights), (True,) * len(weights), (0.0,) * len(weights), (1.0,) * len(weights))
    return factor_rows(LookalikeModel(preparation, tuple(weights.values()), 0.5), DESCRIPTIONS, "wine", AS_OF)


def test_the_strongest_comes_first_whatever_its_direction_and_equal_ones_by_name() -> None:
    rows = told(visits=0.1, spend_28d=-0.4, beer=0.1)
    assert [(r["feature"], r["direction"], r["factor_rank"], r["weight"]) for r in rows] == [
        ("spend_28d", "down", 1, -0.4),
        ("beer", "up", 2, 0.1),
        ("visits", "up", 3, 0.1),
    ]
    assert all([*row] == [str(c) for c in audience_factors.columns if c != "release_id"] for row in rows)


def test_strength_is_beside_the_strongest_of_the_audience() -> None:
    assert [r["strength"] for r in told(a=0.01, b=-0.005, c=0.0049, d=0.002, e=-0.0019)] == [
        "high", "high", "medium", "medium", "low",
    ]  # fmt: skip


def test_what_moves_no_score_is_no_factor() -> None:
    assert [r["feature"] for r in told(visits=0.0, beer=0.1)] == ["beer"]
    assert told(visits=0.0) == []


def test_a_factor_is_called_what_the_feature_is_and_by_its_name_too_where_two_are_called_so() -> None:
    labels = {r["feature"]: r["label"] for r in told(spend_28d=0.1, spend_84d=0.2, visits=0.3, beer=0.4)}
    assert labels == {
        "spend_28d": "Paid (spend_28d)",
        "spend_84d": "Paid (spend_84d)",
        "visits": "Days with a visit",
        "beer": "beer",
    }
