"""Profiles of subscribers, a version for each day on which one changes; and what they consent to."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.catalogue import CITIES, DISTRICTS, MICRO_DISTRICTS
from strata.generate.days import date_of, times
from strata.generate.draws import Dice, coded, word_at
from strata.generate.people import NEVER, phone_number
from strata.generate.traits import CLUSTER, LIFE_STAGE, VALUE_TIER, Mix
from strata.generate.world import World

HOUSEHOLDS = Mix(
    "household",
    LIFE_STAGE,
    {"single": 30, "couple": 30, "parents": 32, "single parent": 8},
    {
        "young_adult": {"single": 66, "couple": 28, "parents": 4, "single parent": 2},
        "family": {"single": 1, "couple": 4, "parents": 81, "single parent": 14},
        "retiree": {"single": 40, "couple": 57, "parents": 2, "single parent": 1},
        "home_buyer": {"single": 15, "couple": 50, "parents": 32, "single parent": 3},
    },
)
INCOMES = Mix(
    "income",
    LIFE_STAGE,
    {"low": 30, "middle": 42, "high": 22, "very high": 6},
    {
        "young_adult": {"low": 46, "middle": 42, "high": 11, "very high": 1},
        "retiree": {"low": 58, "middle": 34, "high": 7, "very high": 1},
        "business_owner": {"low": 5, "middle": 27, "high": 50, "very high": 18},
        "high_net_worth": {"low": 0, "middle": 2, "high": 18, "very high": 80},
    },
)
HOMES = Mix(
    "home",
    LIFE_STAGE,
    {"owner": 50, "renter": 34, "mortgage": 16},
    {
        "young_adult": {"owner": 14, "renter": 80, "mortgage": 6},
        "retiree": {"owner": 90, "renter": 8, "mortgage": 2},
        "home_buyer": {"owner": 4, "renter": 26, "mortgage": 70},
        "high_net_worth": {"owner": 90, "renter": 4, "mortgage": 6},
    },
)
_CHILDREN = {"1": 45, "2": 40, "3": 15}
TARIFFS = Mix(
    "tariff",
    VALUE_TIER,
    {"Базовий": 40, "Сімейний": 30, "Безлім": 22, "Преміум": 8},
    {
        "key": {"Базовий": 10, "Сімейний": 20, "Безлім": 30, "Преміум": 40},
        "growth": {"Базовий": 20, "Сімейний": 30, "Безлім": 40, "Преміум": 10},
        "niche": {"Базовий": 64, "Сімейний": 24, "Безлім": 10, "Преміум": 2},
    },
)
ROUTERS = Mix("router", CLUSTER, {"yes": 2, "no": 98}, {"machines": {"yes": 70, "no": 30}})
_ROUTER = "Router 4"
_MODELS = {"Nova 1": "feature phone", "Nova 5": "smartphone", "Orion S": "smartphone", "Orion Max": "flagship",
           "Lira X": "flagship", _ROUTER: "router"}  # fmt: skip
_MODEL = {"Nova 1": 12, "Nova 5": 36, "Orion S": 28, "Orion Max": 13, "Lira X": 11}
_CHANGES_WITHIN = 1_092
_PERCENT = {"tariff": 50, "device": 40, "birth": 6, "move": 8}
"""How many change what within three years."""
_DATES = ("activated", "left", "suspended", "resumed", *(f"{what}_on" for what in _PERCENT))


def changed(customers: DataFrame, world: World) -> DataFrame:
    """A row per version of a subscriber within the world's days: `day` on which it begins to hold.

    Args:
        customers: of `people.make_customers`.
        world: its days.
    """
    rows = with_demography(customers, world)
    begins = F.greatest(F.col("registered"), F.lit(0))
    dates = F.array(begins, *(F.col(c) for c in _DATES))
    valid = F.filter(F.array_distinct(dates), lambda day: (day >= begins) & (day <= F.col("left")) & (day < world.days))
    return rows.withColumn("day", F.explode(valid)).withColumn("day", F.col("day").cast("int"))


def with_demography(customers: DataFrame, world: World) -> DataFrame:
    """Rows with a column `customer`, and beside it who that is.

    Returns:
        `household`, `income` (perhaps NULL), `home`, `first_tariff`, `next_tariff`, `has_router`, and
        the days (`NEVER` where it does not happen) `tariff_on`, `device_on`, `birth_on`, `move_on` of changes.
    """
    dice, customer = Dice(world.seed), F.col("customer")
    return customers.withColumns(
        {
            "household": dice.mixed(HOUSEHOLDS, customer),
            "income": F.when(dice.chance("income known", 80, customer), dice.mixed(INCOMES, customer)),
            "home": dice.mixed(HOMES, customer),
            "first_tariff": dice.mixed(TARIFFS, customer),
            "next_tariff": dice.mixed(TARIFFS, customer, F.lit(2)),
            "has_router": dice.mixed(ROUTERS, customer),
            **_change_days(dice),
        }
    )


def _change_days(dice: Dice) -> dict[str, Column]:
    customer = F.col("customer")
    return {
        f"{what}_on": F.when(
            dice.chance(f"{what} changes", percent, customer),
            dice.whole(f"{what} changes on", 30, _CHANGES_WITHIN, customer),
        ).otherwise(F.lit(NEVER))
        for what, percent in _PERCENT.items()
    }


def raw(versions: DataFrame, world: World) -> DataFrame:
    """The profiles as the CRM delivers them: the whole row whenever something changes."""
    dice, customer, day = Dice(world.seed), F.col("customer"), F.col("day")
    has_changed = {what: day >= F.col(f"{what}_on") for what in _PERCENT}
    rows = versions.withColumn("model", _model(dice, has_changed["device"]))
    rows = rows.withColumn("children", _children(dice, has_changed["birth"]))
    adults = F.when(F.col("household").isin("couple", "parents"), 2).otherwise(1)
    return rows.select(
        "day",
        phone_number(customer).alias("msisdn"),
        date_of(world).alias("valid_from"),
        date_of(world, F.col("registered")).alias("registered_on"),
        _status().alias("status_code"),
        dice.symbol("sex", {"F": 52, "M": 46, "": 2}, customer).alias("sex"),
        _birth_date(dice, world).alias("born_on"),
        (adults + F.col("children")).cast("bigint").alias("household_size"),
        F.col("children").cast("bigint").alias("children"),
        F.col("household").alias("household_type"),
        dice.symbol("marital", {"married": 52, "single": 36, "divorced": 12}, customer).alias("marital_status"),
        F.col("income").alias("income_band"),
        F.col("home").alias("home_ownership"),
        _home(dice, has_changed["move"]).alias("home_place"),
        F.when(has_changed["tariff"], F.col("next_tariff")).otherwise(F.col("first_tariff")).alias("tariff"),
        F.col("model").alias("device_model"),
        coded(_MODELS, F.col("model")).alias("device_class"),
    )


def _model(dice: Dice, has_changed: Column) -> Column:
    first, later = (dice.symbol(f"{name}model", _MODEL, F.col("customer")) for name in ("", "next "))
    return F.when(F.col("has_router") == "yes", _ROUTER).when(has_changed, later).otherwise(first)


def _status() -> Column:
    day = F.col("day")
    is_suspended = (F.col("suspended") <= day) & (day < F.col("resumed"))
    return (
        F.when(day >= F.col("left"), "F")
        .when(day < F.col("activated"), "P")
        .when(is_suspended, "S")
        .otherwise("A")
    )  # fmt: skip


def _children(dice: Dice, is_born: Column) -> Column:
    customer = F.col("customer")
    parents = F.col("household").isin("parents", "single parent")
    count = F.when(parents, dice.symbol("children", _CHILDREN, customer).cast("int")).otherwise(0)
    return count + F.when(is_born & F.col("household").isin("couple", "parents"), 1).otherwise(0)


def _birth_date(dice: Dice, world: World) -> Column:
    """Within the years of the age band, as of the first day."""
    low, high = (F.split_part("band", F.lit("-"), F.lit(n)).cast("int") for n in (1, 2))
    days = low * F.lit(365.25) + dice.uniform("birthday", F.col("customer")) * (high - low + 1) * F.lit(365.25)
    return F.date_sub(F.lit(world.starts_on), F.ceil(days).cast("int"))


def _home(dice: Dice, has_moved: Column) -> Column:
    def place(name: str, city: Column) -> Column:
        district = dice.whole(f"{name} district", 1, DISTRICTS, F.col("customer"))
        micro = dice.whole(f"{name} micro-district", 1, MICRO_DISTRICTS, F.col("customer"))
        code = word_at([c.code for c in CITIES], city)
        return F.concat_ws("-", F.lit("H"), code, district.cast("string"), micro.cast("string"))

    next_one = dice.whole("next city", 0, len(CITIES) - 1, F.col("customer"))
    return F.when(has_moved, place("next", next_one)).otherwise(place("home", F.col("home_city")))


PURPOSES = {"profiling": 97, "sms_marketing": 62, "email_marketing": 55}
"""Purpose -> percent who allow it (profiling: who do not object)."""


def consented(customers: DataFrame, world: World) -> DataFrame:
    """A row per customer and purpose, on the day of registration or the first day: what the customer said.

    A missing objection to profiling is not delivered, a missing consent is delivered as not granted.
    """
    dice, customer = Dice(world.seed), F.col("customer")
    begins = F.greatest(F.col("registered"), F.lit(0)).cast("int")
    rows = customers.withColumn("day", begins).filter(F.col("day") < world.days)
    rows = times(rows, F.lit(len(PURPOSES)))
    said, purpose = F.lit(None).cast("boolean"), word_at(tuple(PURPOSES), F.col("i") - 1)
    for number, (name, percent) in enumerate(PURPOSES.items(), start=1):
        said = F.when(F.col("i") == number, dice.chance(f"allows {name}", percent, customer)).otherwise(said)
    rows = rows.withColumns({"purpose": purpose, "allows": said})
    objects = F.col("purpose") == "profiling"
    return rows.filter(~(objects & F.col("allows"))).select(
        "day",
        phone_number(customer).alias("msisdn"),
        "purpose",
        F.when(objects, "objection").otherwise("consent").alias("basis"),
        (F.col("allows") | objects).alias("granted"),
        date_of(world).alias("valid_from"),
    )
