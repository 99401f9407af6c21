"""Preparation of features for clustering: each becomes one or more dimensions of the space that k-means measures in.

Pure rules on numpy arrays, for the driver and a sample; `columns` and `duckdb_columns` say the same to Spark and
DuckDB, and `preparing` learns the numbers. A value is used as it is, as its logarithm or as its rank; centred and
scaled; and where it is not known, 0, which pulls to no side.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strata.segments.ranks import Step, ranks_of

Matrix = NDArray[np.float64]
Part = Literal["value", "amount", "has", "known"]
Transform = Literal["none", "log1p", "rank"]

GRID = 1e9
"""Prepared values and distances lie on a grid of 1 / GRID. Only comparison, the four operations and rounding half to
even are used to get there, so Spark, numpy and DuckDB agree to the last bit; the grid hides that of a logarithm."""
LARGEST = 1e100
"""A value beyond it counts as infinite, so as unknown: its square would be."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One coordinate of a customer: (transform(part of the feature) - centre) / scale; without such a part 0.

    Attributes:
        feature: the feature it is about.
        part: the value; the amount, which those at zero do not have; 1 or 0 for whether the value is not zero (has),
            or is known.
        transform: what tames the tail; log1p is mirrored below zero.
        centre: in transformed units; becomes 0.
        scale: in transformed units, above 0; the weight of the feature is in it.
        zero_if_unknown: whether an unknown value is taken for 0.
        steps: of a rank, and only of one.

    Raises:
        ValueError: something else than this.
    """

    feature: str
    part: Part
    transform: Transform
    centre: float = 0.0
    scale: float = 1.0
    zero_if_unknown: bool = False
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        breakpoints = [at for at, _ in self.steps]
        numbers = (self.centre, self.scale, *(number for step in self.steps for number in step))
        is_sound = (
            (self.part in _PARTS and self.transform in _TRANSFORMS)
            and (all(map(math.isfinite, numbers)) and self.scale > 0)
            and (breakpoints == sorted(set(breakpoints)) and bool(breakpoints) == (self.transform == "rank"))
        )
        if not is_sound:
            raise ValueError(f"{self} is no dimension of a clustering")

    @property
    def name(self) -> str:
        """The feature, and which part of it where it is not the value."""
        return self.feature if self.part == "value" else f"{self.feature} ({self.part.replace('_', ' ')})"

    def unscaled(self, values: Matrix) -> Matrix:
        """What is to be centred and scaled, NaN where a customer has no such part; `values` as for `prepare`."""
        known = np.where(is_known(values), values, 0.0 if self.zero_if_unknown else np.nan)
        return _TRANSFORMS[self.transform](_PARTS[self.part](known), self)

    def prepare(self, values: Matrix) -> Matrix:
        """The coordinate of each customer, from the values of the feature."""
        prepared = on_grid((self.unscaled(values) - self.centre) / self.scale)
        return np.where(np.isnan(prepared), 0.0, prepared)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How the features of a clustering are prepared.

    Attributes:
        features: all that are declared, in order.
        dimensions: in the order of a centre's coordinates; those of a feature stand together.
    """

    features: tuple[str, ...]
    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        if strange := {d.feature for d in self.dimensions} - set(self.features):
            raise ValueError(f"dimensions of {', '.join(sorted(strange))}, which is no feature of the clustering")

    @property
    def dropped(self) -> tuple[str, ...]:
        """Features that tell nobody apart: constant, or known of nobody."""
        kept = {d.feature for d in self.dimensions}
        return tuple(f for f in self.features if f not in kept)

    @property
    def is_empty(self) -> bool:
        """Whether every feature was dropped, so that there is nothing to cluster by."""
        return not self.dimensions

    def to_json(self) -> str:
        """As it stands in `models.cluster_models.preparation`; floats survive the way there and back."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Preparation":
        """The preparation that `to_json` wrote.

        Raises:
            ValueError: the text is nothing that `to_json` writes.
        """
        try:
            stored = json.loads(text)
            dimensions = tuple(_dimension(entry) for entry in stored.pop("dimensions"))
            return cls(**{name: tuple(listed) for name, listed in stored.items()}, dimensions=dimensions)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            found = f"found {text[:60]!r} as a stored preparation, expected an object with features and dimensions"
            raise ValueError(f"{found} ({error}); fit the clusters again") from error


def prepare(matrix: Matrix, preparation: Preparation) -> Matrix:
    """The customers as k-means sees them.

    Args:
        matrix: a row per customer, a column per feature in the order of `preparation.features`, those that were
            dropped too; NaN, infinite or beyond LARGEST: unknown.
        preparation: what to make of it.

    Returns:
        A row per customer, a column per dimension; on the grid, without NaN.
    """
    columns = dict(zip(preparation.features, matrix.T, strict=True))
    points = np.empty((len(matrix), len(preparation.dimensions)))
    for place, dimension in enumerate(preparation.dimensions):
        points[:, place] = dimension.prepare(columns[dimension.feature])
    return points


def on_grid(values: Matrix) -> Matrix:
    """`values` on the grid; adding 0 turns -0 into 0, so that equal points are equal bytes."""
    return np.rint(values * GRID) / GRID + 0.0


def is_known(values: Matrix) -> NDArray[np.bool_]:
    """Whether each value is a number that can be reckoned with."""
    return np.abs(values) <= LARGEST


def _dimension(entry: Mapping[str, Any]) -> Dimension:
    steps = {"steps": tuple((at, share) for at, share in entry["steps"])}
    return Dimension(**{**entry, **steps})


_PARTS: Mapping[str, Callable[[Matrix], Matrix]] = {
    "value": lambda known: known,
    "amount": lambda known: np.where(known == 0, np.nan, known),
    "has": lambda known: np.where(np.isnan(known), np.nan, known != 0),
    "known": lambda known: np.where(np.isnan(known), 0.0, 1.0),
}
_TRANSFORMS: Mapping[str, Callable[[Matrix, Dimension], Matrix]] = {
    "none": lambda values, _: values,
    # mirrored: returns can make a sum negative, and log1p alone ends at -1
    "log1p": lambda values, _: np.sign(values) * np.log1p(np.abs(values)),
    "rank": lambda values, dimension: ranks_of(values, dimension.steps),
}
