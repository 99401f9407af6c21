"""Events to tiles: one scan, one shuffle of events, by customer and day."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.expression.spark import to_column
from strata.features.tiles import MOMENT, Key, Partial, TilePlan, merge_of
from strata.project.names import DATED_TABLES

DAY = ("customer_id", "event_date")
_MICROSECONDS = 86_400_000_000


def build_cells(silver: Mapping[str, DataFrame], plan: TilePlan, *, by_customer: bool = False) -> DataFrame:
    """Partials at the finest grain that features need.

    Args:
        silver: valid rows of the silver tables of `plan.tables`, and of products and places where the plan reads them;
            a product or place known to several sources is joined once (`one_row_each`).
        plan: which partials, by which columns.
        by_customer: all rows of a customer are to lie together, at the price that they cross unmerged: right where
            a day has hardly more than one row, and the cells are merged on.

    Returns:
        customer_id, event_date, the columns of `plan.by` (text; NULL for rows without a value), event_count and the
        partials of `plan`. Rows are merged before they are shuffled, so that a customer's busy day crosses as one.
    """
    narrow = [_narrow(silver, table, plan) for table in plan.tables]
    rows = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), narrow)
    rows = rows.repartition("customer_id") if by_customer else rows
    return rows.groupBy(*DAY, *plan.by).agg(
        _event_count(plan).alias("event_count"), *(_partial(p, plan).alias(p.name) for p in plan.partials)
    )


def build_daily(cells: DataFrame, plan: TilePlan) -> DataFrame:
    """Cells rolled up to customer and day: customer_id, event_date, event_count and `plan.daily_partials()`."""
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


def _narrow(silver: Mapping[str, DataFrame], table: str, plan: TilePlan) -> DataFrame:
    """What crosses the shuffle: a flag per distinct condition and a number per column, not the words they come from."""
    rows, day = silver[table], F.col(str(DATED_TABLES[table][1]))
    if table == "events":
        rows = with_names(rows, silver, plan.products, plan.places)
    mine = [p for p in plan.partials if p.table == table]
    keys = {key for key in plan.keys.values() if key.table == table}
    columns = {_flag(p): F.coalesce(to_column(p.when), F.lit(False)) for p in mine if p.when}
    columns |= {_number(p): _stored(p) for p in mine if p.of}
    columns |= {key.name: _text(rows, key) for key in keys}
    if len(plan.tables) > 1:
        columns[_of_table(table)] = F.lit(True)
    return rows.where(day.isNotNull()).select(
        "customer_id", day.alias("event_date"), *(value.alias(name) for name, value in sorted(columns.items()))
    )


def with_names(
    events: DataFrame, silver: Mapping[str, DataFrame], products: Mapping[str, str], places: Mapping[str, str]
) -> DataFrame:
    """Events with columns of their product and place (new name -> column); nothing is joined for an empty mapping.

    Raises:
        ValueError: `silver` lacks the table.
    """
    named = _with_names(events, silver.get("products"), "product_id", products)
    return _with_names(named, silver.get("places"), "place_id", places)


def _with_names(events: DataFrame, dimension: DataFrame | None, key: str, columns: Mapping[str, str]) -> DataFrame:
    if not columns:
        return events
    if dimension is None:
        raise ValueError(f"features read {', '.join(columns)} by {key}, found no table of them")
    # Broadcast by decree: joined any other way, events would be shuffled by product first and by customer again.
    return events.join(F.broadcast(one_row_each(dimension, key, columns)), key, "left")


def _flag(partial: Partial) -> str:
    return f"_fulfils_{partial.table}_{partial.condition_id}"


def _of_table(table: str) -> str:
    return f"_is_{table}"


def _number(partial: Partial) -> str:
    return f"_{'whole' if partial.is_whole else 'double'}_{partial.table}_{partial.of}"


def _text(rows: DataFrame, key: Key) -> Column:
    """A value by which cells are told apart; NaN is not known, and -0.0 is 0.0."""
    value = F.col(key.column)
    if rows.schema[key.column].dataType.simpleString() == Type.DOUBLE:
        value = F.when(F.abs(value) < F.lit(float("inf")), value) + F.lit(0.0)
    return value.cast("string")


def _stored(partial: Partial) -> Column:
    """The column of a partial as it is stored: shifted to a whole number, or left a double.

    Doubles are rounded half away from zero at the sixth decimal, so that they add up the same in any order. NaN,
    infinity and what is beyond 64 bits when shifted (9.2e12) are not known values; -0.0 becomes 0.0, else which of the
    two is least would depend on who came first.
    """
    if partial.of == MOMENT:
        return _moment(partial.table)
    value = to_column(partial.value) if partial.value else F.col(str(partial.of))
    if partial.of_type == Type.DOUBLE:
        known = F.when(F.abs(value) < F.lit(float("inf")), value)
        shifted = F.round(known * F.lit(10.0**partial.scale)).try_cast("bigint")
        return shifted if partial.is_whole else known + F.lit(0.0)
    return (value * F.lit(10**partial.scale)).cast("bigint") if partial.scale else value


def _moment(table: str) -> Column:
    """Microseconds since the day's midnight in UTC; rows that know only their day: 0."""
    if table != "events":
        return F.lit(0).cast("bigint")
    return F.unix_micros("occurred_at") - F.unix_date("event_date").cast("bigint") * F.lit(_MICROSECONDS)


def _event_count(plan: TilePlan) -> Column:
    counted = F.lit(1) if len(plan.tables) == 1 else F.when(F.col(_of_table("events")), F.lit(1))
    return F.count(counted)


def _partial(partial: Partial, plan: TilePlan) -> Column:
    value = F.col(_number(partial)) if partial.of else F.lit(1)
    if partial.when:
        value = F.when(F.col(_flag(partial)), value)
    elif partial.of is None and len(plan.tables) > 1:
        value = F.when(F.col(_of_table(partial.table)), value)
    match partial.kind:
        case "n":
            return F.count(value)
        case "sum":
            return F.coalesce(F.sum(value), F.lit(0))
        case "min":
            return F.min(value)
        case "max":
            return F.max(value)
