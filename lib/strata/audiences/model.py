"""A look-alike model as plain values: what is stored, and enough to score customers again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from strata.audiences.matrix import Preparation
from strata.audiences.ranking import Numbers

SCORE_DECIMALS = 6
"""Scores are rounded to this before customers are ranked: the last bits of a sum decide nothing."""


@dataclass(frozen=True, slots=True)
class LookalikeModel:
    """Score = 1 / (1 + exp(-(intercept + Σ weight × prepared value))), rounded.

    The score is a likeness between 0 and 1: .5 where seed and rest are equally likely when both are equally many.
    """

    preparation: Preparation
    weights: tuple[float, ...]
    intercept: float

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the snapshot that it reads."""
        return self.preparation.features

    def score(self, values: Numbers) -> Numbers:
        """Scores of rows × `features` of raw values (NaN: unknown)."""
        linear = self.preparation.apply(values) @ np.array(self.weights) + self.intercept
        # exp of more than 700 overflows; either way the score is 0 or 1 after rounding.
        scores: Numbers = np.round(1 / (1 + np.exp(-np.clip(linear, -700, 700))), SCORE_DECIMALS)
        return scores

    def to_json(self) -> str:
        """One line of JSON; numbers in full precision, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LookalikeModel":
        """The model that `to_json` wrote."""
        stored: Mapping[str, Any] = json.loads(text)
        preparation = Preparation(**{key: tuple(part) for key, part in stored["preparation"].items()})
        return cls(preparation, tuple(stored["weights"]), stored["intercept"])
