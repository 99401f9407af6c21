"""Units within a customer: a trip, a learning subject; what tells them apart, and how they come together again."""

from dataclasses import dataclass
from typing import Literal

from strata.errors import Location
from strata.project.words import Text


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of unit: the events of a customer with the same value of a column.

    Attributes:
        name: `trip`, `subject`: what features and segmentations are `per`.
        of: the column of events whose values tell the units of a customer apart; events without a value are in none.
        condition: which events count.
        days: the window: as_of-days+1 ... as_of.
    """

    name: str
    of: Text
    condition: Text | None
    days: int
    any_window: bool
    description: str
    where: Location

    def meaning(self) -> tuple[object, ...]:
        """Everything but its place and its words for people."""
        return (self.of.words, self.condition and self.condition.words, self.days, self.any_window)


@dataclass(frozen=True, slots=True)
class RollUp:
    """How the segments of a customer's units become one segment of the customer.

    Attributes:
        by: `last`: that of the unit with the latest last day, of equals with the greatest id; `most_frequent`: that of
            most units, of equals the one with the latest unit, then the one declared first; `highest`: the one
            declared first.
        without: the segment of customers who have no unit.
    """

    by: Literal["last", "most_frequent", "highest"]
    without: str
    where: Location
