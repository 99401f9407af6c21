"""Whether a released clustering still fits its customers, and why it is fitted again. Pure rules on prepared points.

Drift is measured twice: by the population stability index of every prepared dimension (Siddiqi 2006, Credit Risk
Scorecards; above .1 a small, above .25 a large change) and by the share of customers who lie farther from their
centre than 99 % of its members did at the fit: new behaviour may leave every single dimension as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import chdtri

from strata.project.clusterings import Refit
from strata.segments.kmeans import Labels, squared_distances
from strata.segments.model import Bins, Reference
from strata.segments.preparation import Matrix

BINS = 10
FLOOR = 1e-4
"""Smallest share of a bin; of a small sample half a customer, as an empty bin says little there."""
FAR = 0.99
FEWEST = 200
"""Sampled customers, at the fit and now, from which on the share of misfits means something: of 100 at the fit, one in
a hundred samples without any change passes a tenth; of 60, one in ten."""
BY_CHANCE = 1e-4
"""How often a dimension that did not change may exceed `Drift.chance`."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far customers have moved from those a clustering was fitted on.

    Attributes:
        psi: dimension -> population stability index, to 6 decimals.
        chance: dimension -> index that two samples of these sizes do not exceed by chance.
        misfits: share of customers beyond the 99 % quantile of their cluster; .01 where nothing has changed; None: of
            too few to tell.
    """

    psi: Mapping[str, float]
    chance: Mapping[str, float]
    misfits: float | None

    @property
    def in_words(self) -> str:
        """The largest index and the share of misfits."""
        worst = max(self.psi, key=lambda name: self.psi[name])
        few = "too few to tell who fits badly" if self.misfits is None else f"{100 * self.misfits:.1f} % fit badly"
        return f"psi at most {self.psi[worst]:.2f} ({worst}), {few}"

    def reason(self, limits: Refit) -> str | None:
        """Which limits are passed, in words; None: none. A small sample may pass that of the index by chance only."""
        above = {name: psi for name, psi in self.psi.items() if psi > max(limits.psi, self.chance[name])}
        words = []
        if above:
            worst = max(above, key=lambda name: above[name])
            others = f" (and of {len(above) - 1} more)" if len(above) > 1 else ""
            words.append(f"psi of {worst} {above[worst]:.2f} above {limits.psi:g}{others}")
        if self.misfits is not None and self.misfits > limits.misfits:
            words.append(f"{100 * self.misfits:.1f} % fit badly, above {100 * limits.misfits:g} %")
        return "; ".join(words) or None


def why_refit(
    limits: Refit, *, as_of_date: date, fitted_on: date | None, drift: Drift | None = None, requested: bool = False
) -> str | None:
    """Why a run fits the clustering anew, for the record; None: it goes on with the released model.

    Args:
        limits: as the definition declares them.
        as_of_date: date of the run.
        fitted_on: as-of date of the released model; None: there is none that can be used.
        drift: of the customers of `as_of_date` against that model; None: not measured.
        requested: somebody asked for it.
    """
    if fitted_on is None:
        return "no released model"
    if requested:
        return "requested"
    age = (as_of_date - fitted_on).days
    if limits.every_days is not None and age >= limits.every_days:
        return f"fitted {age} days ago, every {limits.every_days} days declared"
    return drift.reason(limits) if drift else None


def reference_of(points: Matrix, centres: Matrix, dimensions: Sequence[str]) -> Reference:
    """What to store with a model.

    Args:
        points: a row per sampled customer, prepared, a column per dimension; at least one row.
        centres: a row per cluster. One without members takes the distance of all customers.
        dimensions: names of the columns.
    """
    bins = tuple(_bins_of(name, values) for name, values in zip(dimensions, points.T, strict=True))
    own, distances = _nearest(points, centres)
    members = (distances[own == c] if (own == c).any() else distances for c in range(len(centres)))
    # a quantile that somebody has: interpolation could end a bit below the distance that all of a cluster share
    far = tuple(float(np.quantile(of_one, FAR, method="higher")) for of_one in members)
    return Reference(bins, far, len(points))


def measure_drift(points: Matrix, centres: Matrix, reference: Reference) -> Drift:
    """Drift of today's customers against those of the fit.

    Args:
        points: a row per customer of today's sample, prepared as the model does it.
        centres: of the model, in its order.
        reference: stored with it.

    Returns:
        No drift where there are no customers.
    """
    if not len(points):
        return Drift({b.dimension: 0.0 for b in reference.bins}, {b.dimension: 0.0 for b in reference.bins}, None)
    floor = max(FLOOR, 0.5 / len(points))
    columns = zip(reference.bins, points.T, strict=True)
    psi = {b.dimension: stability_index(b.shares, _shares(values, b.breakpoints), floor) for b, values in columns}
    chance = {b.dimension: _by_chance(len(b.shares), reference.customers, len(points)) for b in reference.bins}
    own, distances = _nearest(points, centres)
    misfits = float((distances > np.array(reference.far)[own]).mean())
    return Drift(psi, chance, misfits if min(reference.customers, len(points)) >= FEWEST else None)


def stability_index(then: Sequence[float], now: Sequence[float], floor: float = FLOOR) -> float:
    """Σ (now - then) · ln(now / then) over the shares of the same bins, to 6 decimals; 0 where they are equal.

    A share below `floor` counts as `floor`: an empty bin gives a large index and not an infinite one.
    """
    before, after = (np.maximum(shares, floor) for shares in (then, now))
    return round(float(((after - before) * np.log(after / before)).sum()), 6)


def _by_chance(bins: int, then: int, now: int) -> float:
    # without change the index is about (1/n + 1/m) times chi-square with bins - 1 degrees (Yurdakul 2018)
    return float(chdtri(bins - 1, BY_CHANCE)) * (1 / then + 1 / now) if bins > 1 else 0.0


def _bins_of(dimension: str, values: Matrix) -> Bins:
    breakpoints = _breakpoints(values)
    return Bins(dimension, breakpoints, _shares(values, breakpoints))


def _breakpoints(values: Matrix) -> tuple[float, ...]:
    """Of few values each has a bin of its own; else deciles, and a value that many share is cut off on both sides."""
    distinct = np.unique(values)
    if len(distinct) <= BINS:
        return tuple(map(float, distinct[:-1]))
    deciles = np.quantile(values, np.arange(1, BINS) / BINS, method="inverted_cdf")
    ends, times = np.unique(deciles, return_counts=True)
    cut = np.union1d(ends, np.nextafter(ends[times > 1], -np.inf))
    return tuple(map(float, cut[(cut >= distinct[0]) & (cut < distinct[-1])]))


def _shares(values: Matrix, breakpoints: Sequence[float]) -> tuple[float, ...]:
    filled = np.bincount(np.searchsorted(breakpoints, values, side="left"), minlength=len(breakpoints) + 1)
    return tuple(map(float, filled / len(values)))


def _nearest(points: Matrix, centres: Matrix) -> tuple[Labels, Matrix]:
    squared = squared_distances(points, centres)
    return squared.argmin(axis=1), squared.min(axis=1)
