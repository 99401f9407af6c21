"""Which model makes the lists: the better baseline, unless the factor model found more, and not by chance. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import NormalDist
from typing import Any

from strata.project.recommendations import Recommendation

OWN_HISTORY, POPULARITY, ALS = "own_history", "popularity", "als"
MODELS = (OWN_HISTORY, POPULARITY, ALS)
BASELINES: Mapping[str, tuple[str, ...]] = {"repeat": (OWN_HISTORY, POPULARITY), "new": (POPULARITY,)}
"""Target -> the baselines that can say something about it, the simplest first."""
MILLION = 10**6
DECIMALS = 6
_NORMAL_95 = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True, slots=True)
class Gain:
    """Recall of the factor model less that of the better baseline, of the same customers; ends of its 90 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What the models found of one target.

    Attributes:
        target: repeat or new.
        customers: who had something of it in the holdout.
        recalls: model -> mean over these customers; empty when there were too few to tell.
        gain: of the factor model; None when there were too few to tell.
    """

    target: str
    customers: int
    recalls: Mapping[str, float]
    gain: Gain | None

    @property
    def used(self) -> str | None:
        """The model that makes the lists; None: nothing is recommended without evidence."""
        if self.gain is None:
            return None
        return ALS if self.gain.low > 0 else better_baseline(self.target, self.recalls)


def better_baseline(target: str, recalls: Mapping[str, float]) -> str:
    """The baseline that found most; of equally good ones the simpler."""
    return max(BASELINES[target], key=lambda model: recalls[model])


def squares(baseline: str) -> str:
    """Name of the sum of squared differences between the factor model and a baseline."""
    return f"squares_{baseline}"


def judge(found: Iterable[Mapping[str, Any]], recommendation: Recommendation, floor: int) -> tuple[Trial, ...]:
    """A trial per target of the recommendation, in its order.

    Args:
        found: rows of `holdout.count_found`.
        recommendation: which targets are wanted.
        floor: with fewer customers nothing is said about them; at least 2.
    """
    by_target = {row["target"]: row for row in found}
    return tuple(_trial(target, by_target.get(target, {}), max(2, floor)) for target in recommendation.targets)


def _trial(target: str, row: Mapping[str, Any], floor: int) -> Trial:
    customers: int = row.get("customers", 0)
    if customers < floor:
        return Trial(target, customers, {}, None)
    recalls = {m: round(row[m] / customers / MILLION, DECIMALS) for m in (*BASELINES[target], ALS)}
    rival = better_baseline(target, recalls)
    return Trial(target, customers, recalls, _gain(row[ALS] - row[rival], row[squares(rival)], customers))


def _gain(total: int, total_of_squares: int, customers: int) -> Gain:
    """The mean of paired differences with its normal interval; sums are whole numbers, in millionths."""
    mean = total / customers / MILLION
    variance = (total_of_squares - total**2 / customers) / (customers - 1) / MILLION**2
    half = _NORMAL_95 * sqrt(max(0.0, variance) / customers)
    return Gain(*(round(value, DECIMALS) for value in (mean, mean - half, mean + half)))


def models_used(trials: Iterable[Trial]) -> dict[str, str]:
    """Target -> model that makes its lists; targets without evidence are not in it."""
    return {trial.target: trial.used for trial in trials if trial.used is not None}


def in_words(trial: Trial, top: int, floor: int) -> str:
    """What was found and what follows, for a person."""
    if trial.gain is None:
        return f"{trial.target}: nothing, only {trial.customers:,} customers to try it on, {floor:,} are needed"
    recalls = sorted(trial.recalls.items(), key=lambda item: -item[1])
    said = ", ".join(f"{model} {recall:.3f}" for model, recall in recalls)
    gain = f"gain of als {trial.gain.mean:.3f}, 90 % interval {trial.gain.low:.3f} to {trial.gain.high:.3f}"
    return f"{trial.target} by {trial.used}: recall@{top} of {said}; {gain}; {trial.customers:,} customers"


def to_rows(trials: Sequence[Trial], recommendation: Recommendation, as_of: date, train: date) -> list[dict[str, Any]]:
    """Rows of publish.recommendation_backtest, without release_id."""
    return [
        {
            "as_of_date": as_of,
            "recommendation": recommendation.name,
            "target": trial.target,
            "model": model,
            "train_as_of_date": train,
            "list_length": recommendation.top,
            "customers": trial.customers,
            "recall": recall,
            **_gain_columns(trial.gain if model == ALS else None),
            "is_used": model == trial.used,
        }
        for trial in trials
        for model, recall in trial.recalls.items()
    ]


def _gain_columns(gain: Gain | None) -> dict[str, float | None]:
    if gain is None:
        return {"gain": None, "gain_ci_low": None, "gain_ci_high": None}
    return {"gain": gain.mean, "gain_ci_low": gain.low, "gain_ci_high": gain.high}
