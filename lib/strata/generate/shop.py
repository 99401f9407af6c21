"""Purchases in the telco's own shop: how often, through which channel, what for, and before which holiday."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.campaigns import lift_factor
from strata.generate.catalogue import CITIES, PRICES, SHOP_CATEGORIES, STORES_PER_CITY, TIERS, VARIANTS
from strata.generate.days import by_date, ids, moment, money, record_id, times, waking_second, with_count
from strata.generate.draws import Dice, coded, number_at, place_of, word_at
from strata.generate.people import fading, phone_number
from strata.generate.traits import BENEFIT, PURCHASE_CHANNEL, PURCHASE_CLASS, SEASON, Mix, Rate, leaning
from strata.generate.world import World, days_to_holiday, weekday_factor

PURCHASES = Rate("purchases", PURCHASE_CLASS, {"high": 0.24, "medium": 0.065, "low": 0.012, "never": 0.0002})
_WEEK = (0.9, 0.85, 0.9, 1.0, 1.2, 1.25, 0.9)
ADVENT, ADVENT_FACTOR = 24, 1.3

GIFT_BANDS = {"early": (21, 54), "middle": (8, 20), "late": (0, 7)}
"""Days before the holiday, first and last."""
_EVENLY = {"early": 62, "middle": 24, "late": 14}
GIFTS = Mix(
    "lead of gifts",
    SEASON,
    _EVENLY,
    {"early": {"early": 92, "middle": 6, "late": 2}, "late": {"early": 6, "middle": 14, "late": 80}},
)
GIFTS_PER_SEASON, GIFTS_OF_NEVER = 4.0, 0.1
"""Baskets with presents of a person in a season; what of these those have who never buy."""

CHANNELS = Mix(
    "channel of purchases",
    PURCHASE_CHANNEL,
    {"store": 40, "web": 32, "app": 28},
    {own: {c: 84 if c == own else 8 for c in PURCHASE_CHANNEL.values} for own in PURCHASE_CHANNEL.values},
)
_CATEGORY = dict(zip(SHOP_CATEGORIES, (16, 14, 14, 10, 8, 12, 10, 8, 8), strict=True))
CATEGORIES = Mix(
    "category",
    BENEFIT,
    _CATEGORY,
    {
        "convenience": leaning(_CATEGORY, {"ready_meals": 40, "accessories": 20}),
        "affordability": leaning(_CATEGORY, {"staples": 40}),
        "quality": leaning(_CATEGORY, {"electronics": 34, "clothes": 22}),
        "health": leaning(_CATEGORY, {"fresh": 34, "organic": 22}),
        "sustainability": leaning(_CATEGORY, {"organic": 24, "eco_home": 36}),
    },
)
_TIER = {"budget": 40, "middle": 40, "premium": 20}
BRAND_TIERS = Mix(
    "brand tier",
    BENEFIT,
    _TIER,
    {
        "affordability": {"budget": 80, "middle": 16, "premium": 4},
        "quality": {"budget": 5, "middle": 25, "premium": 70},
        "sustainability": {"budget": 15, "middle": 45, "premium": 40},
    },
)
DISCOUNTS = Mix("discounts", BENEFIT, {"yes": 25, "no": 75}, {"affordability": {"yes": 65, "no": 35}})
_LINES = {"1": 50, "2": 28, "3": 15, "4": 7}
_LINES_AT_MOST = 4
_QUANTITY = {"1": 80, "2": 15, "3": 5}
_CODES = {"store": "1", "web": "2", "app": "3"}


def expected(days: DataFrame, world: World) -> DataFrame:
    """`days` with the person's own daily `rate` of purchases, and `exposure`: what multiplies it on the day."""
    dice = Dice(world.seed)
    calendar = by_date(world, lambda day: weekday_factor(day, _WEEK) * _advent(days_to_holiday(day)))
    noise = dice.one_of("noise of purchases", PURCHASES.noise, F.col("customer"))
    own = number_at([PURCHASES.per_day[v] for v in PURCHASE_CLASS.values], F.col("purchase_class")) * noise
    return days.withColumns({"exposure": calendar * lift_factor(dice) * fading(), "rate": own})


def _advent(lead: int) -> float:
    return ADVENT_FACTOR if 0 < lead <= ADVENT else 1.0


def visited(days: DataFrame, world: World) -> DataFrame:
    """A row per basket: `is_gift`, `lead` (band before the holiday, of gifts), `channel`, `exposure`."""
    dice = Dice(world.seed)
    rows = with_count(expected(days, world), dice, "regular", F.col("rate") * F.col("exposure"), 4)
    rows = with_count(rows.withColumn("lead", _band(world)), dice, "gifts", _gifts_per_day(), 2)
    rows = times(rows, F.col("regular") + F.col("gifts"))
    is_gift = F.col("i") > F.col("regular")
    return rows.withColumns({"is_gift": is_gift, "channel": dice.mixed(CHANNELS, *ids())}).drop("regular", "gifts")


def _band(world: World) -> Column:
    bands = [_band_of(days_to_holiday(world.date_of(day))) for day in range(world.days)]
    return F.nullif(word_at(bands, F.col("day")), F.lit(""))


def _band_of(lead: int) -> str:
    return next((band for band, (first, last) in GIFT_BANDS.items() if first <= lead <= last), "")


def _gifts_per_day() -> Column:
    """Mean of the gift baskets of a day: a season's gifts by the percentage of their band, evenly over its days."""
    rates = [_gift_rate(value, band) for value in (None, *SEASON.values) for band in GIFT_BANDS]
    band = place_of(GIFT_BANDS, F.col("lead"))
    row, strength = (F.col("season") + 1) * len(GIFT_BANDS), F.col("season_strength") / 100
    rate = strength * number_at(rates, row + band) + (1 - strength) * number_at(rates, band)
    buys = F.when(F.col("purchase_class") == PURCHASE_CLASS.values.index("never"), GIFTS_OF_NEVER).otherwise(1.0)
    return F.when(F.col("lead").isNotNull(), rate * buys).otherwise(F.lit(0.0))


def _gift_rate(value: str | None, band: str) -> float:
    first, last = GIFT_BANDS[band]
    percent = (GIFTS.base if value is None else GIFTS.table(value))[band]
    return GIFTS_PER_SEASON * percent / 100 / (last - first + 1)


def bought(baskets: DataFrame, world: World) -> DataFrame:
    """A row per line of a basket: `line`, `category`, `brand_tier`, `is_discounted` (yes, no)."""
    dice = Dice(world.seed)
    rows = times(baskets, dice.symbol("lines", _LINES, *ids()).cast("int"), "line")
    what = (*ids(), F.col("line"))
    category = F.when(F.col("is_gift"), F.lit("gifts")).otherwise(dice.mixed(CATEGORIES, *what))
    tier, discounted = dice.mixed(BRAND_TIERS, *what), dice.mixed(DISCOUNTS, *what)
    return rows.withColumns({"category": category, "brand_tier": tier, "is_discounted": discounted})


def raw(lines: DataFrame, world: World) -> DataFrame:
    """The receipts' lines as the shop delivers them."""
    dice = Dice(world.seed)
    what = (*ids(), F.col("line"))
    rows = lines.withColumn("variant", dice.whole("variant", 1, VARIANTS, *what))
    rows = rows.withColumn("quantity", dice.symbol("quantity", _QUANTITY, *what).cast("bigint"))
    prices = [price for category in PRICES.values() for price in category]
    of_product = place_of(PRICES, F.col("category")) * len(TIERS) + place_of(TIERS, F.col("brand_tier"))
    price = number_at(prices, of_product) * (F.lit(0.8) + F.col("variant") * F.lit(0.1))
    listed, drawn = price * F.col("quantity"), dice.one_of("off", (0.1, 0.15, 0.2, 0.3), *what)
    off = F.when(F.col("is_discounted") == "yes", drawn).otherwise(F.lit(0.0))
    rows = rows.withColumns({"listed": money(listed), "off": money(listed * off)})
    return rows.select(
        "day",
        (record_id() * (_LINES_AT_MOST + 1) + F.col("line")).alias("line_id"),
        record_id().alias("receipt_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "purchase")).alias("sold_at"),
        F.concat_ws("-", F.lit("P"), "category", "brand_tier", F.col("variant").cast("string")).alias("product_id"),
        F.when(F.col("channel") == "store", _store(dice)).alias("store_id"),
        coded(_CODES, F.col("channel")).alias("channel_code"),
        "quantity",
        (F.col("listed") - F.col("off")).cast("decimal(18,2)").alias("paid"),
        F.col("listed").alias("listed"),
        F.col("off").alias("discount"),
        F.lit(world.currency).alias("currency"),
    )


def _store(dice: Dice) -> Column:
    """A store of the person's own city, most often."""
    away = dice.whole("other city", 0, len(CITIES) - 1, *ids())
    city = F.when(dice.chance("shops at home", 90, *ids()), F.col("home_city")).otherwise(away)
    shop = dice.whole("store", 1, STORES_PER_CITY, *ids())
    return F.concat_ws("-", F.lit("S"), word_at([c.code for c in CITIES], city), shop.cast("string"))
