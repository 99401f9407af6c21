"""Trips booked with the telco, and the roaming days they bring: by who travels, and what for."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.days import by_date, date_of, ids, money, record_id
from strata.generate.draws import Dice, number_at, place_of
from strata.generate.people import phone_number
from strata.generate.traits import TRAVELLER, Mix, leaning
from strata.generate.world import World

PERIOD = 28
"""At most one trip begins in each four weeks, and it ends within them."""
TRIPS = Mix(
    "trips",
    TRAVELLER,
    {"yes": 8, "no": 92},
    {
        "business": {"yes": 55, "no": 45},
        "adventure": {"yes": 18, "no": 82},
        "luxury": {"yes": 20, "no": 80},
        "family": {"yes": 16, "no": 84},
        "solo": {"yes": 18, "no": 82},
        "backpacker": {"yes": 22, "no": 78},
        "none": {"yes": 1, "no": 99},
    },
)
_COUNTRY = {"PL": 20, "DE": 14, "TR": 16, "EG": 12, "IT": 10, "ES": 8, "GB": 8, "GE": 6, "NP": 3, "MV": 3}
COUNTRIES = Mix(
    "country",
    TRAVELLER,
    _COUNTRY,
    {
        "business": leaning(_COUNTRY, {"PL": 34, "DE": 34, "GB": 18}),
        "adventure": leaning(_COUNTRY, {"GE": 40, "NP": 30}),
        "luxury": leaning(_COUNTRY, {"MV": 40, "IT": 26}),
        "family": leaning(_COUNTRY, {"TR": 42, "EG": 34}),
        "solo": leaning(_COUNTRY, {"IT": 30, "ES": 30}),
        "backpacker": leaning(_COUNTRY, {"GE": 26, "NP": 20, "PL": 30}),
    },
)
_LODGING = {"hostel": 15, "apartment": 25, "hotel3": 30, "hotel4": 20, "hotel5": 10}
LODGINGS = Mix(
    "lodging",
    TRAVELLER,
    _LODGING,
    {
        "business": leaning(_LODGING, {"hotel4": 60}),
        "adventure": leaning(_LODGING, {"apartment": 60}),
        "luxury": leaning(_LODGING, {"hotel5": 85}),
        "family": leaning(_LODGING, {"hotel4": 40, "apartment": 40}),
        "solo": leaning(_LODGING, {"hotel3": 55}),
        "backpacker": leaning(_LODGING, {"hostel": 85}),
    },
)
PURPOSES = Mix(
    "purpose",
    TRAVELLER,
    {"business": 20, "leisure": 55, "family": 25},
    {
        "business": {"business": 85, "leisure": 10, "family": 5},
        "family": {"business": 5, "leisure": 15, "family": 80},
        "solo": {"business": 10, "leisure": 85, "family": 5},
        "backpacker": {"business": 2, "leisure": 93, "family": 5},
    },
)
COMPANIONS = {
    "business": {"alone": 75, "partner": 5, "family": 2, "group": 18},
    "leisure": {"alone": 30, "partner": 40, "family": 5, "group": 25},
    "family": {"alone": 3, "partner": 12, "family": 80, "group": 5},
}
NIGHTS = {
    "business": {"1": 25, "2": 30, "3": 25, "4": 12, "7": 8},
    "leisure": {"2": 10, "3": 15, "4": 20, "7": 35, "10": 20},
    "family": {"3": 10, "4": 15, "7": 45, "10": 30},
}
"""Purpose of a trip -> who comes along, and nights: what the purpose is to be told from."""
_LONGEST = 10
_PRICES = {"hostel": 900.0, "apartment": 1_900.0, "hotel3": 2_300.0, "hotel4": 3_900.0, "hotel5": 9_500.0}
_PER_ROAMING_DAY = 89.0


def travelled(days: DataFrame, world: World) -> DataFrame:
    """A row per day on which a trip may begin or goes on: whether it does, and what it is like.

    Returns:
        `is_trip` (yes, no: drawn once per customer and period), `begins`, `nights`, `country`, `lodging`, `purpose`,
        `companions`; the columns of `days`.
    """
    dice, period = Dice(world.seed), F.floor(F.col("day") / F.lit(PERIOD)).cast("int")
    of_trip = (F.col("customer"), F.col("period"))
    rows = days.withColumns({"period": period, "i": F.lit(1)})
    rows = rows.withColumn("is_trip", dice.mixed(TRIPS, *of_trip))
    rows = rows.withColumn("purpose", dice.mixed(PURPOSES, *of_trip))
    rows = rows.withColumn("nights", _by_purpose(dice, "nights", NIGHTS).cast("int"))
    begins = F.col("period") * PERIOD + dice.whole("trip begins", 0, PERIOD - _LONGEST - 1, *of_trip)
    return rows.withColumns(
        {
            "begins": begins.cast("int"),
            "country": dice.mixed(COUNTRIES, *of_trip),
            "lodging": dice.mixed(LODGINGS, *of_trip),
            "companions": _by_purpose(dice, "companions", COMPANIONS),
        }
    )


def _by_purpose(dice: Dice, name: str, tables: dict[str, dict[str, int]]) -> Column:
    chosen = F.lit(None).cast("string")
    for purpose, shares in tables.items():
        drawn = dice.symbol(name, shares, F.col("customer"), F.col("period"))
        chosen = F.when(F.col("purpose") == purpose, drawn).otherwise(chosen)
    return chosen


def departed(days: DataFrame, world: World) -> DataFrame:
    """The rows of `travelled` that are the first day of a trip."""
    rows = travelled(days, world)
    return rows.filter((F.col("is_trip") == "yes") & (F.col("day") == F.col("begins")))


def roamed(days: DataFrame, world: World) -> DataFrame:
    """A row per day abroad."""
    rows = travelled(days, world)
    is_away = F.col("day").between(F.col("begins"), F.col("begins") + F.col("nights"))
    return rows.filter((F.col("is_trip") == "yes") & is_away)


def raw_trips(trips: DataFrame, world: World) -> DataFrame:
    """The bookings; they come on the day of departure."""
    dice = Dice(world.seed)
    a_night = number_at(list(_PRICES.values()), place_of(_PRICES, F.col("lodging")))
    price = a_night * F.col("nights") * dice.one_of("trip price", (0.8, 0.9, 1.0, 1.2), *ids())
    summer = by_date(world, lambda day: 1.3 if day.month in (6, 7, 8) else 1.0)
    return trips.select(
        "day",
        record_id().alias("booking_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        date_of(world).alias("departs_on"),
        "country",
        F.col("nights").cast("bigint").alias("nights"),
        "companions",
        "lodging",
        dice.symbol("trip channel", {"1": 55, "2": 45}, *ids()).alias("channel_code"),
        money(price * summer).alias("paid"),
        F.lit(world.currency).alias("currency"),
    )


def raw_roaming(away: DataFrame, world: World) -> DataFrame:
    """The days abroad as partner networks report them."""
    dice = Dice(world.seed)
    volume = F.round(F.exp(F.lit(4.0) + dice.normal("roaming volume", *ids())), 3)
    return away.select(
        "day",
        record_id().alias("record_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        date_of(world).alias("used_on"),
        "country",
        volume.alias("megabytes"),
        money(F.lit(_PER_ROAMING_DAY)).alias("charge"),
        F.lit(world.currency).alias("currency"),
    )


def truth_of_trips(trips: DataFrame, world: World) -> DataFrame:
    """What each trip was for: `booking_id`, `customer`, `purpose`; never delivered."""
    del world
    return trips.select("day", record_id().alias("booking_id"), "customer", "purpose")
