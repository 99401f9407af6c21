"""What is measured of every published table and kept: the ground for checks that compare with earlier days.

One aggregate per table, and one by segment: hundreds of segments as conditions of a single aggregate fill the heap
with plans. Means are sums in fixed point divided once, so that they are bit-equal whatever the
partitioning; a value that is no number (NaN, Infinity) or beyond 10^19 is left out of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Table, Type

WHOLE = "(table)"
_FIXED = "decimal(28,9)"
_NUMBERS = (Type.BIGINT, Type.MONEY, Type.DOUBLE)


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure as an aggregate: its names in quality_metrics, and the column that computes it."""

    metric: str
    dimension: str
    value: Column


def measure(frame: DataFrame, table: type[Table], beside: Sequence[Column] = ()) -> DataFrame:
    """Measure a published table in one aggregate.

    Args:
        frame: the slice, with the columns of `table`.
        table: its contract.
        beside: more aggregates, which stand in every row of the result.

    Returns:
        table_name, metric, dimension (string), value (double, NULL where nothing can be measured), a row for
        row_count of (table); null_share per nullable column; mean per number column. The caller adds run, release and
        as-of date.
    """
    metrics = _of_columns(table)
    rows = [
        F.struct(F.lit(m.metric).alias("metric"), F.lit(m.dimension).alias("dimension"), m.value.alias("value"))
        for m in metrics
    ]
    measured = frame.agg(F.array(*rows).alias("rows"), *beside).withColumn("row", F.explode("rows"))
    named = (F.lit(table.full_name()).alias("table_name"), "row.metric", "row.dimension", "row.value")
    return measured.select(*named, *(name for name in measured.columns if name not in {"rows", "row"}))


def _of_columns(table: type[Table]) -> Iterator[Metric]:
    count = F.count(F.lit(1))
    yield Metric("row_count", WHOLE, count.cast("double"))
    for c in table.columns:
        if c.nullable:
            missing = F.count_if(F.col(str(c)).isNull())
            yield Metric("null_share", str(c), _ratio(missing, count))
        if c.type in _NUMBERS:
            fixed = F.col(str(c)).try_cast(_FIXED)
            yield Metric("mean", str(c), _ratio(F.sum(fixed), F.count(fixed)))


def count_segments(frame: DataFrame) -> DataFrame:
    """Rows of the frame by `segmentation` and `segment`, as the column `rows`; for `shares`."""
    return frame.groupBy("segmentation", "segment").agg(F.count(F.lit(1)).alias("rows"))


def shares(
    table: type[Table], counted: Iterable[Mapping[str, Any]], segments: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The share of every segment, of the rows of its segmentation; and how many rows that are.

    Args:
        table: the published table.
        counted: rows of `count_segments`; segments that are not declared count in the whole.
        segments: segmentation -> its segments.

    Returns:
        Rows as of `measure`: metric `share` with dimension `segmentation.segment`, its value None where the
        segmentation has no rows; metric `row_count` with the segmentation as dimension.
    """
    rows = {(row["segmentation"], row["segment"]): int(row["rows"]) for row in counted}
    whole = {name: sum(n for (of, _), n in rows.items() if of == name) for name in segments}
    found = [(name, segment, rows.get((name, segment), 0)) for name, known in segments.items() for segment in known]
    measured = [("row_count", name, float(count)) for name, count in whole.items()] + [
        ("share", f"{name}.{segment}", part / whole[name] if whole[name] else None) for name, segment, part in found
    ]
    names = ("table_name", "metric", "dimension", "value")
    return [dict(zip(names, (table.full_name(), *row), strict=True)) for row in measured]


def _ratio(part: Column, whole: Column) -> Column:
    return F.try_divide(part.cast("double"), whole.cast("double"))
