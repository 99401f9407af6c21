"""A linear model of seed against rest, and the rival that needs no fit: likeness to the seed's centroid.

The ridge is Fisher's discriminant with a ridge (J. H. Friedman, JASA 84, 1989) on a logistic scale. It is least
squares, and minds less than a logistic loss that among the rest are many who are as the seed is and will join it: just
those whom a look-alike is to find.

Measured on 121 categories of the Complete Journey (150-800 buyers in the first half-year, truth in the second): mean
AUC, mean lift at 10 %, and in how many of them most active (.632, 1.80) is beaten by AUC and by lift.

    logistic ridge, features of deviation 1, spend on the 150 commonest categories   .695 2.47 98 % 95 %
    the same on all 302                                                              .696 2.51 97 % 94 %
    features weighed by their spread (`trust`)                                       .699 2.52 99 % 95 %
    least squares in place of the logistic loss                                      .701 2.54 98 % 95 %
    per mille of a household's spend in place of amounts                             .704 2.56 98 % 95 %
    spend by weekday and time of day beside it                                       .703 2.61 98 % 97 %
    the last with the logistic loss                                                  .700 2.57 98 % 97 %

All was chosen on these categories. On 96 others (60-150 and 800-1,300 buyers) least squares gains less: on amounts of
deviation 1 .691 2.40, at last .694 2.39. A model that is shown half of the truth itself finds no more than .695 2.44.
Of no use: units, visits, shops, brands, product types, months and makers as features, components in place of features,
more weight for those who joined late or bought once, leaving out those of the rest who score high, activity in the
score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np
from scipy.linalg import solve
from sklearn.linear_model import LogisticRegression

from strata.audiences.matrix import Preparation, one_sided, prepare, separating
from strata.audiences.model import LookalikeModel
from strata.audiences.ranking import Flags, Numbers

RIDGE_ROWS = 10_000
"""How firmly weights are held small: as if so many customers more, in whom features vary each for itself, had told
that seed and rest are alike. Of 7,000 to 24,000 the best on the categories; weights of a small seed are held more."""

NET_C, NET_L1_RATIO = 0.01, 0.5
"""Of the elastic net. On 31 of the categories, AUC, lift and how many of 150 features it keeps: .01 with a ratio of .2
.696 2.50 72, .5 .698 2.53 33, .8 .695 2.55 23; .003 with .2 .698 2.54 38, .5 .693 2.52 18; .03 with .5 .691 2.47 77;
a logistic ridge .698 2.56 150."""

Penalty = Literal["ridge", "elastic_net"]

_STEPS = 200
_SCALE_C = 100.0
_TOLERANCE = 1e-9
_PARAMETER_DECIMALS = 9
_NET_STEPS, _NET_TOLERANCE, _NET_DECIMALS = 5_000, 1e-6, 5


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, and the features that were not used although asked for.

    Attributes:
        preparation: of the features that could be learned from.
        model: None when no feature was left to learn from.
        constant: features that say nothing, by name.
        leaking: features that alone tell the seed from the rest, by name.
        one_sided: features of which all of the rest have the same, by name: they cannot tell candidates apart and say
            only who is in the seed, as the number of its own purchases over other days does.
    """

    preparation: Preparation
    model: LookalikeModel | None
    constant: tuple[str, ...]
    leaking: tuple[str, ...]
    one_sided: tuple[str, ...] = ()


def fit_lookalike(features: Sequence[str], values: Numbers, seed: Flags, penalty: Penalty = "ridge") -> Fitted:
    """Fit seed against rest.

    Both classes count as one half, so that a score does not depend on how large the sample of the rest is.

    Args:
        features: names of the columns of `values`.
        values: rows × features, NaN for unknown, sorted by customer: sums depend on the order of rows.
        seed: for each row, whether it belongs to the seed; both kinds are present.
        penalty: how weights are held small; an elastic net leaves out features of weight 0.
    """
    varying = prepare(features, values)
    constant = tuple(f for f in features if f not in set(varying.features))
    prepared = varying.apply(columns_named(varying.features, features, values))
    leaks, sided = np.array(separating(prepared, seed), dtype=bool), one_sided(prepared, seed)
    kept = ~(leaks | sided)
    preparation = varying.keep(kept.tolist())
    without = {
        "leaking": tuple(compress(varying.features, leaks)),
        "one_sided": tuple(compress(varying.features, sided & ~leaks)),
    }
    model = _learn(preparation, prepared[:, kept], seed, penalty) if preparation.features else None
    return Fitted(preparation, model, constant, **without)


def trust(preparation: Preparation) -> Numbers:
    """How much each feature is weighed before weights are held small: by the root of its spread.

    The spread of logarithms has no unit: a feature that hardly anybody has spreads little, and what it says of the
    seed is chance for the most part. Squares are 1 on average; a feature without logarithm counts as 1.
    """
    logged = np.array(preparation.logged, dtype=bool)
    scales = np.array(preparation.scales)
    spread = np.where(logged, scales / scales[logged].mean(), 1.0) if logged.any() else np.ones(len(scales))
    return np.asarray(np.sqrt(spread), dtype=np.float64)


def _learn(preparation: Preparation, prepared: Numbers, seed: Flags, penalty: Penalty) -> LookalikeModel | None:
    trusted = trust(preparation)
    weights, intercept = (elastic_net if penalty == "elastic_net" else ridge)(prepared * trusted, seed)
    weights = np.round(weights * trusted, _PARAMETER_DECIMALS)
    used = weights != 0 if penalty == "elastic_net" else np.ones(len(weights), dtype=bool)
    if not used.any():
        return None
    return LookalikeModel(preparation.keep(used.tolist()), tuple(weights[used].tolist()), intercept)


def ridge(prepared: Numbers, seed: Flags, rows: float = RIDGE_ROWS) -> tuple[Numbers, float]:
    """Weights and intercept: (C + rows/n · I)⁻¹ (mean of the seed - mean of the rest), on a logistic scale.

    C is the covariance of all n customers. The scale is that of a logistic regression of seed on the weighted sum, both
    classes counting as one half. Rounded, so that the last bits of a matrix product do not show in what is stored.
    """
    people = len(seed)
    centred = prepared - prepared.mean(axis=0)
    covariance = centred.T @ centred / people
    covariance[np.diag_indices_from(covariance)] += rows / people
    direction = solve(covariance, prepared[seed].mean(axis=0) - prepared[~seed].mean(axis=0), assume_a="pos")
    sums = prepared @ direction
    spread = float(sums.std()) or 1.0
    scale = LogisticRegression(
        C=_SCALE_C, class_weight="balanced", solver="newton-cholesky", tol=_TOLERANCE, max_iter=_STEPS
    ).fit((sums / spread)[:, None], seed)
    weights = direction * float(scale.coef_[0, 0]) / spread
    return np.round(weights, _PARAMETER_DECIMALS), round(float(scale.intercept_[0]), _PARAMETER_DECIMALS)


def elastic_net(
    prepared: Numbers, seed: Flags, c: float = NET_C, l1_ratio: float = NET_L1_RATIO
) -> tuple[Numbers, float]:
    """Weights and intercept that minimise l1_ratio · Σ|w| + (1 - l1_ratio) · |w|²/2 + c Σ wᵢ log(1 + exp(-yᵢ zᵢ)).

    wᵢ = n / (2 n of its class). Weights that help little are 0. Stochastic steps in an order that is always the same;
    what they leave open is rounded away. Slower than a ridge.
    """
    solver = LogisticRegression(
        C=c, l1_ratio=l1_ratio, class_weight="balanced", solver="saga", tol=_NET_TOLERANCE, max_iter=_NET_STEPS,
        random_state=0,
    ).fit(prepared, seed)  # fmt: skip
    return np.round(solver.coef_[0], _NET_DECIMALS), round(float(solver.intercept_[0]), _NET_DECIMALS)


def centroid_likeness(prepared: Numbers, centre: Numbers) -> Numbers:
    """Cosine between each row and the mean of the seed's rows, `centre`; 0 for a row or a mean of length 0."""
    lengths = np.linalg.norm(prepared, axis=1) * np.linalg.norm(centre)
    # Rounded as scores are, so that equal customers tie.
    cosine = np.divide(prepared @ centre, lengths, out=np.zeros(len(prepared)), where=lengths > 0)
    return np.asarray(np.round(cosine, 9), dtype=np.float64)


def columns_named(wanted: Sequence[str], features: Sequence[str], values: Numbers) -> Numbers:
    """The columns `wanted` of `values`, whose columns are `features`."""
    place = {feature: index for index, feature in enumerate(features)}
    return values[:, [place[feature] for feature in wanted]]
