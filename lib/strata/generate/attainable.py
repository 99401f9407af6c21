"""The best attainable kappa of every trait, by the judge of `bayes` over the counts of `evidence`, without Spark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strata.generate.bayes import Acts, Times, kappa, log_posterior
from strata.generate.evidence import Look, Table
from strata.generate.traits import HUNDRED, TRAITS, Rate, Trait

Counts = Mapping[tuple[str, str], Mapping[int, float]]
"""(table, act) -> customer -> number."""
Row = dict[str, object]


@dataclass(frozen=True)
class Judgement:
    """What the judge says of a trait of customers 1 to n.

    Attributes:
        trait: of which.
        guess: the number of the likeliest value.
        sureness: its probability.
        is_seen: whether any act is known.
    """

    trait: Trait
    guess: npt.NDArray[np.int64]
    sureness: npt.NDArray[np.float64]
    is_seen: npt.NDArray[np.bool_]


def judge(looks: Sequence[Look], counts: Counts, persons: int) -> list[Judgement]:
    """What who knows the whole model says of every trait.

    Args:
        looks: `evidence.looks`.
        counts: what they found of customers 1 to `persons`.
        persons: how many.
    """
    tables = {table.name: table for look in looks for table, _ in look.acts}
    rates = {rate.name: rate for look in looks for rate, _ in look.rates}
    return [_of_trait(trait, tables, rates, counts, persons) for trait in TRAITS]


def best_kappas(judged: Sequence[Judgement], truth: Mapping[str, Sequence[int]]) -> list[Row]:
    """How well each trait can be found by who knows the whole model.

    Args:
        judged: what `judge` says.
        truth: trait -> the number of its value per customer, in their order.

    Returns:
        Per trait: `trait`, `kappa`, `agreement` (share of right guesses), `sureness` (mean probability that the judge
        gives to the guess: close to `agreement` as long as the tables are what is drawn from) and `customers` over all;
        `seen_kappa` and `seen_customers` over those of whom any act is known.
    """
    return [_row(judgement, np.array(truth[judgement.trait.name])) for judgement in judged]


def _row(judgement: Judgement, truth: npt.NDArray[np.int64]) -> Row:
    guess, seen, values = judgement.guess, judgement.is_seen, len(judgement.trait.values)
    return {
        "trait": judgement.trait.name,
        "kappa": round(kappa(truth, guess, values), 4),
        "agreement": round(float((truth == guess).mean()), 4),
        "sureness": round(float(judgement.sureness.mean()), 4),
        "customers": len(truth),
        "seen_kappa": round(kappa(truth[seen], guess[seen], values), 4),
        "seen_customers": int(seen.sum()),
    }


def _of_trait(
    trait: Trait, tables: Mapping[str, Table], rates: Mapping[str, Rate], counts: Counts, persons: int
) -> Judgement:
    mine = [table for table in tables.values() if table.trait == trait]
    acts = [_acts(table, counts, persons) for table in mine]
    times = [_times(rate, counts, persons) for rate in rates.values() if rate.trait == trait]
    posterior = log_posterior(trait, acts, times, persons)
    best = posterior.max(axis=1, keepdims=True)
    weights = [one.counts.sum(axis=1) for one, table in zip(acts, mine, strict=True) if table.is_act]
    weights += [often.exposure for often in times]
    return Judgement(
        trait, posterior.argmax(axis=1), 1 / np.exp(posterior - best).sum(axis=1), np.array(weights).sum(axis=0) > 0
    )


def _acts(table: Table, counts: Counts, persons: int) -> Acts:
    names = sorted({*table.base, *(act for own in table.own.values() for act in own)})
    found = np.column_stack([_column(counts, table.name, act, persons) for act in names])
    base = np.array([table.base.get(act, 0) / HUNDRED for act in names])
    own = np.array([[table.own[v].get(act, 0) / HUNDRED for act in names] for v in table.trait.values])
    return Acts(found, base, own, table.is_mixed)


def _times(rate: Rate, counts: Counts, persons: int) -> Times:
    return Times(rate, _column(counts, rate.name, "count", persons), _column(counts, rate.name, "exposure", persons))


def _column(counts: Counts, table: str, act: str, persons: int) -> npt.NDArray[np.float64]:
    column = np.zeros(persons)
    for customer, number in counts.get((table, act), {}).items():
        column[customer - 1] = number
    return column
