"""Would it have worked? The models of a past date, asked for those who joined the seed since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from strata.audiences.fit import centroid_likeness, columns_named, fit_lookalike
from strata.audiences.ranking import CURVE_REACHES, Found, Numbers, auc, best_first, expected_at_random, found_within
from strata.audiences.sampled import Sampled

LOOKALIKE, RANDOM, MOST_ACTIVE, CENTROID = "lookalike", "random", "most_active", "centroid"
RIVALS = (RANDOM, MOST_ACTIVE, CENTROID)


@dataclass(frozen=True, slots=True)
class Contest:
    """How one way to rank did: an entry per reach, and its AUC over all candidates."""

    model: str
    at: tuple[Found, ...]
    auc: float | None

    def lift(self, reach: float) -> float | None:
        """Lift at `reach`, which must be one of those tried."""
        return self.found(reach).lift

    def found(self, reach: float) -> Found:
        """What lies within `reach`, which must be one of those tried."""
        return next(found for found in self.at if found.reach == reach)


@dataclass(frozen=True, slots=True)
class Backtest:
    """A look-alike and its rivals on a past date.

    Counts are those of the sample: all customers where there are fewer than it takes.
    """

    train_as_of_date: date
    seed: int
    candidates: int
    truth: int
    contests: tuple[Contest, ...]

    def lift(self, model: str, reach: float) -> float | None:
        """Lift of a model at a reach; None when it was not tried or there was nobody to find."""
        found = self.found(model, reach)
        return found.lift if found else None

    def found(self, model: str, reach: float) -> Found | None:
        """What a model found within a reach; None when the model was not tried."""
        return next((c.found(reach) for c in self.contests if c.model == model), None)

    def to_rows(self, audience: str, as_of: date) -> list[dict[str, Any]]:
        """Rows of `publish.audience_backtest`, without release_id."""
        return [
            {
                "as_of_date": as_of,
                "audience": audience,
                "model": contest.model,
                "reach": found.reach,
                "train_as_of_date": self.train_as_of_date,
                "seed_customers": self.seed,
                "candidate_customers": self.candidates,
                "truth_customers": self.truth,
                "found_customers": found.found,
                "recall": found.recall,
                "lift": found.lift,
                "lift_ci_low": found.low,
                "lift_ci_high": found.high,
                "auc": contest.auc,
            }
            for contest in self.contests
            for found in contest.at
        ]


def reaches_with(share: float) -> tuple[float, ...]:
    """The reaches of the curve and the audience's own, ascending."""
    return tuple(sorted({*CURVE_REACHES, share}))


def backtest(then: Sampled, day: date, reaches: Sequence[float]) -> Backtest:
    """Rank the candidates of a past date by what was known then, and look who joined.

    Args:
        then: the sample of that date; both seed and rest are present, and at least one candidate.
        day: that date.
        reaches: shares of the candidates to look at.
    """
    fitted = fit_lookalike(then.features, then.values, then.seed)
    values = columns_named(fitted.preparation.features, then.features, then.values)
    scores: dict[str, Numbers] = {} if fitted.model is None else {LOOKALIKE: fitted.model.score(values)}
    scores[MOST_ACTIVE] = then.activity
    scores[CENTROID] = centroid_likeness(fitted.preparation.apply(values), then.seed)
    contests = [_contest(model, score, then, reaches) for model, score in scores.items()]
    truth = int((then.candidate & then.joined).sum())
    contests.append(_chance(int(then.candidate.sum()), truth, reaches))
    return Backtest(day, int(then.seed.sum()), int(then.candidate.sum()), truth, tuple(contests))


def _contest(model: str, scores: Numbers, then: Sampled, reaches: Sequence[float]) -> Contest:
    ranked, truth = scores[then.candidate], then.joined[then.candidate]
    in_order = truth[best_first(ranked, then.customer_id[then.candidate])]
    return Contest(model, tuple(found_within(reach, in_order) for reach in reaches), auc(ranked, truth))


def _chance(candidates: int, truth: int, reaches: Sequence[float]) -> Contest:
    at = tuple(expected_at_random(reach, candidates, truth) for reach in reaches)
    return Contest(RANDOM, at, 0.5 if 0 < truth < candidates else None)
