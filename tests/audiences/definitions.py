"""Audiences, snapshots and memberships for the tests of this area."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from strata.audiences.definition import Lookalike, compile_lookalike
from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Name
from strata.project.audiences import Audience, Likeness, Size
from strata.project.words import Text

AS_OF = date(2017, 12, 31)
THEN = AS_OF - timedelta(days=84)
HERE = Location("audiences/wine.yml", 1, 1)

NAMES = {
    "wine_days": Name(Type.BIGINT, True),
    "visits": Name(Type.BIGINT, False),
    "messages": Name(Type.BIGINT, True),
    "spend_cheese": Name(Type.MONEY, False),
    "spend_beer": Name(Type.MONEY, False),
    "spend_wine": Name(Type.MONEY, False),
}


def audience(**changes: Any) -> Audience:
    parts: dict[str, Any] = {
        "name": "wine",
        "kind": "lookalike",
        "owner": "crm",
        "purpose": "direct_mail",
        "seed": "wine_days > 0",
        "candidates": "wine_days = 0",
        "learn_against": "candidates",
        "learn_from": ("spend_*",),
        "leave_out": ("spend_wine",),
        "activity": "visits",
        "exclude": (),
        "share": 0.1,
        "backtest_days": 84,
        "publish_at_least": 100,
        "where": HERE,
        **changes,
    }
    parts["exclude"] = tuple(Text(words, HERE) for words in parts["exclude"])
    parts["size"] = Size(share=parts.pop("share"))
    own = {name: parts.pop(name) for name in [f.name for f in fields(Likeness)] if name in parts}
    own |= {name: Text(own[name], HERE) for name in ("seed", "candidates")}
    return Audience(**parts, likeness=Likeness(**own))


def lookalike(**changes: Any) -> Lookalike:
    return compile_lookalike(audience(**changes), NAMES, NAMES)


def customer(number: int) -> str:
    return f"{number:032x}"


def frame(spark: SparkSession, rows: Sequence[Mapping[str, Any]], schema: str) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(f.split()[0]) for f in schema.split(", ")) for row in rows], schema)


def arrow_frame(spark: SparkSession, columns: Mapping[str, Any]) -> DataFrame:
    return spark.createDataFrame(pa.table(dict(columns)))
