"""Whether a look-alike has earned its place: reasons against publishing it, by its seed and by its backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.audiences.backtest import Backtest
from strata.audiences.contest import LOOKALIKE
from strata.audiences.definition import Lookalike
from strata.audiences.ranking import Gain
from strata.audiences.sampled import Counts
from strata.project.words import Text

FAILURES_BORNE = 1
"""How often in a row a published look-alike may fail its proof: by chance, a sound one falls short now and then."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What speaks against publishing.

    Attributes:
        failures: in how many releases in a row the proof has failed, this one among them.
        withheld: reasons; empty when there are none.
        notes: what to know although it is no reason.
    """

    failures: int = 0
    withheld: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def against_fitting(lookalike: Lookalike, counts: Counts, seed_floor: int) -> tuple[str, ...]:
    """Reasons against even learning.

    Args:
        lookalike: the definition.
        counts: customers on the as-of date.
        seed_floor: least size of a seed: a smaller one would make the result say too much about few people.
    """
    seed, floor = lookalike.audience.looks_like.seed.words, max(1, seed_floor)
    if not counts.seed:
        return (f"the seed is empty: nobody fulfils `{seed}`; expected at least {floor:,} customers",)
    if counts.seed < floor:
        return (f"the seed has {counts.seed:,} customers, expected at least {floor:,}",)
    if counts.base and 2 * counts.seed > counts.base:
        part = f"{counts.seed:,} of {counts.base:,} customers ({counts.seed / counts.base:.0%})"
        return (
            f"the seed has {part}, more than half: who is like most people is like everybody; narrow `{seed}`,"
            " or make an audience of kind rule",
        )
    if not counts.candidates:
        return ("nobody is a candidate",)
    if not counts.rest:
        return (f"the seed cannot be told from anybody: learn_against {_against(lookalike)} holds for nobody else",)
    return ()


def against_publishing(
    lookalike: Lookalike, counts: Counts, seed_floor: int, tried: Backtest | None, previous: Mapping[str, Any] | None
) -> Proof:
    """Reasons to withhold that are known before anybody is picked.

    The proof fails when the lower end of the 90 % interval of what the look-alike's lift is above the best rival's is
    below 0, at the reach the audience takes. What is published bears one failure, what is not bears none.

    Args:
        lookalike: the definition.
        counts: customers on the as-of date.
        seed_floor: least size of a seed.
        tried: the backtest; None where there is no model to try.
        previous: of the release looked back at, what the catalogue says of this audience: `status` and `failures`;
            None where there is nothing, or the definition was another.
    """
    before = int((previous or {}).get("failures") or 0)
    reasons = against_fitting(lookalike, counts, seed_floor)
    if reasons:
        return Proof(before, reasons)
    failed = _failed(tried)
    if failed is None:
        return Proof()
    failures = before + 1
    if previous is None or previous["status"] != "published" or failures > FAILURES_BORNE:
        often = f"; {failures} releases in a row" if failures > 1 else ""
        return Proof(failures, (failed + often,))
    return Proof(failures, (), (f"{failed}; it stays published, and is withheld if that happens again",))


def _against(lookalike: Lookalike) -> str:
    against = lookalike.audience.looks_like.learn_against
    return f"`{against.words}`" if isinstance(against, Text) else str(against)


def _failed(tried: Backtest | None) -> str | None:
    """Why the backtest speaks against it; None when the look-alike finds more than every rival, for sure."""
    if tried is None:
        return "it cannot be tried"
    how = f"backtest from {tried.train_as_of_date}" if tried.method == "time" else "backtest over parts of the seed"
    found = tried.found(LOOKALIKE, tried.reach)
    if found is None or found.gain is None or found.lift is None:
        return f"{how}: there was nobody to find, so nothing shows that it works"
    return None if found.gain.low >= 0 else f"{how}: {_in_words(found.lift, found.gain, tried)}"


def _in_words(lift: float, gain: Gain, tried: Backtest) -> str:
    rival = gain.rival.replace("_", " ")
    if tried.reach not in tried.told(LOOKALIKE) & tried.told(gain.rival):
        return f"not above {rival} for sure at {tried.reach:.0%}; figures would tell of too few customers"
    found = f"lift at {tried.reach:.0%} is {lift:.2f} against {lift - gain.lift:.2f} of {rival}"
    sure = f"the difference lies between {gain.low:.2f} and {gain.high:.2f} (90 %), expected above 0"
    return f"{found}; {sure}, with {tried.truth:,} to be found among {tried.candidates:,} candidates"
