"""Which model makes the lists: the one that found most in the holdout, and of equally good ones the simplest. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from strata.project.recommendations import Recommendation

OWN_HISTORY, POPULARITY, ALS = "own_history", "popularity", "als"
MODELS = (OWN_HISTORY, POPULARITY, ALS)
RIVALS: Mapping[str, tuple[str, ...]] = {"repeat": MODELS, "new": (POPULARITY, ALS)}
"""Target -> the models that can say something about it, the simplest first."""
BILLION = 10**9
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Trial:
    """What the models found of one target.

    Attributes:
        target: repeat or new.
        customers: who had something of it in the holdout.
        recalls: model -> mean over these customers; empty when there were too few to tell.
    """

    target: str
    customers: int
    recalls: Mapping[str, float]

    @property
    def used(self) -> str | None:
        """The model that makes the lists; None: nothing is recommended without evidence."""
        best = max(self.recalls.values(), default=None)
        return next((m for m, recall in self.recalls.items() if recall == best), None)


def judge(found: Iterable[Mapping[str, Any]], recommendation: Recommendation, floor: int) -> tuple[Trial, ...]:
    """A trial per target of the recommendation, in its order.

    Args:
        found: rows of `holdout.count_found`.
        recommendation: which targets are wanted.
        floor: with fewer customers nothing is said about them.
    """
    by_target = {row["target"]: row for row in found}
    return tuple(_trial(target, by_target.get(target, {}), floor) for target in recommendation.targets)


def _trial(target: str, row: Mapping[str, Any], floor: int) -> Trial:
    customers: int = row.get("customers", 0)
    if customers < max(1, floor):
        return Trial(target, customers, {})
    return Trial(target, customers, {m: round(row[m] / customers / BILLION, DECIMALS) for m in RIVALS[target]})


def models_used(trials: Iterable[Trial]) -> dict[str, str]:
    """Target -> model that makes its lists; targets without evidence are not in it."""
    return {trial.target: trial.used for trial in trials if trial.used is not None}


def in_words(trial: Trial, top: int, floor: int) -> str:
    """What was found and what follows, for a person."""
    if trial.used is None:
        return f"{trial.target}: nothing, only {trial.customers:,} customers to try it on, {floor:,} are needed"
    recalls = sorted(trial.recalls.items(), key=lambda item: -item[1])
    said = ", ".join(f"{model} {recall:.3f}" for model, recall in recalls)
    return f"{trial.target} by {trial.used} (recall@{top}: {said}; {trial.customers:,} customers)"


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
            "is_used": model == trial.used,
        }
        for trial in trials
        for model, recall in trial.recalls.items()
    ]
