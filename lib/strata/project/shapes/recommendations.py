"""recommendations/<name>.yml: lists of items per customer."""

from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.reading import Reader, list_of, optional, plain_record, record, required
from strata.project.recommendations import Factorisation, Recommendation

DEFAULTS = Factorisation(rank=8, reg=0.1, alpha=1.0, iterations=5)
LONGEST = 50


def _recommendation(recommendation: str, where: Location, **values: Any) -> Recommendation:
    return Recommendation(name=recommendation, where=where, **values)


_ALS = plain_record(
    "als",
    Factorisation,
    {
        "rank": optional(s.whole(1, 200), DEFAULTS.rank),
        "reg": optional(s.number(0, 1_000), DEFAULTS.reg),
        "alpha": optional(s.number(0, 1_000), DEFAULTS.alpha),
        "iterations": optional(s.whole(1, 50), DEFAULTS.iterations),
    },
)

RECOMMENDATION: Reader[Recommendation] = record(
    "a recommendation",
    _recommendation,
    {
        "recommendation": required(s.name),
        "owner": required(s.phrase),
        "task": required(s.phrase),
        "purpose": required(s.name),
        "of": required(s.name),
        "where": required(s.text, into="condition"),
        "days": required(s.whole(7, 3_650)),
        "holdout_days": required(s.whole(1, 364)),
        "targets": optional(list_of(s.choice("repeat", "new")), ("repeat", "new")),
        "top": optional(s.whole(1, LONGEST), 10),
        "seed": optional(s.whole(0, 2**31 - 1), 1),
        "als": optional(_ALS, DEFAULTS),
    },
)
