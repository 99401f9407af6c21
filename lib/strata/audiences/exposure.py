"""Does a seed follow from exposure? Whoever buys after a letter was, first of all, sent a letter.

A seed of responders told apart from everybody is found best by who was asked, and the look-alike returns those who were
asked and said no: on the Complete Journey, 86 % of the best tenth, with a brilliant AUC (reference/methods.md).
"""

from collections.abc import Collection

import numpy as np

from strata.audiences.fit import columns_named, fit_lookalike
from strata.audiences.folds import FOLDS, folds_of
from strata.audiences.ranking import Flags, auc
from strata.audiences.sampled import Sampled

CLEAR, AHEAD = 0.75, 0.1
"""AUC from which what was sent predicts a seed, and how far it must be ahead of behaviour."""

_ROWS = 10_000
"""Rows tried; an AUC is then known to a hundredth."""


def follows_from_exposure(exposure: float | None, behaviour: float | None) -> bool:
    """Whether what customers were sent predicts the seed, and far better than what they do.

    Args:
        exposure: AUC of a look-alike that learns only from what was sent; None where there is none.
        behaviour: AUC of one that learns only from everything else; None counts as chance.
    """
    # In steps of 1e-9: .85 is .1 ahead of .75.
    return exposure is not None and exposure >= CLEAR and round(exposure - (behaviour or 0.5), 9) >= AHEAD


def warn_of_exposure(people: Sampled, sent: Collection[str]) -> tuple[str, ...]:
    """A note when the seed follows from exposure; nothing otherwise.

    Args:
        people: the sample learned from; both seed and rest are present.
        sent: the features that are counted from communications; those not in the sample are left aside.
    """
    exposures = [f for f in people.features if f in sent]
    if not exposures:
        return ()
    behaviour = [f for f in people.features if f not in sent]
    by_exposure = _predicted(people, exposures)
    if not follows_from_exposure(by_exposure, 0.5) or by_exposure is None:
        return ()
    by_behaviour = _predicted(people, behaviour)
    if not follows_from_exposure(by_exposure, by_behaviour):
        return ()
    than = f"; behaviour alone {by_behaviour:.2f}" if by_behaviour is not None else ""
    return (
        f"the seed follows from what customers were sent: {', '.join(exposures)} alone tell it apart with an AUC of"
        f" {by_exposure:.2f}{than}. Let learn_against name those who were sent it, and leave these features out",
    )


def _predicted(people: Sampled, features: list[str]) -> float | None:
    """AUC of seed against rest, each fifth ranked by what the others say; None where nothing could be learned."""
    rows = np.arange(len(people.seed))[:: max(1, len(people.seed) // _ROWS)]
    values = columns_named(features, people.features, people.values[rows])
    seed, folds = people.seed[rows], folds_of(people.customer_id[rows])
    areas = []
    for fold in range(FOLDS):
        hidden: Flags = folds == fold
        if not _has_both(seed[hidden]) or not _has_both(seed[~hidden]):
            continue
        model = fit_lookalike(features, values[~hidden], seed[~hidden]).model
        if model is not None:
            scores = model.score(columns_named(model.features, features, values[hidden]))
            areas.append(auc(scores, seed[hidden]) or 0.0)
    return float(np.mean(areas)) if areas else None


def _has_both(seed: Flags) -> bool:
    return bool(seed.any()) and not bool(seed.all())
