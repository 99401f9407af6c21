"""How well a trait can be found at best: the judge who knows every table of the generator, without Spark.

For each value of a trait and each strength the judge knows the probability of what a person did: a product over acts,
each with strength × the value's percentage + (1 - strength) × everybody's (`traits.Mix`), times a Poisson probability
where the trait sets a rate (`traits.Rate`), averaged over strengths and noise levels, all as likely as they are drawn.
The value with the highest posterior is the guess that is right most often (Bayes' rule; Duda, Hart & Stork, Pattern
Classification, 2001, section 2.2); Cohen's kappa (1960) of guess and truth is what no rule on the same evidence beats
but by luck of the sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strata.generate.traits import HUNDRED, Rate, Trait

Array = npt.NDArray[np.float64]
_TINY = 1e-12


@dataclass(frozen=True)
class Acts:
    """What persons did, counted, and how likely each act is.

    Attributes:
        counts: persons × acts.
        base: probability of each act for everybody.
        own: values × acts, for persons with that value.
        is_mixed: whether the person's strength mixes the two; otherwise `own` alone counts.
    """

    counts: Array
    base: Array
    own: Array
    is_mixed: bool = True


@dataclass(frozen=True)
class Times:
    """How often something happened to each person, and the person's exposure (days, weighted)."""

    rate: Rate
    counts: Array
    exposure: Array


def log_posterior(trait: Trait, acts: Sequence[Acts], times: Sequence[Times], persons: int) -> Array:
    """Persons × values, up to a constant per person.

    Args:
        trait: gives shares and strengths.
        acts: of the same persons, in the same order.
        times: likewise.
        persons: how many.
    """
    shares = np.array([trait.shares[value] for value in trait.values], dtype=float)
    by_strength = np.zeros((persons, len(trait.values), len(trait.strengths)))
    for one in acts:
        for number, strength in enumerate(trait.strengths):
            part = strength / HUNDRED if one.is_mixed else 1.0
            chance = part * one.own + (1 - part) * one.base
            by_strength[:, :, number] += one.counts @ np.log(np.maximum(chance, _TINY)).T
    posterior: Array = np.log(shares) + _log_mean(by_strength)
    for often in times:
        posterior = posterior + _log_poisson(trait, often)
    return posterior


def _log_poisson(trait: Trait, often: Times) -> Array:
    own = np.array([often.rate.per_day[value] for value in trait.values])
    means = often.exposure[:, None, None] * own[None, :, None] * np.array(often.rate.noise)[None, None, :]
    means = np.maximum(means, _TINY)
    return _log_mean(often.counts[:, None, None] * np.log(means) - means)


def _log_mean(values: Array) -> Array:
    """Logarithm of the mean of the exponentials over the last axis."""
    highest = values.max(axis=-1, keepdims=True)
    mean: Array = np.log(np.exp(values - highest).mean(axis=-1)) + highest[..., 0]
    return mean


def kappa(truth: npt.NDArray[np.int64], guess: npt.NDArray[np.int64], values: int) -> float:
    """Cohen's kappa of two labellings with numbers below `values`; 0 where chance explains everything.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    table = np.zeros((values, values))
    np.add.at(table, (truth, guess), 1)
    table /= max(table.sum(), 1)
    agreed, by_chance = np.trace(table), float(table.sum(axis=0) @ table.sum(axis=1))
    return 0.0 if by_chance >= 1 else float((agreed - by_chance) / (1 - by_chance))
