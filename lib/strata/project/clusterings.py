"""What a segmentation by clusters declares beside its features: how each is prepared, when the model is fitted anew."""

from dataclasses import dataclass
from typing import Literal

from strata.errors import Location

SMALLEST = 10
"""Customers that a cluster needs, unless declared: what fewer are in is withheld from most tables."""


@dataclass(frozen=True, slots=True)
class ClusterFeature:
    """A feature of a clustering and how it is prepared.

    Attributes:
        transform: how its tail is tamed before robust scaling.
        weight: how often its squared distance counts.
        zeros: `apart` splits a feature that most customers have at zero into has and how much.
        unknown: what stands for a value that is not known: the median, zero, or a dimension of its own.
        high: words for customers who have much of it, in the names of clusters.
        low: words for those who have little.
    """

    feature: str
    transform: Literal["none", "log1p", "rank"]
    where: Location
    weight: float = 1.0
    zeros: Literal["plain", "apart"] = "plain"
    unknown: Literal["median", "zero", "apart"] = "median"
    high: str | None = None
    low: str | None = None


@dataclass(frozen=True, slots=True)
class Refit:
    """When a released model is replaced: by its age, or when the customers have drifted away from it.

    Attributes:
        every_days: days after which it is fitted anew; None: no schedule.
        psi: population stability index of a prepared feature from which on it has drifted.
        misfits: share of customers farther from their centre than 99 % were at the fit, from which on they have.
    """

    every_days: int | None = None
    psi: float = 0.25
    misfits: float = 0.1


USUAL_REFIT = Refit()
