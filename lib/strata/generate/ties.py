"""Which channels suit whom: how the traits of channels hang together with age and place, without Spark."""

from collections.abc import Mapping
from dataclasses import dataclass

from strata.generate.catalogue import CITIES
from strata.generate.traits import HUNDRED, LIFE_STAGE, MESSAGE_CHANNEL, PURCHASE_CHANNEL, Mix, Shares, Trait

AGES = Mix(
    "age",
    LIFE_STAGE,
    {"18-24": 13, "25-34": 19, "35-44": 21, "45-54": 17, "55-64": 14, "65-84": 16},
    {
        "young_adult": {"18-24": 48, "25-34": 45, "35-44": 5, "45-54": 1, "55-64": 1, "65-84": 0},
        "family": {"18-24": 3, "25-34": 36, "35-44": 44, "45-54": 14, "55-64": 2, "65-84": 1},
        "retiree": {"18-24": 0, "25-34": 0, "35-44": 0, "45-54": 2, "55-64": 26, "65-84": 72},
        "home_buyer": {"18-24": 4, "25-34": 52, "35-44": 34, "45-54": 8, "55-64": 2, "65-84": 0},
        "business_owner": {"18-24": 2, "25-34": 18, "35-44": 36, "45-54": 30, "55-64": 12, "65-84": 2},
        "high_net_worth": {"18-24": 1, "25-34": 9, "35-44": 26, "45-54": 34, "55-64": 22, "65-84": 8},
    },
)
BANDS = tuple(AGES.base)
SIZES = tuple(dict.fromkeys(city.size for city in CITIES))
"""Sizes of cities."""
BY_AGE, BY_PLACE = 30, 20
"""Percent of the persons who have the channel of their age, and that of their city; the others their own taste."""


@dataclass(frozen=True)
class Tie:
    """A trait whose value is drawn by the percentages of the age band or of the size of the city, for some persons."""

    trait: Trait
    of_age: Mapping[str, Shares]
    of_place: Mapping[str, Shares]

    def tables(self) -> tuple[Shares, ...]:
        """Percentages of the trait: of everybody, then of each band, then of each size of a city."""
        return (self.trait.shares, *(self.of_age[band] for band in BANDS), *(self.of_place[size] for size in SIZES))

    def chance(self, value: str, band: str, size: str) -> float:
        """The percentage of a value among persons of this age and this kind of city."""
        own = (HUNDRED - BY_AGE - BY_PLACE) * self.trait.shares[value]
        return (own + BY_AGE * self.of_age[band][value] + BY_PLACE * self.of_place[size][value]) / HUNDRED


def _by(bands: Mapping[str, tuple[int, ...]], trait: Trait) -> dict[str, Shares]:
    return {name: dict(zip(trait.values, percents, strict=True)) for name, percents in bands.items()}


TIES = (
    Tie(
        PURCHASE_CHANNEL,  # store, web, app
        _by({"18-24": (10, 30, 60), "25-34": (18, 37, 45), "35-44": (40, 35, 25), "45-54": (55, 30, 15),
             "55-64": (70, 20, 10), "65-84": (85, 10, 5)}, PURCHASE_CHANNEL),
        _by({"large": (25, 35, 40), "small": (75, 15, 10)}, PURCHASE_CHANNEL),
    ),
    Tie(
        MESSAGE_CHANNEL,  # sms, email, push, call
        _by({"18-24": (20, 15, 60, 5), "25-34": (20, 30, 45, 5), "35-44": (25, 40, 25, 10), "45-54": (35, 35, 15, 15),
             "55-64": (40, 20, 10, 30), "65-84": (40, 10, 5, 45)}, MESSAGE_CHANNEL),
        _by({"large": (20, 35, 35, 10), "small": (45, 10, 20, 25)}, MESSAGE_CHANNEL),
    ),
)  # fmt: skip
