"""What a look-alike goes by: its features by weight, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from strata.audiences.model import LookalikeModel

HIGH, MEDIUM = 0.5, 0.2
"""Parts of the strongest weight from which a factor counts as high, as medium.

Beside one another and not absolute: a ridge keeps all weights small, the smaller the seed, the more.
"""


def factor_rows(
    model: LookalikeModel, descriptions: Mapping[str, str], audience: str, as_of: date
) -> list[dict[str, Any]]:
    """Rows of `publish.audience_factors`, without release_id: strongest first, equal ones by name.

    A feature of weight 0 moves no score and has no row.

    Args:
        model: what was learned.
        descriptions: feature -> what it is; where one is missing, the feature's name stands for it.
        audience: its name.
        as_of: the as-of date.
    """
    weighed = zip(model.features, model.weights, strict=True)
    factors = sorted(((f, w) for f, w in weighed if w), key=lambda factor: (-abs(factor[1]), factor[0]))
    labels = _labels([feature for feature, _ in factors], descriptions)
    return [
        {
            "as_of_date": as_of,
            "audience": audience,
            "feature": feature,
            "label": labels[feature],
            "direction": "up" if weight > 0 else "down",
            "strength": _strength(abs(weight) / abs(factors[0][1])),
            "weight": weight,
            "factor_rank": rank,
        }
        for rank, (feature, weight) in enumerate(factors, 1)
    ]


def _strength(part: float) -> str:
    if part >= HIGH:
        return "high"
    return "medium" if part >= MEDIUM else "low"


def _labels(features: Sequence[str], descriptions: Mapping[str, str]) -> dict[str, str]:
    """The descriptions; those that several features share, of several windows mostly, with the feature's name."""
    said = {feature: descriptions.get(feature, feature) for feature in features}
    often = Counter(said.values())
    return {f: f"{text} ({f})" if often[text] > 1 else text for f, text in said.items()}
