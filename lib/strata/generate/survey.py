"""A survey about benefits and attitudes: one wide sheet, a column per question."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.generate.days import date_of, record_id
from strata.generate.draws import Dice
from strata.generate.people import phone_number
from strata.generate.traits import BENEFIT, PSYCHOGRAPHIC, Mix, Shares, Trait
from strata.generate.world import World

PERIOD = 182
RESPONDENTS = 40
"""Percent of the customers who answer, once in each half year."""
_ANSWER = {"1": 10, "2": 22, "3": 33, "4": 23, "5": 12}
_AGREED = {"1": 2, "2": 5, "3": 13, "4": 35, "5": 45}


def _agrees(name: str, trait: Trait, value: str) -> Mix:
    own: dict[str, Shares] = {value: _AGREED}
    return Mix(f"answer to {name}", trait, _ANSWER, own)


_BENEFITS = tuple(value for value in BENEFIT.values if value != "no_clear_preference")
SHEET = {
    **{f"q{n}_{value}": _agrees(value, BENEFIT, value) for n, value in enumerate(_BENEFITS, start=1)},
    **{f"s{n}_{value}": _agrees(value, PSYCHOGRAPHIC, value) for n, value in enumerate(PSYCHOGRAPHIC.values, start=1)},
}
"""Column of the sheet -> how it is answered, 1 (not at all) to 5 (very much)."""


def answered(days: DataFrame, world: World) -> DataFrame:
    """A row per sheet: a column per question, its answer in words."""
    dice, wave = Dice(world.seed), F.floor(F.col("day") / F.lit(PERIOD))
    on = dice.whole("surveyed on", 0, PERIOD - 1, F.col("customer"), wave)
    asked = (F.pmod(F.col("day"), F.lit(PERIOD)) == on) & dice.chance("answers surveys", RESPONDENTS, F.col("customer"))
    rows = days.filter(asked).withColumn("i", F.lit(1))
    return rows.withColumns({name: dice.mixed(mix, F.col("customer"), wave) for name, mix in SHEET.items()})


def raw(sheets: DataFrame, world: World) -> DataFrame:
    """The sheet as the agency delivers it; numbers are written with 00 instead of a plus."""
    return sheets.select(
        "day",
        record_id().cast("string").alias("sheet_id"),
        F.concat(F.lit("00"), phone_number(F.col("customer")).cast("string")).alias("phone"),
        F.date_format(date_of(world), "yyyy-MM-dd").alias("answered_on"),
        *SHEET,
    )
