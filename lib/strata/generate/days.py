"""The days of customers: where everything that happens starts from."""

from collections.abc import Callable
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.generate.draws import Dice, number_at, poisson
from strata.generate.people import blocks_of, is_active, numbers_of_block, with_people
from strata.generate.world import World

_SECONDS_PER_DAY = 86_400
_EVENTS_PER_DAY, _DAYS_AT_MOST = 1_000, 10_000
_FIRST_HOUR, _LAST_SECOND = 7 * 3_600, 23 * 3_600
_ROWS_PER_TASK, _MOST_TASKS = 200_000, 2_000


def customer_days(spark: SparkSession, world: World, days: range) -> DataFrame:
    """A row per customer and day: `day` (its number, int), `customer`, and the columns of `people.with_people`.

    A day lies whole in one task, in the order of the customers: it becomes one file without a shuffle.
    """
    tasks = max(1, min(len(days), len(days) * world.customers // _ROWS_PER_TASK + 2, _MOST_TASKS))
    rows = spark.range(days.start, days.stop, days.step, tasks).select(F.col("id").cast("int").alias("day"))
    rows = rows.select("day", F.explode(F.sequence(F.lit(0), F.lit(blocks_of(world) - 1))).alias("block"))
    rows = rows.select("day", numbers_of_block(F.col("block").cast("bigint"), world).alias("customer"))
    return with_people(rows, Dice(world.seed))


def active_days(spark: SparkSession, world: World, days: range) -> DataFrame:
    """The rows of `customer_days` on which the customer is served."""
    return customer_days(spark, world, days).filter(is_active(F.col("day")))


def times(rows: DataFrame, count: Column, name: str = "i") -> DataFrame:
    """Each row as often as `count` says, numbered from 1 in the column `name`."""
    counted = rows.withColumn("_times", count.cast("int"))
    numbers = F.when(F.col("_times") > 0, F.sequence(F.lit(1), F.col("_times")))
    return counted.withColumn(name, F.explode(numbers)).drop("_times")


def with_count(rows: DataFrame, dice: Dice, name: str, rate: Column, most: int) -> DataFrame:
    """`rows` with a Poisson number of the customer's day, cut at `most`, in the column `name`; `rate` is its mean."""
    u = dice.uniform(name, F.col("customer"), F.col("day"))
    rated = rows.withColumn("_rate", rate).withColumn("_reach", u * F.exp("_rate"))
    return rated.withColumn(name, poisson(F.col("_reach"), F.col("_rate"), most)).drop("_rate", "_reach")


def ids() -> tuple[Column, Column, Column]:
    """Customer, day and number within the day: what an event's draws are for."""
    return F.col("customer"), F.col("day"), F.col("i")


def record_id() -> Column:
    """A number that no other event of its source has (bigint)."""
    per_customer = _EVENTS_PER_DAY * _DAYS_AT_MOST
    return F.col("customer") * per_customer + F.col("day") * _EVENTS_PER_DAY + F.col("i")


def by_date(world: World, factor: Callable[[date], float]) -> Column:
    """A number per day of the calendar (double), for the row's `day`."""
    return number_at([round(factor(world.date_of(day)), 4) for day in range(world.days)], F.col("day"))


def date_of(world: World, day: Column | None = None) -> Column:
    """The date of a day's number."""
    return F.date_add(F.lit(world.starts_on), (F.col("day") if day is None else day).cast("int"))


def local_time(world: World, seconds: Column) -> Column:
    """The moment on the wall clock of the row's `day`, as a timestamp without its zone."""
    days = F.unix_date(date_of(world)).cast("bigint") * _SECONDS_PER_DAY
    return F.timestamp_seconds(days + seconds)


def moment(world: World, seconds: Column) -> Column:
    """The instant of a second of the row's `day` in the world's zone."""
    return F.to_utc_timestamp(local_time(world, seconds), world.zone)


def waking_second(dice: Dice, name: str) -> Column:
    """A second of the day between 7 and 23 o'clock."""
    return dice.whole(f"{name} second", _FIRST_HOUR, _LAST_SECOND, *ids())


def money(value: Column) -> Column:
    """A number as an amount with two decimals."""
    return F.round(value, 2).cast("decimal(18,2)")
