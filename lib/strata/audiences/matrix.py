"""From raw feature values to a matrix a linear model can use: tails tamed, scales equal, unknown values neutral."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from strata.audiences.ranking import Flags, Numbers

CONSTANT_BELOW = 1e-9
"""Standard deviation under which a feature says nothing."""

LEAK_ABOVE = 0.995
"""AUC from which a single feature is taken for the seed's own rule in other words."""

SCREENED, SCREEN_ABOVE = 2_000, 0.95
"""Of seed and of rest, so many are looked at first; one whose AUC is above .995 among all is above .95 among these."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How each feature is brought to mean 0 and standard deviation 1; one entry per feature.

    Attributes:
        features: names.
        logged: true: ln(1 + value), negative values counting as 0; false, where negative values were seen: as it is.
        means: mean of what was known, after the logarithm; stands in for what is unknown.
        scales: standard deviation of the same.
    """

    features: tuple[str, ...]
    logged: tuple[bool, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]

    def apply(self, values: Numbers) -> Numbers:
        """Rows × features of raw values (NaN: unknown) in prepared units."""
        tamed = _tamed(values, np.array(self.logged, dtype=bool))
        prepared: Numbers = np.nan_to_num((tamed - np.array(self.means)) / np.array(self.scales), nan=0.0)
        return prepared

    def keep(self, wanted: Sequence[bool]) -> "Preparation":
        """Only the features marked true."""
        return Preparation(
            tuple(compress(self.features, wanted)),
            tuple(compress(self.logged, wanted)),
            tuple(compress(self.means, wanted)),
            tuple(compress(self.scales, wanted)),
        )


def prepare(features: Sequence[str], values: Numbers) -> Preparation:
    """Learn the preparation of every feature that varies; constant and wholly unknown ones are left out.

    Args:
        features: names of the columns of `values`.
        values: rows × features, NaN for unknown.
    """
    known = ~np.isnan(values)
    logged: Flags = np.all(np.where(known, values, 0.0) >= 0, axis=0)
    tamed = _tamed(values, logged)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, tamed, 0.0).sum(axis=0) / counts
    scales = np.sqrt(np.where(known, (tamed - means) ** 2, 0.0).sum(axis=0) / counts)
    whole = Preparation(tuple(features), tuple(logged.tolist()), tuple(means.tolist()), tuple(scales.tolist()))
    return whole.keep((scales > CONSTANT_BELOW).tolist())


def separating(prepared: Numbers, seed: Flags) -> list[bool]:
    """For each column: whether it alone tells the seed from the rest (AUC above .995, in either direction).

    Ranks of everybody are made only of columns that some of them say may: sorting all costs more than the fit.
    """
    if not seed.any() or seed.all() or not prepared.shape[1]:
        return [False] * prepared.shape[1]
    some = np.sort(np.concatenate([_spread(np.flatnonzero(part)) for part in (seed, ~seed)]))
    separates = _areas(prepared[some], seed[some]) > SCREEN_ABOVE
    separates[separates] = _areas(prepared[:, separates], seed) > LEAK_ABOVE
    flags: list[bool] = separates.tolist()
    return flags


def _areas(prepared: Numbers, seed: Flags) -> Numbers:
    """For each column the AUC, of the direction in which it is above one half."""
    if not prepared.shape[1]:
        return np.zeros(0)
    inside, outside = int(seed.sum()), int((~seed).sum())
    ranks = rankdata(prepared, axis=0)
    areas = (ranks[seed].sum(axis=0) - inside * (inside + 1) / 2) / (inside * outside)
    return np.asarray(np.maximum(areas, 1 - areas), dtype=np.float64)


def _spread(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of many some, evenly from the first to the last."""
    return places if len(places) <= SCREENED else places[:: -(-len(places) // SCREENED)]


def one_sided(prepared: Numbers, seed: Flags) -> Flags:
    """For each column: whether all of the rest have the same in it, what is unknown counting as the mean."""
    rest = prepared[~seed]
    if not len(rest):
        return np.zeros(prepared.shape[1], dtype=bool)
    alike: Flags = np.ptp(rest, axis=0) < CONSTANT_BELOW
    return alike


def _tamed(values: Numbers, logged: Flags) -> Numbers:
    return np.where(logged, np.log1p(np.maximum(values, 0.0)), values)
