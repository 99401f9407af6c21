"""How sure a figure is: 90 % intervals of a share, of the difference of two shares, of an area under the ROC curve."""

from math import sqrt

Z_90 = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution."""


def wilson(successes: int, trials: int, z: float = Z_90) -> tuple[float, float]:
    """Wilson's score interval of a share (E. B. Wilson, JASA 22, 1927)."""
    share = successes / trials
    width = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    centre = share + z * z / (2 * trials)
    scale = 1 + z * z / trials
    return max(0.0, (centre - width) / scale), min(1.0, (centre + width) / scale)


def paired_difference(both: int, one: int, other: int, neither: int, z: float = Z_90) -> tuple[float, float]:
    """Interval of a difference of two shares of the same people, who at least one is.

    Newcombe's method 10: Wilson's intervals of both shares, joined by their correlation with a continuity correction
    (R. G. Newcombe, Statistics in Medicine 17, 1998, pages 2635-2650).

    Args:
        both: people counted in both shares.
        one: only in the first.
        other: only in the second.
        neither: in neither of them.
        z: quantile of the normal distribution.
    """
    people = both + one + other + neither
    first, second = (both + one) / people, (both + other) / people
    (low_1, high_1), (low_2, high_2) = wilson(both + one, people, z), wilson(both + other, people, z)
    phi = _correlation(both, one, other, neither)
    below = _joined(first - low_1, high_2 - second, phi)
    above = _joined(high_1 - first, second - low_2, phi)
    return first - second - below, first - second + above


def area_under_curve(area: float, trues: int, others: int, z: float = Z_90) -> tuple[float, float]:
    """Interval of an area under the ROC curve (J. A. Hanley and B. J. McNeil, Radiology 143, 1982).

    Args:
        area: found with these numbers.
        trues: of those to be found, at least one.
        others: of the rest, at least one.
        z: quantile of the normal distribution.
    """
    two_trues, two_others = area / (2 - area), 2 * area * area / (1 + area)
    variance = area * (1 - area) + (trues - 1) * (two_trues - area * area) + (others - 1) * (two_others - area * area)
    width = z * sqrt(max(0.0, variance) / (trues * others))
    return max(0.0, area - width), min(1.0, area + width)


def _correlation(both: int, one: int, other: int, neither: int) -> float:
    spread = (both + one) * (other + neither) * (both + other) * (one + neither)
    if not spread:
        return 0.0
    together = both * neither - one * other
    if together > 0:
        return max(0.0, together - (both + one + other + neither) / 2) / sqrt(spread)
    return together / sqrt(spread)


def _joined(own: float, across: float, phi: float) -> float:
    return sqrt(max(0.0, own * own - 2 * phi * own * across + across * across))
