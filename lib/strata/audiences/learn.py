"""What the driver finds out about a look-alike: the model, its backtest, and what speaks against publishing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa

from strata.audiences.backtest import Backtest, backtest, can_be_tried_in_time
from strata.audiences.definition import Lookalike
from strata.audiences.exposure import warn_of_exposure
from strata.audiences.fit import Fitted, fit_lookalike
from strata.audiences.folds import try_over_folds
from strata.audiences.model import LookalikeModel
from strata.audiences.proof import against_fitting, against_publishing
from strata.audiences.sampled import Counts, OfAudience, Sampled, candidates_on, sampled_on
from strata.audiences.verdict import worth_knowing
from strata.expression import Expression
from strata.project.policies import Privacy

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Learned:
    """A look-alike of a date.

    Attributes:
        counts: customers of seed and candidates on the as-of date.
        model: None where `withheld` says why there is none.
        backtest: None where there is no model.
        withheld: reasons against publishing; empty when there are none.
        notes: what to know although it is no reason.
        failures: in how many releases in a row the proof has failed.
    """

    counts: Counts
    model: LookalikeModel | None
    backtest: Backtest | None
    withheld: tuple[str, ...]
    notes: tuple[str, ...]
    failures: int = 0


def learn(
    lookalike: Lookalike,
    sample: pa.Table | OfAudience,
    as_of: date,
    counts: Counts,
    privacy: Privacy,
    previous: Mapping[str, Any] | None = None,
) -> Learned:
    """Fit on the as-of date, and try the same: on the date `backtest_days` before it, or over parts of the seed.

    Args:
        lookalike: the definition.
        sample: of both dates.
        as_of: the as-of date.
        counts: of the as-of date (`sample.count_customers`).
        privacy: its `seed_floor`: smaller seeds are not fitted; its `cell_floor`: figures are not about fewer.
        previous: the audience's row in the catalogue of the release looked back at.
    """
    if against_fitting(lookalike, counts, privacy.seed_floor):
        proof = against_publishing(lookalike, counts, privacy.seed_floor, None, previous)
        return Learned(counts, None, None, proof.withheld, proof.notes, proof.failures)
    now = sampled_on(as_of, sample, lookalike.features)
    fitted = fit_lookalike(now.features, now.values, now.seed, lookalike.audience.looks_like.penalty)
    notes = (
        *worth_knowing(counts, fitted.leaking),
        *_left_out(lookalike, fitted),
        *_follows_from_exposure(lookalike, sample, as_of),
    )
    if fitted.model and lookalike.least_score is not None:
        to_take = candidates_on(as_of, sample, fitted.model.features)
        lookalike = lookalike.reaching(fitted.model.score(to_take.values))
    if fitted.model is None:
        before = int((previous or {}).get("failures") or 0)
        return Learned(counts, None, None, (_nothing_learned(fitted),), notes, before)
    tried = _tried(lookalike, sample, as_of, now, lookalike.reach(counts.candidates))
    tried = replace(tried, floor=privacy.cell_floor)
    proof = against_publishing(lookalike, counts, privacy.seed_floor, tried, previous)
    return Learned(counts, fitted.model, tried, proof.withheld, (*proof.notes, *notes), proof.failures)


def _tried(lookalike: Lookalike, sample: pa.Table | OfAudience, as_of: date, now: Sampled, reach: float) -> Backtest:
    day, penalty = lookalike.train_date(as_of), lookalike.audience.looks_like.penalty
    then = sampled_on(day, sample, lookalike.features)
    if can_be_tried_in_time(then):
        return backtest(then, day, reach, penalty)
    # Told apart from others than the candidates, a seed is looked for among these: they are whom its model knows.
    among = replace(now, candidate=~now.seed) if isinstance(lookalike.against, Expression) else now
    return try_over_folds(among, as_of, reach, penalty)


def _follows_from_exposure(lookalike: Lookalike, sample: pa.Table | OfAudience, as_of: date) -> tuple[str, ...]:
    """The warning by all that is counted from communications, learned from or not."""
    if not lookalike.sent:
        return ()
    looked_at = sorted({*lookalike.features, *lookalike.sent})
    return warn_of_exposure(sampled_on(as_of, sample, looked_at), lookalike.sent)


def _left_out(lookalike: Lookalike, fitted: Fitted) -> tuple[str, ...]:
    """Notes on all that was asked for and not learned from."""
    said = [f"not learned from, {why}: {', '.join(columns)}" for why, columns in lookalike.left_out.items()]
    if fitted.one_sided:
        said.append(f"not learned from, as all of the rest have the same there: {_some(fitted.one_sided)}")
    if fitted.constant:
        said.append(f"not learned from, as everybody has the same there: {_some(fitted.constant)}")
    return tuple(said)


def _nothing_learned(fitted: Fitted) -> str:
    why = []
    if fitted.constant:
        why.append(f"everybody has the same in {_some(fitted.constant)}")
    if fitted.one_sided:
        why.append(f"all of the rest have the same in {_some(fitted.one_sided)}")
    if fitted.leaking:
        why.append(f"alone tells the seed from the rest, and so is its rule in other words: {_some(fitted.leaking)}")
    if fitted.preparation.features:
        why.append("no feature helps enough for the elastic net to keep it; take penalty: ridge")
    return f"nothing to learn from: {'; '.join(why)}"


def _some(features: tuple[str, ...]) -> str:
    more = f" and {len(features) - _SHOWN} more" if len(features) > _SHOWN else ""
    return ", ".join(features[:_SHOWN]) + more
