"""Preparation of features for clustering: tame the tail, centre on the median, divide by the spread.

Pure rules on numpy arrays, for the driver and a sample; `columns.prepared_columns` says the same to Spark. A feature
nobody knows, a constant one or one with a single outlier must not divide by zero or outweigh the others, so the
spread is the interquartile range, the standard deviation where that is 0, and 1 where that is 0 too; below 1e-9
counts as 0.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from strata.project.clusterings import ClusterFeature

Matrix = NDArray[np.float64]

GRID = 1e9
"""Prepared values and distances lie on a grid of 1 / GRID. Only multiplication, rounding half to even and division
are used to get there, so Spark, numpy and DuckDB agree to the last bit."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How one feature is prepared: (transform(value) - centre) / scale."""

    feature: str
    transform: str
    centre: float
    scale: float


@dataclass(frozen=True, slots=True)
class Preparation:
    """How the features of a clustering are prepared, in the order of the centres."""

    scalings: tuple[Scaling, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(s.feature for s in self.scalings)

    def to_json(self) -> str:
        """As it stands in `models.cluster_models.preparation`; floats survive the way there and back."""
        return json.dumps([asdict(s) for s in self.scalings], allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Preparation":
        """The preparation that `to_json` wrote."""
        return cls(tuple(Scaling(**entry) for entry in json.loads(text)))


def fit_preparation(matrix: Matrix, features: Sequence[ClusterFeature]) -> Preparation:
    """Learn centre and scale of each feature.

    Args:
        matrix: a row per sampled customer, a column per feature in the order of `features`; NaN or infinite: unknown.
        features: which transform each feature has.
    """
    columns = zip(features, matrix.T, strict=True)
    return Preparation(tuple(_fit_scaling(feature, values) for feature, values in columns))


def prepare(matrix: Matrix, preparation: Preparation) -> Matrix:
    """Values as k-means sees them; an unknown value becomes 0, the median, and pulls to no side."""
    columns = [_prepare_one(values, s) for s, values in zip(preparation.scalings, matrix.T, strict=True)]
    return np.column_stack(columns)


def on_grid(values: Matrix) -> Matrix:
    """`values` on the grid; adding 0 turns -0 into 0, so that equal points are equal bytes."""
    return np.rint(values * GRID) / GRID + 0.0


def _fit_scaling(feature: ClusterFeature, values: Matrix) -> Scaling:
    known = _transform(values[np.isfinite(values)], feature.transform)
    if not known.size:
        return Scaling(feature.feature, feature.transform, 0.0, 1.0)
    low, centre, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = next((_nine_digits(width) for width in (high - low, known.std()) if width >= 1 / GRID), 1.0)
    return Scaling(feature.feature, feature.transform, _nine_digits(centre), spread)


def _prepare_one(values: Matrix, scaling: Scaling) -> Matrix:
    known = np.isfinite(values)
    tamed = _transform(np.where(known, values, 0.0), scaling.transform)
    return np.where(known, on_grid((tamed - scaling.centre) / scaling.scale), 0.0)


def _transform(values: Matrix, transform: str) -> Matrix:
    # log1p is mirrored below zero: returns can make a sum negative, and log1p alone ends at -1
    return np.sign(values) * np.log1p(np.abs(values)) if transform == "log1p" else values


def _nine_digits(value: float) -> float:
    # numpy sums and logarithms differ in the last bits between processors; nine digits do not
    return float(f"{value:.9g}")
