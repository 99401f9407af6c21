"""What the driver finds out about a look-alike: the model, its backtest, and what speaks against publishing."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from strata.audiences.backtest import Backtest, backtest, reaches_with
from strata.audiences.definition import Lookalike
from strata.audiences.fit import fit_lookalike
from strata.audiences.model import LookalikeModel
from strata.audiences.sampled import Counts, sampled_on
from strata.audiences.verdict import against_publishing, worth_knowing


@dataclass(frozen=True, slots=True)
class Learned:
    """A look-alike of a date.

    Attributes:
        counts: customers of seed and candidates on the as-of date.
        model: None where `withheld` says why there is none.
        backtest: None when the past date had no seed or no candidates, or there is no model.
        withheld: reasons against publishing; empty when there are none.
        notes: what to know although it is no reason.
    """

    counts: Counts
    model: LookalikeModel | None
    backtest: Backtest | None
    withheld: tuple[str, ...]
    notes: tuple[str, ...]


def learn(lookalike: Lookalike, sample: pa.Table, as_of: date, counts: Counts, seed_floor: int) -> Learned:
    """Fit on the as-of date, and try the same on the date `backtest_days` before it.

    Args:
        lookalike: the definition.
        sample: what `sample.training_sample` gives, both dates.
        as_of: the as-of date.
        counts: of the as-of date (`sample.count_customers`).
        seed_floor: seeds smaller than this are not fitted: the result would say too much about few people.
    """
    if counts.seed < max(1, seed_floor) or not counts.candidates:
        return Learned(counts, None, None, against_publishing(lookalike, counts, seed_floor, None), ())
    now = sampled_on(as_of, sample, lookalike.features)
    fitted = fit_lookalike(now.features, now.values, now.seed)
    tried = _tried(lookalike, sample, as_of, counts) if fitted.model else None
    reasons = against_publishing(lookalike, counts, seed_floor, tried)
    if fitted.model is None:
        reasons = ("nothing to learn from: every feature is constant or alone tells the seed from the rest",)
    return Learned(counts, fitted.model, tried, reasons, worth_knowing(counts, fitted.leaking))


def _tried(lookalike: Lookalike, sample: pa.Table, as_of: date, counts: Counts) -> Backtest | None:
    day = lookalike.train_date(as_of)
    then = sampled_on(day, sample, lookalike.features)
    if not then.seed.any() or not then.candidate.any():
        return None
    return backtest(then, day, reaches_with(lookalike.reach(counts.candidates)))
