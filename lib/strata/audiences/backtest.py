"""Would it have worked? The models of a past date, asked for those who joined the seed since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np

from strata.audiences.contest import CENTROID, LOOKALIKE, MOST_ACTIVE, RANDOM, RIVALS, Contest, compete, hold_trial
from strata.audiences.fit import Penalty
from strata.audiences.ranking import CURVE_REACHES, Found
from strata.audiences.sampled import Sampled

__all__ = ["CENTROID", "LOOKALIKE", "MOST_ACTIVE", "RANDOM", "RIVALS", "Backtest", "backtest", "can_be_tried_in_time"]

FEWEST = 20
"""Joiners, and seed of the past date, below which a past date shows too little: recall's interval is then as wide as
the figure."""

_COUNTS = ("seed_customers", "candidate_customers", "truth_customers")
_FIGURES = (
    "found_customers", "recall", "lift", "lift_ci_low", "lift_ci_high", "auc", "auc_ci_low", "auc_ci_high",
    "gain", "gain_ci_low", "gain_ci_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backtest:
    """A look-alike and its rivals on a past date, or on parts of its seed.

    Counts are those of the sample: all customers where there are fewer than it takes.

    Attributes:
        train_as_of_date: up to which the models saw the data.
        seed: customers they learned from, the hidden ones among them where parts of the seed were hidden.
        candidates: customers who could be returned.
        truth: those to be found.
        contests: by model.
        method: in time, or over the folds of the seed (`folds`).
        reach: the audience's own.
        floor: fewest customers that a figure may be about.
    """

    train_as_of_date: date
    seed: int
    candidates: int
    truth: int
    contests: tuple[Contest, ...]
    method: Literal["time", "folds"] = "time"
    reach: float = 0.1
    floor: int = 10

    def lift(self, model: str, reach: float) -> float | None:
        """Lift of a model at a reach; None when it was not tried or there was nobody to find."""
        found = self.found(model, reach)
        return found.lift if found else None

    def found(self, model: str, reach: float) -> Found | None:
        """What a model found within a reach; None when the model was not tried."""
        return next((c.found(reach) for c in self.contests if c.model == model), None)

    def told(self, model: str) -> frozenset[float]:
        """The reaches of which can be said what a model found.

        Where the seed or those to be found are fewer than `floor`, nothing is. Else a count of those found is withheld,
        and all figures that follow from it, where it or its difference to one that is said, or to all of them, is
        1 ... floor - 1 customers. The audience's own reach is said first.
        """
        contest = next((c for c in self.contests if c.model == model), None)
        if contest is None or min(self.seed, self.truth) < self.floor:
            return frozenset()
        if model == RANDOM:
            return frozenset(found.reach for found in contest.at)
        said, reaches = {0, self.truth}, set()
        for found in sorted(contest.at, key=lambda f: (f.reach != self.reach, f.reach)):
            if all(abs(found.found - other) >= self.floor for other in said - {found.found}):
                said.add(found.found)
                reaches.add(found.reach)
        return frozenset(reaches)

    def to_rows(self, audience: str, as_of: date) -> list[dict[str, Any]]:
        """Rows of `publish.audience_backtest`, without release_id; figures that may not be said are None."""
        told = {contest.model: self.told(contest.model) for contest in self.contests}
        counts = dict(zip(_COUNTS, (self.seed, self.candidates, self.truth), strict=True))
        return [
            {
                "as_of_date": as_of,
                "audience": audience,
                "model": contest.model,
                "reach": found.reach,
                "train_as_of_date": self.train_as_of_date,
                "method": self.method,
                **(counts if any(told.values()) else dict.fromkeys(_COUNTS)),
                **(_figures(contest, found, told) if is_told else dict.fromkeys(_FIGURES)),
                "is_suppressed": not is_told,
            }
            for contest in self.contests
            for found in contest.at
            for is_told in [found.reach in told[contest.model]]
        ]


def _figures(contest: Contest, found: Found, told: Mapping[str, frozenset[float]]) -> dict[str, Any]:
    gain = found.gain
    if gain and found.reach not in told[gain.rival]:
        gain = None  # subtracting it from the lift would give the rival's away
    return {
        "found_customers": found.found,
        "recall": found.recall,
        "lift": found.lift,
        "lift_ci_low": found.low,
        "lift_ci_high": found.high,
        "auc": contest.auc,
        "auc_ci_low": contest.auc_low,
        "auc_ci_high": contest.auc_high,
        "gain": gain and gain.lift,
        "gain_ci_low": gain and gain.low,
        "gain_ci_high": gain and gain.high,
    }


def reaches_with(share: float) -> tuple[float, ...]:
    """The reaches of the curve and the audience's own, ascending."""
    return tuple(sorted({*CURVE_REACHES, share}))


def can_be_tried_in_time(then: Sampled) -> bool:
    """Whether a past date shows enough: of its seed, of the rest, of candidates who joined since."""
    joiners = int((then.candidate & then.joined).sum())
    return min(int(then.seed.sum()), joiners) >= FEWEST and not then.seed.all()


def backtest(then: Sampled, day: date, reach: float, penalty: Penalty = "ridge") -> Backtest:
    """Rank the candidates of a past date by what was known then, and look who joined.

    Args:
        then: the sample of that date; both seed and rest are present, and at least one candidate.
        day: that date.
        reach: the share of the candidates that the audience takes.
        penalty: of the look-alike.
    """
    everybody = np.ones(len(then.seed), dtype=bool)
    trial = hold_trial(then, everybody, then.candidate, then.joined, penalty)
    contests = compete([trial], reaches_with(reach))
    counts = (int(then.seed.sum()), int(then.candidate.sum()), int(trial.truth.sum()))
    return Backtest(day, *counts, contests, "time", reach)
