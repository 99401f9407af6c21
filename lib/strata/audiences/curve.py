"""How far to reach: what a look-alike still holds when more of the candidates are taken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.audiences.backtest import LOOKALIKE, Backtest
from strata.audiences.model import SCORE_DECIMALS
from strata.audiences.ranking import CURVE_REACHES, Numbers, size_at

_STEPS = 10**SCORE_DECIMALS
_FIGURES = ("customers", "similarity_min", "similarity_mean", "recall", "lift", "relevance")


@dataclass(frozen=True, slots=True)
class Scores:
    """How many candidates have which score; highest score first, each once.

    Attributes:
        customers: with that score; of a sample where that is fewer than all.
        candidates: how many there are.
    """

    scores: Numbers
    customers: NDArray[np.int64]
    candidates: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The best candidates: how many, the lowest of their scores and the mean."""

    reach: float
    customers: int
    lowest: float
    mean: float


def count_scores(scores: Numbers, candidates: int) -> Scores:
    """Scores of candidates, or of a sample of them, in any order."""
    found, customers = np.unique(scores, return_counts=True)
    return Scores(found[::-1], customers[::-1].astype(np.int64), candidates)


def reached(found: Scores, reaches: Sequence[float]) -> list[Reached]:
    """What lies within each reach; each holds all that a smaller one holds.

    Neither figure depends on who comes first of equal scores. Sums are of whole steps of a score, and so exact.

    Args:
        found: scores of candidates, at least one.
        reaches: shares of the candidates, above 0 and at most 1.
    """
    steps = np.rint(found.scores * _STEPS).astype(np.int64)
    taken, summed = found.customers.cumsum(), (steps * found.customers).cumsum()
    told = []
    for reach in reaches:
        size = size_at(reach, int(taken[-1]))
        last = int(taken.searchsorted(size))
        surplus = int(taken[last]) - size
        total = int(summed[last]) - surplus * int(steps[last])
        customers = size_at(reach, found.candidates)
        told.append(Reached(reach, customers, int(steps[last]) / _STEPS, total / size / _STEPS))
    return told


def curve_rows(found: Scores, tried: Backtest | None, floor: int, audience: str, as_of: date) -> list[dict[str, Any]]:
    """Rows of `publish.audience_curve`, without release_id.

    A reach of fewer than `floor` customers tells of too few, and so does one that adds fewer to the last one told:
    subtracting would give them away. Such a row is kept without figures.

    Args:
        found: scores of candidates, at least one.
        tried: the backtest, None where there is none: nothing is expected then.
        floor: fewest customers that a figure may be about.
        audience: its name.
        as_of: the as-of date.
    """
    return [
        {
            "as_of_date": as_of,
            "audience": audience,
            "reach": at.reach,
            **dict.fromkeys(_FIGURES),
            **({} if hidden else _figures(at, tried)),
            "is_suppressed": hidden,
        }
        for at, hidden in _told(reached(found, CURVE_REACHES), floor)
    ]


def _told(curve: Sequence[Reached], floor: int) -> Iterator[tuple[Reached, bool]]:
    before = 0
    for at in curve:
        hidden = at.customers - before < floor
        before = before if hidden else at.customers
        yield at, hidden


def _figures(at: Reached, tried: Backtest | None) -> dict[str, Any]:
    similar = {"customers": at.customers, "similarity_min": at.lowest, "similarity_mean": at.mean}
    then = tried.found(LOOKALIKE, at.reach) if tried else None
    if tried is None or then is None or at.reach not in tried.told(LOOKALIKE):
        return similar
    # How many of those within reach are of a hidden part of the seed says nothing of how many will join.
    relevance = then.found / size_at(at.reach, tried.candidates) if tried.method == "time" else None
    return {**similar, "recall": then.recall, "lift": then.lift, "relevance": relevance}
