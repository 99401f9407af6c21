"""Learns from a sample how features are prepared for clustering. Pure rules on numpy arrays and Arrow tables.

A constant feature or one with a single outlier must not divide by zero or outweigh the others, so the spread is the
interquartile range, the standard deviation where that is 0, and 1 where that is 0 too; below 1e-9 counts as 0. That
of 1 and 0 for yes and no is 1.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from strata.project.clusterings import ClusterFeature
from strata.segments.preparation import GRID, Dimension, Matrix, Part, Preparation, is_known, on_grid
from strata.segments.ranks import steps_of


def fit_preparation(matrix: Matrix, features: Sequence[ClusterFeature]) -> Preparation:
    """Learn the dimensions of each feature; those in which all customers are alike are left out.

    The squared distance in a feature counts as often as its weight says, shared equally by its dimensions.

    Args:
        matrix: a row per sampled customer, a column per feature in the order of `features`; NaN or infinite: unknown.
        features: how each is to be prepared; weights are above 0.
    """
    columns = zip(features, matrix.T, strict=True)
    dimensions = tuple(dimension for feature, values in columns for dimension in _of_feature(feature, values))
    return Preparation(tuple(f.feature for f in features), dimensions)


def count_not_finite(sample: pa.Table, features: Iterable[str]) -> dict[str, int]:
    """Feature -> how many rows hold NaN or infinity, which count as unknown; features without any are left out.

    NULL is unknown by right and not counted, hence a table and not a matrix, where it is NaN too.
    """
    values = {f: sample[f].drop_null().cast(pa.float64()).to_numpy() for f in features}
    counts = {f: int(np.count_nonzero(~is_known(found))) for f, found in values.items()}
    return {f: count for f, count in counts.items() if count}


def _of_feature(feature: ClusterFeature, values: Matrix) -> list[Dimension]:
    fitted = [_fit(feature, part, values) for part in _parts(feature)]
    varying = [dimension for dimension in fitted if dimension is not None]
    stretch = math.sqrt(feature.weight / max(len(varying), 1))
    return [replace(dimension, scale=dimension.scale / stretch) for dimension in varying]


def _parts(feature: ClusterFeature) -> list[Part]:
    split: list[Part] = ["has", "amount"] if feature.zeros == "apart" else ["value"]
    return [*split, "known"] if feature.unknown == "apart" else split


def _fit(feature: ClusterFeature, part: Part, values: Matrix) -> Dimension | None:
    is_flag = part in ("has", "known")
    transform = "none" if is_flag else feature.transform
    plain = Dimension(feature.feature, part, "none", zero_if_unknown=feature.unknown == "zero")
    if not (found := _there(plain, values)).size:
        return None
    # on the grid, so that no piece is too steep
    steps = steps_of(on_grid(found)) if transform == "rank" else ()
    shaped = replace(plain, transform=transform, steps=steps)
    found = _there(shaped, values)
    if np.ptp(found) < 1 / GRID:
        return None
    low, centre, high = np.quantile(found, [0.25, 0.5, 0.75])
    spreads = () if is_flag else (high - low, found.std())
    scale = next((_nine_digits(spread) for spread in spreads if spread >= 1 / GRID), 1.0)
    return replace(shaped, centre=_nine_digits(centre), scale=scale)


def _there(dimension: Dimension, values: Matrix) -> Matrix:
    unscaled = dimension.unscaled(values)
    return unscaled[~np.isnan(unscaled)]


def _nine_digits(value: float) -> float:
    # numpy sums and logarithms differ in the last bits between processors; nine digits do not
    return float(f"{value:.9g}")
