"""How each kind of feature is put together from sums, minima and days over the tiles of its window. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from strata.project.models import Feature, FeatureKind

PartialKind = Literal["n", "sum", "min", "max"]
"""What a tile holds of the events of one customer and day: how many, or the sum, least or greatest of a column."""

Merge = Literal["sum", "min", "max", "days", "first", "last", "latest", "follows"]
"""How the tiles of a window come together.

`days` counts those with a count above 0, `first` and `last` date them; `latest` is the last moment of the last day;
`follows` counts the days on which something came after something else.
"""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One number that a kind of feature is made of.

    Attributes:
        merge: how tiles come together.
        kind: which partial they hold.
        of_column: the partial is of the feature's column (for n: of its known values), not of whole events.
        filtered: only events for which the feature's condition holds.
        days, offset: the window; `days` None: the whole history.
    """

    merge: Merge
    kind: PartialKind
    of_column: bool = False
    filtered: bool = True
    days: int | None = None
    offset: int = 0


PRESENCE = Ingredient("days", "n")
"""Whether there was an event at all."""
_FIRST = Ingredient("first", "n")
_LAST = Ingredient("last", "n")
_SUM = Ingredient("sum", "sum", of_column=True)
_COUNT = Ingredient("sum", "n")

_RECIPES: Mapping[FeatureKind, tuple[Ingredient, ...]] = {
    "count": (_COUNT,),
    "sum": (_SUM,),
    "min": (Ingredient("min", "min", of_column=True),),
    "max": (Ingredient("max", "max", of_column=True),),
    "mean": (_SUM, Ingredient("sum", "n", of_column=True)),
    "share": (_SUM, Ingredient("sum", "sum", of_column=True, filtered=False)),
    "active_days": (PRESENCE,),
    "mean_gap": (_FIRST, _LAST, PRESENCE),
    "first_on": (_FIRST,),
    "last_on": (_LAST,),
    "distinct": (_COUNT,),
    "top": (_COUNT,),
    "last": (Ingredient("latest", "max"),),
    "sequence": (Ingredient("follows", "n"),),
    "distance_to": (),
    "attribute": (),
    "expression": (),
}


def recipe(feature: Feature) -> tuple[Ingredient, ...]:
    """What `feature` is made of, in the order in which `finish` takes it; nothing for attributes and expressions."""
    if feature.kind in ("stopped", "restarted", "regular"):
        return _over_windows(feature)
    if feature.kind == "days_since":
        made: tuple[Ingredient, ...] = (_FIRST if str(feature.of) == "first" else _LAST,)
    else:
        made = _RECIPES[feature.kind]
    return tuple(replace(i, days=feature.days, offset=feature.offset) for i in made)


def _over_windows(feature: Feature) -> tuple[Ingredient, ...]:
    """Whether there was an event in each of several windows, from the latest to the earliest."""
    assert feature.days is not None
    latest = replace(PRESENCE, days=feature.days, offset=feature.offset)
    if feature.kind == "regular":
        return tuple(replace(latest, offset=feature.offset + n * feature.days) for n in range(feature.periods or 1))
    before = replace(PRESENCE, days=feature.before or feature.days, offset=feature.offset + feature.days)
    if feature.kind == "stopped":
        return latest, before
    return latest, before, replace(PRESENCE, offset=before.offset + (before.days or 0))


def counts_from_zero(merge: Merge) -> bool:
    """Whether nothing happened means 0 (sums, days) or not known (least, greatest, dates)."""
    return merge in ("sum", "days", "follows")
