"""audiences/<name>.yml: lists of customers for one purpose."""

from typing import Any

from strata.errors import Location
from strata.project import scalars as s
from strata.project.audiences import ANY_SIZE, Audience, Band, Expiry, Likeness, ListFile, Pressure, Size
from strata.project.notes import Notes
from strata.project.reading import (
    Field,
    Reader,
    entries_of,
    list_of,
    optional,
    plain_record,
    record,
    required,
    tagged,
    wrapped,
)
from strata.project.words import Text, nearest
from strata.project.yaml import Node, Scalar

BACKTEST_DAYS = 84
_MOST = 10**9
_SIZES = ("customers", "share", "score")


def _one_of(what: str, keys: tuple[str, ...], read: Reader[Any]) -> Reader[Any]:
    """A mapping of which exactly one of these keys is there."""

    def read_one(node: Node, notes: Notes) -> object:
        entries = entries_of(node, what, notes)
        found = [key for key in keys if key in entries.by_key]
        if len(found) != 1:
            said = "none of them" if not found else f"{' and '.join(found)}"
            raise notes.refuse(node.where, f"found {said}, expected one of {', '.join(keys)}")
        return read(node, notes)

    return read_one


def _against(node: Node, notes: Notes) -> str | Text:
    """`candidates`, `base`, or a condition."""
    if isinstance(node, Scalar) and node.words in ("candidates", "base"):
        return node.words
    if isinstance(node, Scalar) and node.words.replace("_", "").isalpha():
        known = ("candidates", "base")
        raise notes.refuse(node.where, f"found `{node.words}`, expected candidates, base or a condition",
                           nearest(node.words, known))  # fmt: skip
    return s.text(node, notes)


_SIZE = _one_of(
    "a size",
    _SIZES,
    plain_record(
        "a size",
        Size,
        {
            "customers": optional(s.whole(1, _MOST)),
            "share": optional(s.number(0, 1)),
            "score": optional(s.number(0, 1)),
            "order": optional(s.text),
            "best": optional(s.choice("high", "low"), "high"),
        },
    ),
)
_EXPIRES = _one_of(
    "an expiry",
    ("after_days", "on"),
    plain_record("an expiry", Expiry, {"after_days": optional(s.whole(1, 3_650)), "on": optional(s.day)}),
)
_PRESSURE = plain_record(
    "contact pressure", Pressure, {"at_most": required(s.whole(1, 10_000)), "days": required(s.whole(1, 3_650))}
)
_BAND = plain_record(
    "a band", Band, {"at_least": optional(s.number(0, 1), 0.0), "at_most": optional(s.number(0), float("inf"))}
)
_BACKTEST = wrapped("backtest", "days", s.whole(7, 3_650))
_LIST = record(
    "list",
    ListFile,
    {
        "path": required(s.phrase),
        "column": required(s.phrase),
        "identity": required(s.choice("plain", "msisdn", "email", "customer_id")),
    },
)
_COMMON: dict[str, Field] = {
    "audience": required(s.identifier, into="name"),
    "kind": required(s.phrase),
    "owner": required(s.phrase),
    "purpose": required(s.name),
    "exclude": optional(list_of(s.text), ()),
    "publish_at_least": optional(s.whole(1, _MOST)),
    "holdout": optional(s.number(0, 0.9), 0.0),
    "expires": optional(_EXPIRES),
    "pressure": optional(_PRESSURE),
    "priority": optional(s.whole(1, 1_000)),
    "band": optional(_BAND, ANY_SIZE),
}
_LIKENESS: dict[str, Field] = {
    "seed": required(s.text),
    "candidates": required(s.text),
    "learn_against": optional(_against, "candidates"),
    "learn_from": optional(list_of(s.pattern), ("*",)),
    "leave_out": optional(list_of(s.pattern), ()),
    "activity": required(s.name),
    "backtest": optional(_BACKTEST, BACKTEST_DAYS, into="backtest_days"),
    "penalty": optional(s.choice("ridge", "elastic_net"), "ridge"),
}


def _lookalike(where: Location, **values: Any) -> Audience:
    own = {field.into or key for key, field in _LIKENESS.items()}
    likeness = Likeness(**{key: value for key, value in values.items() if key in own})
    return Audience(likeness=likeness, where=where, **{k: v for k, v in values.items() if k not in own})


AUDIENCE: Reader[Audience] = tagged(
    "an audience",
    "kind",
    {
        "rule": record(
            "an audience by a rule", Audience, {**_COMMON, "include": required(s.text), "size": optional(_SIZE)}
        ),
        "lookalike": record("a look-alike audience", _lookalike, {**_COMMON, **_LIKENESS, "size": required(_SIZE)}),
        "list": record(
            "an audience from a list",
            Audience,
            {**_COMMON, "list": required(_LIST, into="list_file"), "size": optional(_SIZE)},
        ),
    },
)
"""`publish_at_least` is None here when the file does not say it: the floor of privacy.yml then holds."""
