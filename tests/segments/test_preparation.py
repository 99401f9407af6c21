import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.segments.random_definitions import preparations

from strata.segments.preparation import Dimension, Preparation, prepare

UNKNOWN = np.nan
RANK = Dimension("visits", "value", "rank", 0.5, 0.1, steps=((0.0, 0.1), (1.0, 0.7)))
STORED = Preparation(("gone", "visits"), (RANK,))


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_a_negative_sum_mirrors_the_positive_one() -> None:
    preparation = Preparation(("spend",), (Dimension("spend", "value", "log1p"),))
    negative, positive = prepare(column(-250.0, 250.0), preparation).ravel()
    assert negative == -positive == pytest.approx(-5.525452939)


def test_columns_come_in_the_order_of_all_features_dropped_ones_too() -> None:
    found = prepare(np.array([[99.0, 0.0], [99.0, 0.5], [99.0, UNKNOWN]]), STORED)
    assert found.ravel().tolist() == [-4.0, -1.0, 0.0]


@settings(deadline=None)
@given(preparations("xyz"), arrays(np.float64, (6, 3), elements=st.floats(width=64)))
def test_any_customer_has_a_point_without_nan_and_without_a_negative_zero(
    preparation: Preparation, matrix: np.ndarray
) -> None:
    points = prepare(matrix, preparation)
    assert points.shape == (6, len(preparation.dimensions))
    assert np.isfinite(points).all()
    assert not (np.signbit(points) & (points == 0)).any()
    assert Preparation.from_json(preparation.to_json()) == preparation


def changed(**parts: object) -> str:
    """The stored preparation with other parts of its dimension."""
    stored = json.loads(STORED.to_json())
    stored["dimensions"][0].update(parts)
    return json.dumps(stored)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "7", "[]", "{}", '"features"',
        '[{"feature": "spend", "transform": "log1p", "centre": 0.0, "scale": 1.0}]',
        '{"features": ["spend"]}', '{"dimensions": []}', '{"features": 3, "dimensions": []}',
        '{"features": [], "dimensions": [], "more": []}', '{"features": ["x"], "dimensions": ["x"]}',
        STORED.to_json().replace('"gone", "visits"', '"gone"'),
        changed(part="half"), changed(transform="sqrt"), changed(transform="none"), changed(more=1),
        changed(scale=0.0), changed(scale=-1.0), changed(scale="1"), changed(scale=float("nan")),
        changed(centre=float("inf")), changed(centre=None),
        changed(steps=[]), changed(steps=[1, 2]), changed(steps=[[1.0, 0.1, 2.0]]), changed(steps=None),
        changed(steps=[[2.0, 0.1], [1.0, 0.7]]), changed(steps=[[1.0, 0.1], [1.0, 0.7]]),
    ],
)  # fmt: skip
def test_a_json_of_another_shape_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="as a stored preparation, expected an object with features and dimensions"):
        Preparation.from_json(text)


def test_the_json_is_what_the_table_holds() -> None:
    assert json.loads(STORED.to_json()) == {
        "features": ["gone", "visits"],
        "dimensions": [
            {"feature": "visits", "part": "value", "transform": "rank", "centre": 0.5, "scale": 0.1,
             "zero_if_unknown": False, "steps": [[0.0, 0.1], [1.0, 0.7]]},
        ],
    }  # fmt: skip
    assert Preparation.from_json(changed(scale=0.3)).dimensions == (replace(RANK, scale=0.3),)
