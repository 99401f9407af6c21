"""audiences/<name>.yml: lists of customers for one purpose."""

from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.models import Audience
from strata.project.reading import Reader, list_of, optional, record, required, tagged, wrapped

BACKTEST_DAYS = 84


def _audience(audience: str, where: Location, **values: Any) -> Audience:
    return Audience(name=audience, where=where, **values)


_SIZE = wrapped("size", "share", s.number(0, 1))
_BACKTEST = wrapped("backtest", "days", s.whole(7, 3_650))

AUDIENCE: Reader[Audience] = tagged(
    "an audience",
    "kind",
    {
        "lookalike": record(
            "a look-alike audience",
            _audience,
            {
                "audience": required(s.identifier),
                "kind": required(s.phrase),
                "owner": required(s.phrase),
                "purpose": required(s.name),
                "seed": required(s.text),
                "candidates": required(s.text),
                "learn_against": optional(s.choice("candidates", "base"), "candidates"),
                "learn_from": optional(list_of(s.pattern), ("*",)),
                "leave_out": optional(list_of(s.pattern), ()),
                "activity": required(s.name),
                "exclude": optional(list_of(s.text), ()),
                "size": required(_SIZE, into="share"),
                "backtest": optional(_BACKTEST, BACKTEST_DAYS, into="backtest_days"),
                "publish_at_least": optional(s.whole(1, 10**9)),
            },
        )
    },
)
"""`publish_at_least` is None here when the file does not say it: the floor of privacy.yml then holds."""
