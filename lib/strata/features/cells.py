"""Events to tiles: one scan, one shuffle of events, by customer."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.expression.spark import to_column
from strata.features.tiles import Partial, TilePlan, merge_of

DAY = ("customer_id", "event_date")
_FLAG = "_fulfils_{}"
_SCALED = "_scaled_{}_{}"


def build_cells(events: DataFrame, products: DataFrame, places: DataFrame, plan: TilePlan) -> DataFrame:
    """Partials at the finest grain that features need.

    Args:
        events: valid rows of silver.events.
        products: valid rows of silver.products; one known to several sources is joined once (`one_row_each`).
        places: valid rows of silver.places, likewise.
        plan: which partials, by which columns.

    Returns:
        customer_id, event_date, the columns of `plan.by` (NULL for events without a value), event_count and the
        partials of `plan`; hash-partitioned by customer_id.
    """
    known = _with_names(_with_names(events, products, "product_id", plan.products), places, "place_id", plan.places)
    narrow = known.select(*DAY, *plan.by, *_inputs(plan).values())
    # Partitioned by customer, not by cell: the roll-up to days and to customers then needs no other shuffle.
    merged = [_partial(p).alias(p.name) for p in plan.partials]
    cells = narrow.repartition("customer_id").groupBy(*DAY, *plan.by)
    return cells.agg(F.count(F.lit(1)).alias("event_count"), *merged)


def build_daily(cells: DataFrame, plan: TilePlan) -> DataFrame:
    """Cells rolled up to customer and day: customer_id, event_date, event_count and `plan.daily_partials()`.

    Cells straight from `build_cells` are partitioned well enough to need no shuffle; cells read back from a table are
    shuffled, but not events.
    """
    partials = plan.daily_partials()
    if not plan.by:
        return cells.select(*DAY, "event_count", *(p.name for p in partials))
    return cells.groupBy(*DAY).agg(F.sum("event_count").alias("event_count"), *map(merged_partial, partials))


def merged_partial(partial: Partial) -> Column:
    """The aggregate that merges tiles of `partial` into a tile of a coarser grain, under its name."""
    merge = {"sum": F.sum, "min": F.min, "max": F.max}[merge_of(partial.kind)]
    return merge(partial.name).alias(partial.name)


def one_row_each(dimension: DataFrame, key: str, columns: Mapping[str, str]) -> DataFrame:
    """`dimension` with a row per `key` and its columns under new names (`columns`: new name -> old name).

    Where several sources know a key, each column is taken from the last source by name that knows a value.
    """
    chosen = [
        F.max_by(F.col(old), F.when(F.col(old).isNotNull(), F.col("source"))).alias(new) for new, old in columns.items()
    ]
    return dimension.where(F.col(key).isNotNull()).groupBy(key).agg(*chosen)


def _with_names(events: DataFrame, dimension: DataFrame, key: str, columns: Mapping[str, str]) -> DataFrame:
    if not columns:
        return events
    # Broadcast by decree: joined any other way, events would be shuffled by product first and by customer again.
    return events.join(F.broadcast(one_row_each(dimension, key, columns)), key, "left")


def _inputs(plan: TilePlan) -> dict[str, Column]:
    """What crosses the shuffle: a flag per distinct condition and a number per column, not the words they come from."""
    flags = {_flag(p): F.coalesce(to_column(p.when), F.lit(False)) for p in plan.partials if p.when}
    numbers = {_number(p): _stored(p) for p in plan.partials if p.of}
    return {name: value.alias(name) for name, value in (flags | numbers).items()}


def _flag(partial: Partial) -> str:
    return f"_fulfils_{partial.condition_id}"


def _number(partial: Partial) -> str:
    return f"_{'whole' if partial.is_whole else 'double'}_{partial.of}"


def _stored(partial: Partial) -> Column:
    """The column of a partial as it is stored: shifted to a whole number, or left a double.

    Doubles are rounded half away from zero at the sixth decimal, so that they add up the same in any order. NaN,
    infinity and what is beyond 64 bits when shifted (9.2e12) are not known values; -0.0 becomes 0.0, else which of the
    two is least would depend on who came first.
    """
    value = F.col(str(partial.of))
    if partial.of_type == Type.DOUBLE:
        known = F.when(F.abs(value) < F.lit(float("inf")), value)
        shifted = F.round(known * F.lit(10.0**partial.scale)).try_cast("bigint")
        return shifted if partial.is_whole else known + F.lit(0.0)
    return (value * F.lit(10**partial.scale)).cast("bigint") if partial.scale else value


def _partial(partial: Partial) -> Column:
    value = F.col(_number(partial)) if partial.of else F.lit(1)
    counted = F.when(F.col(_flag(partial)), value) if partial.when else value
    match partial.kind:
        case "n":
            return F.count(counted)
        case "sum":
            return F.coalesce(F.sum(counted), F.lit(0))
        case "min":
            return F.min(counted)
        case "max":
            return F.max(counted)
