"""What drives customers, as tables of percentages, without Spark: the generator draws by them, and so can a judge.

A trait has values with their shares, and each person a strength: that percentage of the person's acts follows the
person's own table, the rest everybody's. Weak persons look like anybody, so that no rule reads a trait off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HUNDRED = 100
Shares = Mapping[str, int]


@dataclass(frozen=True)
class Trait:
    """A latent property of a person: values with their percentages, and the strengths a person may have."""

    name: str
    shares: Shares
    strengths: tuple[int, ...] = (10, 20, 30, 40, 50, 60, 70, 80)

    @property
    def values(self) -> tuple[str, ...]:
        """The values, in the order of their numbers."""
        return tuple(self.shares)


@dataclass(frozen=True)
class Mix:
    """What is chosen, by percentages: everybody's (`base`), and those of a trait's value where it has its own."""

    name: str
    trait: Trait
    base: Shares
    own: Mapping[str, Shares] = field(default_factory=dict)

    def table(self, value: str) -> Shares:
        """The percentages of a person with this value of the trait."""
        return self.own.get(value, self.base)

    def drawn(self) -> list[str]:
        """A hundred words for everybody, then a hundred for each value of the trait."""
        rows = [self.base, *(self.table(value) for value in self.trait.values)]
        return [word for row in rows for word in hundred(row)]


@dataclass(frozen=True)
class Rate:
    """How often something happens: times per day by a trait's value, times one of the person's noise levels."""

    name: str
    trait: Trait
    per_day: Mapping[str, float]
    noise: tuple[float, ...] = (0.5, 0.7, 1.0, 1.4, 2.0)


def hundred(shares: Shares) -> list[str]:
    """Each word as often as its percentage says.

    >>> hundred({"yes": 2, "no": 98})[:3]
    ['yes', 'yes', 'no']

    Raises:
        ValueError: the percentages do not add up to 100.
    """
    if sum(shares.values()) != HUNDRED:
        raise ValueError(f"percentages add up to {sum(shares.values())}, expected {HUNDRED}: {dict(shares)}")
    return [word for word, share in shares.items() for _ in range(share)]


def leaning(base: Shares, to: Mapping[str, int]) -> dict[str, int]:
    """`base` with some words at new percentages; the others share the rest as before, in whole numbers.

    >>> leaning({"a": 50, "b": 30, "c": 20}, {"c": 60})
    {'a': 25, 'b': 15, 'c': 60}
    """
    rest, left = HUNDRED - sum(to.values()), HUNDRED - sum(base[word] for word in to)
    made = {word: to.get(word, share * rest // left) for word, share in base.items()}
    first = next(word for word in base if word not in to)
    made[first] += HUNDRED - sum(made.values())
    return made


PURCHASE_CLASS = Trait("purchase_class", {"high": 20, "medium": 40, "low": 30, "never": 10})
SEASON = Trait("season", {"early": 25, "late": 20, "none": 55})
MESSAGE_CHANNEL = Trait("message_channel", {"sms": 30, "email": 25, "push": 30, "call": 15})
PURCHASE_CHANNEL = Trait("purchase_channel", {"store": 45, "web": 30, "app": 25})
BENEFIT = Trait(
    "benefit",
    {"convenience": 15, "affordability": 20, "quality": 15, "health": 15, "sustainability": 10,
     "no_clear_preference": 25},
)  # fmt: skip
TRAVELLER = Trait(
    "traveller",
    {"business": 12, "adventure": 8, "luxury": 8, "family": 17, "solo": 7, "backpacker": 8, "none": 40},
    (40, 60, 80, 100),
)
LIFE_STAGE = Trait(
    "life_stage",
    {"young_adult": 25, "family": 35, "retiree": 20, "home_buyer": 8, "business_owner": 7, "high_net_worth": 5},
    (70, 80, 90),
)
RISK_TOLERANCE = Trait("risk_tolerance", {"conservative": 45, "moderate": 35, "aggressive": 20})
GENRE = Trait(
    "genre",
    {"drama": 18, "comedy": 17, "action": 15, "documentary": 12, "children": 12, "sport": 12, "music": 8,
     "horror": 6},
)  # fmt: skip
PLATFORM = Trait("platform", {"phone": 45, "tv": 30, "computer": 15, "tablet": 10})
LEARNING_STYLE = Trait("learning_style", {"reading": 30, "video": 45, "interactive": 25})
_LEVELS = {"beginner": 50, "intermediate": 35, "advanced": 15}
SUBJECTS = ("english", "programming", "finance")
SKILLS = {subject: Trait(f"skill_{subject}", _LEVELS, (30, 50, 70, 90)) for subject in SUBJECTS}
PSYCHOGRAPHIC = Trait("psychographic", {"achiever": 25, "explorer": 25, "traditionalist": 30, "socialiser": 20})
VALUE_TIER = Trait("value_tier", {"key": 10, "growth": 30, "niche": 60})
CLUSTER = Trait("cluster", {"talkers": 34, "messengers": 26, "streamers": 38, "machines": 2}, (80, 90, 100))
"""How the network is used. From day `world.SHIFT` on half of the streamers are night streamers (a split), and talkers
and messengers have become chatters (a merge); machines are few and far from everybody."""
LATER_CLUSTER = Trait(
    "later_cluster", {"chatters": 60, "streamers": 19, "night_streamers": 19, "machines": 2}, CLUSTER.strengths
)

DRAWN = (
    PURCHASE_CLASS, SEASON, MESSAGE_CHANNEL, PURCHASE_CHANNEL, BENEFIT, TRAVELLER, LIFE_STAGE, RISK_TOLERANCE, GENRE,
    PLATFORM, LEARNING_STYLE, *SKILLS.values(), PSYCHOGRAPHIC, VALUE_TIER, CLUSTER,
)  # fmt: skip
"""Traits that are drawn, each for itself."""
TRAITS = (*DRAWN, LATER_CLUSTER)
