"""purchase_frequency without luck: its own cuts, on the days that were to be expected instead of those that came about.

The contract fixes what is counted (days of 182 with a purchase, presents included) and where it is cut; planted is a
daily rate, of a class and a noise level. What lies between the best judge of the class and these cuts on expected days
is no fault of the definition: it is what the contract calls weekly, monthly and seldom.
"""

from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import cohen_kappa_score

from strata.generate.campaigns import CONTROL, LIFTS, TARGETED
from strata.generate.shop import (
    ADVENT,
    ADVENT_FACTOR,
    GIFT_BANDS,
    GIFTS,
    GIFTS_OF_NEVER,
    GIFTS_PER_SEASON,
    PURCHASES,
)  # fmt: skip
from strata.generate.traits import HUNDRED, SEASON
from strata.generate.world import CAMPAIGN_PERIOD, days_to_holiday

Days = npt.NDArray[np.float64]
WINDOW, NEW, WEEKLY, MONTHLY = 182, 91, 26, 6
"""Of design.md, section 4: days counted, days for which a buyer is new, least days of a weekly and of a monthly one."""
LIKELY = 0.5
"""Expected days with a purchase from which on there is one rather than none."""


def kappa_without_luck(people: pl.DataFrame, starts_on: date, as_of: date) -> float:
    """Kappa of the planted class and of what the cuts say of expected days, every noise level as likely.

    Args:
        people: `purchase_class`, `season` and the days of life, as planted.
        starts_on: the first day of the world.
        as_of: the last day of the window.
    """
    planted, found = [], []
    for person in people.to_dicts():
        served = _served(person, starts_on, as_of)
        for noise in PURCHASES.noise:
            planted.append(person["purchase_class"])
            chances = _chances(person["purchase_class"], person["season"], noise, starts_on, as_of)
            found.append(_class_of(chances * served))
    return float(cohen_kappa_score(planted, found))


def _served(person: dict[str, Any], starts_on: date, as_of: date) -> Days:
    """1 on the days on which the person was served, 0 on the others."""
    day = np.arange((as_of - starts_on).days + 1)
    begin, end, pause, resume = (
        (person[f"{what}_on"] - starts_on).days if person[f"{what}_on"] else len(day)
        for what in ("activated", "left", "suspended", "resumed")
    )
    return ((day >= begin) & (day < end) & ~((day >= pause) & (day < resume))).astype(float)


def _class_of(expected: Days) -> str:
    in_window = expected[-WINDOW:].sum()
    if expected.sum() < LIKELY:
        return "never"
    if expected[:-NEW].sum() < LIKELY:
        return "medium"
    return "high" if in_window >= WEEKLY else "medium" if in_window >= MONTHLY else "low"


@cache
def _chances(purchase_class: str, season: str, noise: float, starts_on: date, as_of: date) -> Days:
    """How likely a purchase is on each day."""
    days = [starts_on + timedelta(days=n) for n in range((as_of - starts_on).days + 1)]
    regular = PURCHASES.per_day[purchase_class] * noise
    presents = GIFTS_OF_NEVER if purchase_class == "never" else 1.0
    rates = [regular * _lift(n) * _advent(day) + presents * _gifts(season, day) for n, day in enumerate(days)]
    return 1 - np.exp(-np.array(rates))


def _advent(day: date) -> float:
    return ADVENT_FACTOR if 0 < days_to_holiday(day) <= ADVENT else 1.0


def _lift(number: int) -> float:
    """The mean over who is written to and who is not; weekdays even out in 26 weeks."""
    reached = TARGETED / HUNDRED * (1 - CONTROL / HUNDRED) if number >= CAMPAIGN_PERIOD else 0.0
    return 1 + reached * LIFTS[number // CAMPAIGN_PERIOD % len(LIFTS)]


def _gifts(season: str, day: date) -> float:
    """Presents of a day, for a person of mean strength."""
    lead, own = days_to_holiday(day), np.mean(SEASON.strengths) / HUNDRED
    for band, (first, last) in GIFT_BANDS.items():
        if first <= lead <= last:
            percent = own * GIFTS.table(season)[band] + (1 - own) * GIFTS.base[band]
            return float(GIFTS_PER_SEASON * percent / HUNDRED / (last - first + 1))
    return 0.0
