"""Pages and searches on the web, films watched and rated: what people like, and on which device."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.catalogue import TITLES_PER_GENRE
from strata.generate.days import by_date, ids, moment, record_id, times, waking_second
from strata.generate.draws import Dice, coded, word_at
from strata.generate.people import fading, phone_number
from strata.generate.traits import GENRE, PLATFORM, Mix, leaning
from strata.generate.world import World, weekday_factor

_GENRE = dict(GENRE.shares)
PLAYED_GENRES = Mix("genre of plays", GENRE, _GENRE, {g: leaning(_GENRE, {g: 80}) for g in GENRE.values})
SEARCHED_GENRES = Mix("genre of searches", GENRE, _GENRE, {g: leaning(_GENRE, {g: 70}) for g in GENRE.values})
_DEVICE = dict(PLATFORM.shares)
DEVICES = Mix("device", PLATFORM, _DEVICE, {d: leaning(_DEVICE, {d: 85}) for d in PLATFORM.values})
WATCHERS = 60
"""Percent of the customers who use the media service."""
LIKED, OTHERS = {"1": 2, "2": 5, "3": 15, "4": 38, "5": 40}, {"1": 10, "2": 20, "3": 35, "4": 25, "5": 10}
"""Stars for titles of the genre a person likes, and of the others."""
_WATCH_WEEK, _WEB_WEEK = (0.8, 0.8, 0.85, 0.9, 1.2, 1.4, 1.3), (1.1, 1.1, 1.1, 1.0, 1.0, 0.8, 0.8)
_PER_DAY = {"plays": 0.9, "views": 1.1}
_SPREAD = 0.6
_RATED, _SEARCHED, _SEARCHES_FILMS = 15, 25, 40
_PAGES = {"home": 30, "bill": 20, "tariffs": 15, "shop": 20, "travel": 7, "lessons": 5, "invest": 3}
_CODES = {"phone": "P", "tv": "T", "computer": "C", "tablet": "B"}


def _level(dice: Dice, name: str) -> Column:
    return F.exp(dice.normal(f"{name} tail", F.col("customer")) * F.lit(_SPREAD)) * F.lit(_PER_DAY[name])


def watched(days: DataFrame, world: World) -> DataFrame:
    """A row per play: `genre`, `device`, `stars` (NULL where it was not rated)."""
    dice = Dice(world.seed)
    week = by_date(world, lambda day: weekday_factor(day, _WATCH_WEEK))
    watchers = days.filter(dice.chance("watches", WATCHERS, F.col("customer")))
    count = dice.geometric("plays", _level(dice, "plays") * week * fading(), F.col("customer"), F.col("day"))
    rows = times(watchers, count)
    rows = rows.withColumn("played", dice.mixed(PLAYED_GENRES, *ids()))
    rows = rows.withColumn("device", dice.mixed(DEVICES, F.lit("play"), *ids()))
    likes = word_at(GENRE.values, F.col("genre")) == F.col("played")
    stars = F.when(likes, dice.symbol("stars", LIKED, *ids())).otherwise(dice.symbol("stars", OTHERS, *ids()))
    return rows.withColumn("stars", F.when(dice.chance("rated", _RATED, *ids()), stars))


def raw_plays(plays: DataFrame, world: World) -> DataFrame:
    """The log of the player; a rating closes a play."""
    dice = Dice(world.seed)
    title = F.concat_ws("-", F.lit("M"), "played", dice.whole("title", 1, TITLES_PER_GENRE, *ids()).cast("string"))
    return plays.select(
        "day",
        record_id().alias("play_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "play")).alias("began_at"),
        title.alias("title_id"),
        _device_code().alias("device_code"),
        dice.whole("play seconds", 120, 7_200, *ids()).alias("seconds"),
        F.col("stars").cast("bigint").alias("stars"),
    )


def _device_code() -> Column:
    return coded(_CODES, F.col("device"))


def browsed(days: DataFrame, world: World) -> DataFrame:
    """A row per page seen or search made: `is_search`, `topic` (a genre, where a search is for films), `device`."""
    dice = Dice(world.seed)
    week = by_date(world, lambda day: weekday_factor(day, _WEB_WEEK))
    count = dice.geometric("views", _level(dice, "views") * week * fading(), F.col("customer"), F.col("day"))
    rows = times(days, count).withColumn("device", dice.mixed(DEVICES, F.lit("view"), *ids()))
    is_search = dice.chance("search", _SEARCHED, *ids())
    for_film = is_search & dice.chance("search for films", _SEARCHES_FILMS, *ids())
    topic = F.when(for_film, dice.mixed(SEARCHED_GENRES, *ids())).otherwise(dice.symbol("page", _PAGES, *ids()))
    return rows.withColumns({"is_search": is_search, "topic": topic})


def raw_views(views: DataFrame, world: World) -> DataFrame:
    """The log of the web site and the app."""
    dice = Dice(world.seed)
    return views.select(
        "day",
        record_id().alias("view_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "view")).alias("seen_at"),
        F.when(F.col("is_search"), "S").otherwise("V").alias("action"),
        "topic",
        _device_code().alias("device_code"),
        dice.whole("view seconds", 2, 600, *ids()).alias("seconds"),
    )
