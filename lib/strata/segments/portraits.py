"""What tells the members of a cluster from the rest: effect sizes on a sample. Pure rules.

The effects are those of the published profiles: Cohen's d of the known values, Cohen's h where the values are only 0
and 1 (Cohen 1988). Sizes are compared to one decimal, so that the order does not turn with the sample where two
features are all but equally strong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.project.clusterings import ClusterFeature
from strata.segments.preparation import Matrix

SMALL = 0.2
"""Size from which an effect counts at all (Cohen 1988: small)."""
NOISE = 1e-12
"""Part of the sum of squares below which deviations are rounding, as in the published effects."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How far the members of a cluster differ from the rest in one feature, and the mean of both."""

    feature: ClusterFeature
    size: float
    mean: float
    rest: float
    is_share: bool

    @property
    def in_figures(self) -> str:
        """As a description says it."""
        if self.is_share:
            figures = f"{100 * self.mean:.0f} % against {100 * self.rest:.0f} % (h {self.size:.1f})"
        else:
            apart = f"d {self.size:.1f}" if np.isfinite(self.size) else "no overlap"
            figures = f"{_short(self.mean)} against {_short(self.rest)} ({apart})"
        return f"{self.feature.feature} {figures}"


def strongest_effects(values: Matrix, members: NDArray[np.bool_], features: Sequence[ClusterFeature]) -> list[Effect]:
    """The effects of at least `SMALL`, strongest first, equal ones in declared order.

    Args:
        values: a row per sampled customer, a column per feature, before any preparation; NaN or infinite: unknown.
        members: which rows belong to the cluster; the others are the rest.
        features: of the clustering, in the order of the columns.
    """
    found = [_effect(column, members, feature) for column, feature in zip(values.T, features, strict=True)]
    counted = [e for e in found if e is not None and abs(e.size) >= SMALL]
    return sorted(counted, key=lambda effect: -round(abs(effect.size), 1))


def _effect(values: Matrix, members: NDArray[np.bool_], feature: ClusterFeature) -> Effect | None:
    known = np.isfinite(values)
    one, rest = values[known & members], values[known & ~members]
    if not one.size or not rest.size:
        return None
    is_share = bool(np.isin(values[known], (0.0, 1.0)).all())
    mean, other = float(one.mean()), float(rest.mean())
    size = 2 * np.arcsin(np.sqrt(mean)) - 2 * np.arcsin(np.sqrt(other)) if is_share else _cohens_d(one, rest)
    return Effect(feature, round(float(size), 9), mean, other, is_share)


def _cohens_d(one: Matrix, rest: Matrix) -> float:
    apart = one.mean() - rest.mean()
    if abs(apart) <= NOISE * abs(one.mean()):
        return 0.0
    deviations = _squared_deviations(one) + _squared_deviations(rest)
    if not deviations:
        return float(np.copysign(np.inf, apart))
    return float(apart / np.sqrt(deviations / (one.size + rest.size - 2)))


def _squared_deviations(values: Matrix) -> float:
    deviations = float(((values - values.mean()) ** 2).sum())
    return deviations if deviations > NOISE * float((values**2).sum()) else 0.0


def _short(number: float) -> str:
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2g}"
