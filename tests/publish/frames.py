"""Short ways to write membership and features in tests."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

AS_OF = date(2017, 12, 31)


def membership(
    spark: SparkSession, segments: Mapping[str, Sequence[str | None]], as_of: date = AS_OF, first: int = 0
) -> DataFrame:
    """Customers `first`, `first` + 1, ...: the segment of each per segmentation."""
    rows = [
        (as_of, f"{first + i:032x}", segmentation, 1, segment, None)
        for segmentation, of_each in segments.items()
        for i, segment in enumerate(of_each)
    ]
    schema = "as_of_date date, customer_id string, segmentation string, version bigint, segment string, score double"
    return spark.createDataFrame(rows, schema)


def features(spark: SparkSession, columns: Mapping[str, pa.Array], as_of: date = AS_OF) -> DataFrame:
    count = len(next(iter(columns.values())))
    keys = {"as_of_date": [as_of] * count, "customer_id": [f"{i:032x}" for i in range(count)]}
    return spark.createDataFrame(pa.table({**keys, **columns}))


def money(*amounts: str | None) -> pa.Array:
    return pa.array(amounts, pa.string()).cast(pa.decimal128(18, 2))


def records(frame: DataFrame, *key: str) -> dict[Any, dict[str, Any]]:
    """Rows as dicts, by key."""
    rows = [row.asDict() for row in frame.collect()]
    found = {tuple(row[k] for k in key) if len(key) > 1 else row[key[0]]: row for row in rows}
    assert len(found) == len(rows), f"{key} is not unique"
    return found
