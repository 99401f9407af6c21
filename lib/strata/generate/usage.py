"""Calls, messages and data sessions: by how a customer uses the network."""

from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.days import by_date, ids, moment, money, record_id, times
from strata.generate.draws import Dice, number_at
from strata.generate.people import fading, phone_number
from strata.generate.traits import CLUSTER, LATER_CLUSTER, Mix
from strata.generate.world import SHIFT, World, weekday_factor

_ACTS = {
    "call:day": 18, "call:evening": 12, "call:night": 2, "message:day": 14, "message:evening": 12, "message:night": 2,
    "data:day": 16, "data:evening": 18, "data:night": 6,
}  # fmt: skip


def _acts(*percents: int) -> dict[str, int]:
    return dict(zip(_ACTS, percents, strict=True))


_STREAMERS, _MACHINES = _acts(5, 4, 0, 6, 5, 0, 28, 44, 8), _acts(0, 0, 0, 2, 2, 6, 30, 20, 40)
EARLIER_ACTS = Mix(
    "usage before the shift",
    CLUSTER,
    _ACTS,
    {
        "talkers": _acts(38, 26, 2, 6, 4, 0, 12, 10, 2),
        "messengers": _acts(8, 5, 1, 36, 30, 4, 8, 7, 1),
        "streamers": _STREAMERS,
        "machines": _MACHINES,
    },
)
LATER_ACTS = Mix(
    "usage after the shift",
    LATER_CLUSTER,
    _ACTS,
    {
        "chatters": _acts(23, 15, 2, 21, 17, 2, 10, 8, 2),
        "streamers": _STREAMERS,
        "night_streamers": _acts(5, 4, 2, 5, 4, 2, 8, 14, 56),
        "machines": _MACHINES,
    },
)
_PER_DAY = 6.5
_BY_CLUSTER = tuple(6.0 if cluster == "machines" else 1.0 for cluster in CLUSTER.values)
_SPREAD = 0.8
_WEEK = (1.0, 1.0, 1.0, 1.05, 1.15, 0.9, 0.8)
_HOUR = {"day": (8, 17), "evening": (17, 24), "night": (0, 7)}
_CODES = {"call": 1, "message": 2, "data": 3}


def happened(days: DataFrame, world: World) -> DataFrame:
    """A row per call, message or session: `act`, e.g. `call:evening`, beside the columns of `days`."""
    dice = Dice(world.seed)
    tail = F.exp(dice.normal("usage tail", F.col("customer")) * F.lit(_SPREAD))
    level = number_at(_BY_CLUSTER, F.col("cluster"))
    week = by_date(world, lambda day: weekday_factor(day, _WEEK))
    mean = F.lit(_PER_DAY) * tail * level * week * fading()
    rows = times(days, dice.geometric("usage", mean, F.col("customer"), F.col("day")))
    later = F.col("day") >= SHIFT
    acts = F.when(later, dice.mixed(LATER_ACTS, *ids())).otherwise(dice.mixed(EARLIER_ACTS, *ids()))
    return rows.withColumn("act", acts)


def raw(acts: DataFrame, world: World) -> DataFrame:
    """The records of the network."""
    dice = Dice(world.seed)
    seconds = F.ceil(F.exp(F.lit(4.2) + dice.normal("usage seconds", *ids())))
    megabytes = F.round(F.exp(F.lit(3.0) + F.lit(1.3) * dice.normal("usage volume", *ids())), 3)
    is_call, is_data = F.col("act").startswith("call"), F.col("act").startswith("data")
    charged = is_call & dice.chance("usage charged", 12, *ids())
    charge = F.when(charged, money(seconds * F.lit(0.02))).otherwise(F.lit(Decimal("0.00")).cast("decimal(18,2)"))
    return acts.select(
        "day",
        record_id().alias("record_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, _second(dice)).alias("started_at"),
        _code().alias("record_type"),
        F.when(is_call | is_data, seconds).cast("bigint").alias("seconds"),
        F.when(is_data, megabytes).alias("megabytes"),
        charge.alias("charge"),
        F.lit(world.currency).alias("currency"),
    )


def _second(dice: Dice) -> Column:
    chosen = F.lit(None).cast("bigint")
    for part, (first, last) in _HOUR.items():
        drawn = dice.whole("usage second", first * 3_600, last * 3_600 - 1, *ids())
        chosen = F.when(F.col("act").endswith(part), drawn).otherwise(chosen)
    return chosen


def _code() -> Column:
    chosen = F.lit(None).cast("string")
    for kind, code in _CODES.items():
        chosen = F.when(F.col("act").startswith(kind), F.lit(str(code))).otherwise(chosen)
    return chosen
