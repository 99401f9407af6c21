"""Where no past date shows it: parts of the seed are hidden among the candidates, and must be found again.

Five folds: each part is hidden once, the models learn from the other four. What is asked is weaker than in time: not
who will join, but who is as those are who have joined.
"""

from collections.abc import Iterator
from datetime import date
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from strata.audiences.backtest import Backtest, reaches_with
from strata.audiences.contest import Trial, compete, hold_trial
from strata.audiences.fit import Penalty
from strata.audiences.ranking import Ids
from strata.audiences.sampled import Sampled

FOLDS = 5


def folds_of(ids: Ids) -> NDArray[np.int64]:
    """For each customer a number from 0 to 4 that depends on the id only."""
    return np.array([crc32(customer.encode()) % FOLDS for customer in ids.tolist()], dtype=np.int64)


def try_over_folds(now: Sampled, day: date, reach: float, penalty: Penalty = "ridge") -> Backtest:
    """Hide each fifth of the seed among the candidates and rank them by what the rest of the seed says.

    Args:
        now: the sample of the as-of date; both seed and rest are present, and at least one candidate.
        day: that date.
        reach: the share of the candidates that the audience takes.
        penalty: of the look-alike.
    """
    contests = compete(list(_trials(now, penalty)), reaches_with(reach))
    seed = int(now.seed.sum())
    return Backtest(day, seed, int(now.candidate.sum()), seed, contests, "folds", reach)


def _trials(now: Sampled, penalty: Penalty) -> Iterator[Trial]:
    folds = folds_of(now.customer_id)
    for fold in range(FOLDS):
        hidden = now.seed & (folds == fold)
        if hidden.any() and (now.seed & ~hidden).any():
            yield hold_trial(now, ~hidden, now.candidate | hidden, hidden, penalty)
