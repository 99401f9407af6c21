"""The size and the calendar of an invented world, without Spark."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = 7
YEAR = 365.25
CAMPAIGN_PERIOD = 14
"""A campaign starts every two weeks, the first one on the day of this number."""
SHIFT = 182
"""The day from which planted clusters split and merge."""


@dataclass(frozen=True, slots=True)
class World:
    """What a world is made of; two equal ones have the same files, byte for byte but for their names.

    Attributes:
        customers: how many there ever are, numbered from 1; four fifths of them are there on the first day.
        days: how many days from `starts_on` are delivered.
        seed: another seed is another world.
        dirt: share of event rows that are spoilt on purpose.
        starts_on: the first day, number 0.
        zone: the time zone of its clocks.
        currency: of its amounts.
    """

    customers: int
    days: int
    seed: int
    dirt: float
    starts_on: date
    zone: str
    currency: str

    def date_of(self, day: int) -> date:
        """The date of a day's number."""
        return self.starts_on + timedelta(days=day)


def campaign_days(days: int) -> range:
    """The days on which a campaign starts, up to the last of `days`."""
    return range(CAMPAIGN_PERIOD, days, CAMPAIGN_PERIOD)


def season(day: date, height: float, peak: date) -> float:
    """A yearly wave around 1 that is `1 + height` on the peak's day of the year."""
    return 1 + height * math.cos(2 * math.pi * (day - peak).days / YEAR)


def weekday_factor(day: date, factors: tuple[float, ...]) -> float:
    """The factor of a day's weekday, Monday first."""
    return factors[day.weekday()]


def days_to_holiday(day: date) -> int:
    """Days to the next 25 December."""
    this_year = date(day.year, 12, 25)
    return ((this_year if day <= this_year else date(day.year + 1, 12, 25)) - day).days
