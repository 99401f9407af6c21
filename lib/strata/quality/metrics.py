"""What is measured of every published table and kept: the ground for checks that compare with earlier days.

One aggregate per table. Means are sums in fixed point divided once, so that they are bit-equal whatever the
partitioning; a value that is no number (NaN, Infinity) or beyond 10^19 is left out of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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


def measure(frame: DataFrame, table: type[Table], segments: Mapping[str, Sequence[str]] | None = None) -> DataFrame:
    """Measure a published table in one aggregate.

    Args:
        frame: the slice, with the columns of `table`.
        table: its contract.
        segments: segmentation -> segments whose shares are measured, where the table has both columns.

    Returns:
        table_name, metric, dimension (string), value (double, NULL where nothing can be measured), a row for
        row_count of (table); null_share per nullable column; mean per number column; share per segment, of the rows
        of its segmentation, with dimension `segmentation.segment`. The caller adds run, release and as-of date.
    """
    metrics = [*_of_columns(table), *_of_segments(table, segments or {})]
    rows = [
        F.struct(F.lit(m.metric).alias("metric"), F.lit(m.dimension).alias("dimension"), m.value.alias("value"))
        for m in metrics
    ]
    measured = frame.agg(F.array(*rows).alias("rows")).select(F.explode("rows").alias("row"))
    return measured.select(F.lit(table.full_name()).alias("table_name"), "row.metric", "row.dimension", "row.value")


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


def _of_segments(table: type[Table], segments: Mapping[str, Sequence[str]]) -> Iterator[Metric]:
    if not {"segmentation", "segment"} <= set(table.columns):
        return
    for name, known in segments.items():
        within = F.col("segmentation") == F.lit(name)
        for segment in known:
            part = F.count_if(within & (F.col("segment") == F.lit(segment)))
            yield Metric("share", f"{name}.{segment}", _ratio(part, F.count_if(within)))


def _ratio(part: Column, whole: Column) -> Column:
    return F.try_divide(part.cast("double"), whole.cast("double"))
