"""Where a look-alike is cut: a score that surely more reach than are wanted, so that few have to be ranked."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from strata.audiences.definition import Lookalike
from strata.audiences.model import SCORE_DECIMALS, LookalikeModel
from strata.audiences.ranking import Numbers, size_at

MARGIN = 6.0
"""Standard deviations of the sample's share by which the cut lies lower: too few reach it once in 10⁹ times."""
_STEP = 1 / 10**SCORE_DECIMALS


@dataclass(frozen=True, slots=True)
class Cut:
    """Whom to pick for an audience: candidates from a score on, of these the best.

    Attributes:
        least: who scores less is not looked at; 0: every candidate is.
        size: how many at most; None: all from `least` on.
    """

    lookalike: Lookalike
    model: LookalikeModel
    least: float
    size: int | None

    def with_everybody(self) -> "Cut":
        """The same, but looking at every candidate."""
        return Cut(self.lookalike, self.model, 0.0, self.size)


def find_cut(lookalike: Lookalike, model: LookalikeModel, candidates: int, scores: Numbers) -> Cut:
    """The cut of an audience.

    Args:
        lookalike: the definition.
        model: what scores candidates.
        candidates: how many there are.
        scores: those of a sample of them, in any order.
    """
    if lookalike.least_score is not None:
        return Cut(lookalike, model, lookalike.least_score, None)
    size = size_at(lookalike.reach(candidates), candidates)
    return Cut(lookalike, model, _surely_reached(scores, size, candidates), size)


def _surely_reached(scores: Numbers, size: int, candidates: int) -> float:
    """A score that at least `size` of the candidates reach, as surely as `MARGIN` says."""
    share, sampled = size / max(candidates, 1), len(scores)
    spread = 0.0 if sampled == candidates else MARGIN * (sqrt(share * (1 - share) * sampled) + 1)
    place = ceil(share * sampled + spread) - 1
    if place >= sampled:
        return 0.0
    # The JVM's sums differ from numpy's in their last bits, which may round to the next score.
    reached: float = float(np.sort(scores)[sampled - 1 - max(place, 0)]) - 2 * _STEP
    return reached if reached > 0 else 0.0
