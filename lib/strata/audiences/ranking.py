"""How good an order is: found within reach, recall, lift with its interval, area under the ROC curve."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from strata.audiences.intervals import wilson

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ids = NDArray[np.str_]

CURVE_REACHES = (0.01, 0.02, 0.03, 0.05, 0.10, 0.20)


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more lift than the best rival: with the 90 % interval of the difference, and who that rival is."""

    lift: float
    low: float
    high: float
    rival: str


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
        gain: against the best rival; of the look-alike only.
    """

    reach: float
    found: int
    recall: float | None
    lift: float | None
    low: float | None
    high: float | None
    gain: Gain | None = None


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


def found_of(reach: float, found: int, joiners: int, share: float) -> Found:
    """What it means to have found so many of the joiners among a `share` of the candidates.

    The interval is Wilson's for recall, divided by the share taken: with candidates and cut given, lift is recall
    times a constant.
    """
    if not joiners:
        return Found(reach, found, None, None, None, None)
    low, high = wilson(found, joiners)
    return Found(reach, found, found / joiners, found / joiners / share, low / share, high / share)


def expected_at_random(reach: float, joiners: int, share: float) -> Found:
    """What an order without knowledge holds on average: recall is the share taken, lift 1. No interval."""
    known = joiners > 0
    return Found(reach, round(share * joiners), share if known else None, 1.0 if known else None, None, None)
