"""A look-alike and its rivals rank the same candidates, of whom some are known to be right: who finds more of them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from strata.audiences.fit import Penalty, centroid_likeness, columns_named, fit_lookalike
from strata.audiences.intervals import area_under_curve, paired_difference
from strata.audiences.ranking import (
    Flags,
    Found,
    Gain,
    Ids,
    Numbers,
    auc,
    best_first,
    expected_at_random,
    found_of,
    size_at,
)
from strata.audiences.sampled import Sampled

LOOKALIKE, RANDOM, MOST_ACTIVE, CENTROID = "lookalike", "random", "most_active", "centroid"
RIVALS = (RANDOM, MOST_ACTIVE, CENTROID)


@dataclass(frozen=True, slots=True)
class Trial:
    """Candidates, who of them is to be found, and by model how each ranks them."""

    ids: Ids
    truth: Flags
    scores: Mapping[str, Numbers]


@dataclass(frozen=True, slots=True)
class Contest:
    """How one way to rank did: an entry per reach, its AUC over all candidates, and the 90 % interval of that."""

    model: str
    at: tuple[Found, ...]
    auc: float | None
    auc_low: float | None = None
    auc_high: float | None = None

    def lift(self, reach: float) -> float | None:
        """Lift at `reach`, which must be one of those tried."""
        return self.found(reach).lift

    def found(self, reach: float) -> Found:
        """What lies within `reach`, which must be one of those tried."""
        return next(found for found in self.at if found.reach == reach)


def hold_trial(people: Sampled, learn: Flags, pool: Flags, truth: Flags, penalty: Penalty) -> Trial:
    """Let a look-alike learn from some, and it and its rivals rank others.

    Args:
        people: all of them.
        learn: whom the models may see; seed and rest are among them.
        pool: whom they rank.
        truth: who of these is to be found.
        penalty: of the look-alike.
    """
    seed = people.seed[learn]
    fitted = fit_lookalike(people.features, people.values[learn], seed, penalty)
    used = fitted.preparation.features
    ranked = columns_named(used, people.features, people.values[pool])
    known = fitted.preparation.apply(columns_named(used, people.features, people.values[learn]))
    scores: dict[str, Numbers] = {}
    if fitted.model:
        scores[LOOKALIKE] = fitted.model.score(columns_named(fitted.model.features, used, ranked))
    scores[MOST_ACTIVE] = people.activity[pool]
    scores[CENTROID] = centroid_likeness(fitted.preparation.apply(ranked), known[seed].mean(axis=0))
    return Trial(people.customer_id[pool], truth[pool], scores)


def compete(trials: Sequence[Trial], reaches: Sequence[float]) -> tuple[Contest, ...]:
    """How every model did over all trials together, chance among them.

    Each trial has a cut of its own at a reach; what is found within is added up. The AUC is the mean over those to be
    found, each among the others of its trial.

    Args:
        trials: at least one, each with a candidate at least.
        reaches: shares of the candidates to look at.
    """
    models = [m for m in (LOOKALIKE, MOST_ACTIVE, CENTROID) if all(m in trial.scores for trial in trials)]
    places = {model: [_places(trial, model) for trial in trials] for model in models}
    sizes = [len(trial.truth) for trial in trials]
    joiners = sum(int(trial.truth.sum()) for trial in trials)
    contests = {model: _contest(model, trials) for model in (*models, RANDOM)}
    for reach in reaches:
        taken = [size_at(reach, size) for size in sizes]
        share = sum(taken) / sum(sizes)
        caught = {m: np.concatenate([p < t for p, t in zip(places[m], taken, strict=True)]) for m in models}
        found = {m: found_of(reach, int(caught[m].sum()), joiners, share) for m in models}
        found[RANDOM] = expected_at_random(reach, joiners, share)
        if LOOKALIKE in found and joiners:
            found[LOOKALIKE] = replace(found[LOOKALIKE], gain=_gain(found, caught, share))
        contests = {m: replace(contest, at=(*contest.at, found[m])) for m, contest in contests.items()}
    return tuple(contests.values())


def _places(trial: Trial, model: str) -> Numbers:
    """Where in the order of a model those to be found stand, 0 first; in the order of candidates."""
    order = best_first(trial.scores[model], trial.ids)
    places = np.empty(len(order))
    places[order] = np.arange(len(order))
    return places[trial.truth]


def _contest(model: str, trials: Sequence[Trial]) -> Contest:
    """The AUC; nothing at any reach yet."""
    judged = [t for t in trials if t.truth.any() and not t.truth.all()]
    if not judged:
        return Contest(model, (), None)
    if model == RANDOM:
        return Contest(model, (), 0.5)
    trues = [int(t.truth.sum()) for t in judged]
    areas = [auc(t.scores[model], t.truth) or 0.0 for t in judged]
    area = float(np.average(areas, weights=trues))
    others = sum(len(t.truth) for t in judged) - sum(trues)
    return Contest(model, (), area, *area_under_curve(area, sum(trues), others // len(judged)))


def _gain(found: Mapping[str, Found], caught: Mapping[str, Flags], share: float) -> Gain:
    own = found[LOOKALIKE]
    rival = max(RIVALS, key=lambda model: found[model].lift or 0.0)
    gain = (own.lift or 0.0) - (found[rival].lift or 0.0)
    if share == 1.0:
        return Gain(0.0, 0.0, 0.0, rival)
    if rival == RANDOM:
        return Gain(gain, (own.low or 0.0) - 1.0, (own.high or 0.0) - 1.0, rival)
    mine, theirs = caught[LOOKALIKE], caught[rival]
    pairs = [int(pair.sum()) for pair in (mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs)]
    low, high = paired_difference(*pairs)
    return Gain(gain, low / share, high / share, rival)
