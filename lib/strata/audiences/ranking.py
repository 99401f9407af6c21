"""How good an order is: found within reach, recall, lift with its interval, area under the ROC curve."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ids = NDArray[np.str_]

CURVE_REACHES = (0.01, 0.02, 0.03, 0.05, 0.10, 0.20)
Z_90 = 1.6448536269514722
"""Two-sided 90 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an order of candidates holds within reach.

    Attributes:
        reach: share of the candidates taken from the top.
        found: joiners among those taken.
        recall: found / all joiners; None without joiners.
        lift: rate of joiners among those taken over their rate among all; None without joiners.
        low: lower end of the 90 % interval of lift; None where there is none.
        high: upper end of it.
    """

    reach: float
    found: int
    recall: float | None
    lift: float | None
    low: float | None
    high: float | None


def size_at(reach: float, candidates: int) -> int:
    """How many a share of the candidates is: rounded up, so that a reach above 0 takes somebody."""
    # 0.07 * 100 is a little more than 7; eight customers would be one too many.
    return ceil(round(reach * candidates, 6))


def best_first(scores: Numbers, ids: Ids) -> NDArray[np.intp]:
    """Indices from the best score to the worst; equal scores by id. Every reach is a beginning of a greater one."""
    return np.lexsort((ids, -scores))


def auc(scores: Numbers, truth: Flags) -> float | None:
    """Probability that a true one scores above another, ties counting half (Mann-Whitney U); None for one class."""
    trues = int(truth.sum())
    others = len(truth) - trues
    if not trues or not others:
        return None
    above = rankdata(scores)[truth].sum() - trues * (trues + 1) / 2
    return float(above / (trues * others))


def found_within(reach: float, truth_in_order: Flags) -> Found:
    """What the first `reach` of an order holds.

    The interval is Wilson's (1927) for recall, divided by the share taken: with candidates and cut given, lift is
    recall times a constant.
    """
    candidates, joiners = len(truth_in_order), int(truth_in_order.sum())
    taken = size_at(reach, candidates)
    found = int(truth_in_order[:taken].sum())
    if not joiners:
        return Found(reach, found, None, None, None, None)
    share = taken / candidates
    low, high = wilson(found, joiners)
    return Found(reach, found, found / joiners, found / joiners / share, low / share, high / share)


def expected_at_random(reach: float, candidates: int, joiners: int) -> Found:
    """What an order without knowledge holds on average: recall is the share taken, lift 1. No interval."""
    share = size_at(reach, candidates) / candidates if candidates else 0.0
    known = joiners > 0
    return Found(reach, round(share * joiners), share if known else None, 1.0 if known else None, None, None)


def wilson(successes: int, trials: int, z: float = Z_90) -> tuple[float, float]:
    """Wilson's score interval of a share (E. B. Wilson, JASA 22, 1927)."""
    share = successes / trials
    width = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    centre = share + z * z / (2 * trials)
    scale = 1 + z * z / trials
    return max(0.0, (centre - width) / scale), min(1.0, (centre + width) / scale)
