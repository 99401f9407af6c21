"""Customers: what drives them, and from when to when they are there."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.generate.catalogue import CITIES
from strata.generate.draws import Dice, number_at, place_of, word_at
from strata.generate.ties import AGES, BANDS, BY_AGE, BY_PLACE, SIZES, TIES, Tie
from strata.generate.traits import CLUSTER, DRAWN, HUNDRED, LATER_CLUSTER, hundred
from strata.generate.world import World

NEVER = 1_000_000
"""The number of a day that does not come."""
_BLOCK, _MOST_TASKS = 10_000, 64
_OLDEST_DAYS, _LAST_ARRIVAL_DAY = 2_000, 1_092
_MEAN_STAY_DAYS = 1_500.0
_LAST_SUSPENSION_DAY = 728
_SUBSCRIBER_NUMBERS = 1_000_000_000
_COUNTRY, _FACTOR = 380, 774_840_979
_FADING_DAYS, _FADED = 28, 0.4
_FIRST_SIZE = 1 + len(BANDS)


def make_customers(spark: SparkSession, world: World) -> DataFrame:
    """One row per customer: `customer` (bigint, from 1), traits, days of life; `with_people` names the columns."""
    blocks = spark.range(0, blocks_of(world), 1, min(blocks_of(world), _MOST_TASKS))
    rows = blocks.select(numbers_of_block(F.col("id"), world).alias("customer"))
    return with_people(rows, Dice(world.seed))


def numbers_of_block(block: Column, world: World) -> Column:
    """The customers of a block of ten thousand, a row each."""
    last = F.least((block + 1) * _BLOCK, F.lit(world.customers))
    return F.explode(F.sequence(block * _BLOCK + 1, last))


def blocks_of(world: World) -> int:
    """How many blocks of customers there are."""
    return -(-world.customers // _BLOCK)


def with_people(rows: DataFrame, dice: Dice) -> DataFrame:
    """Rows with a column `customer`, and beside it who that is.

    Returns:
        Per trait its value's number (int) and `<trait>_strength` (percent, double); `registered`, `activated`, `left`,
        `suspended`, `resumed` (numbers of days, `NEVER` where it does not happen; `registered` may be negative);
        `band` (of age on the first day), `home_city` (its number, before any move).
    """
    customer = F.col("customer")
    drawn = {t.name: dice.value_of(t, customer) for t in DRAWN}
    strengths = {f"{t.name}_strength": dice.one_of(f"strength {t.name}", t.strengths, customer) for t in DRAWN}
    rows = rows.withColumns({**drawn, **strengths, **_arrivals(dice)})
    strength = {f"{LATER_CLUSTER.name}_strength": F.col(f"{CLUSTER.name}_strength")}
    rows = rows.withColumns({LATER_CLUSTER.name: _later(dice), **strength})
    home = dice.whole("home city", 0, len(CITIES) - 1, customer)
    rows = rows.withColumns({"band": dice.mixed(AGES, customer), "home_city": home})
    rows = rows.withColumns({tie.trait.name: _tied(dice, tie) for tie in TIES})
    rows = rows.withColumns(_begins(dice))
    return rows.withColumns(_ends(dice))


def _later(dice: Dice) -> Column:
    cluster, values = F.col(CLUSTER.name), LATER_CLUSTER.values
    became = {
        "streamers": F.when(dice.chance("split", 50, F.col("customer")), values.index("night_streamers")).otherwise(
            values.index("streamers")
        ),
        "machines": F.lit(values.index("machines")),
    }
    chosen = F.lit(values.index("chatters"))
    for value, after in became.items():
        chosen = F.when(cluster == CLUSTER.values.index(value), after).otherwise(chosen)
    return chosen.cast("int")


def _tied(dice: Dice, tie: Tie) -> Column:
    """A value of the trait: by the table of the person's age, of the person's city, or of everybody."""
    name, customer = tie.trait.name, F.col("customer")
    age = place_of(BANDS, F.col("band")) + 1
    place = number_at([_FIRST_SIZE + SIZES.index(city.size) for city in CITIES], F.col("home_city"))
    which = F.pmod(dice.roll(f"whose {name}", customer), F.lit(HUNDRED))
    row = F.when(which < BY_AGE, age).when(which < BY_AGE + BY_PLACE, place).otherwise(F.lit(0))
    values = [tie.trait.values.index(word) for table in tie.tables() for word in hundred(table)]
    drawn = F.pmod(dice.roll(f"trait {name}", customer), F.lit(HUNDRED))
    return number_at(values, row * HUNDRED + drawn).cast("int")


def _arrivals(dice: Dice) -> dict[str, Column]:
    """Four fifths were there before; the others come over three years, however many of these are delivered."""
    customer = F.col("customer")
    before = dice.whole("oldest", -_OLDEST_DAYS, -1, customer)
    after = dice.whole("arrival", 0, _LAST_ARRIVAL_DAY, customer)
    return {"registered": F.when(dice.chance("newcomer", 20, customer), after).otherwise(before)}


def _begins(dice: Dice) -> dict[str, Column]:
    """Newcomers are prospects for up to a month; some prospects never become subscribers."""
    customer, registered = F.col("customer"), F.col("registered")
    begun = F.when(registered < 0, registered).otherwise(registered + dice.whole("prospect", 0, 30, customer))
    return {"activated": F.when(dice.chance("only prospect", 3, customer), F.lit(NEVER)).otherwise(begun)}


def _ends(dice: Dice) -> dict[str, Column]:
    """A stay has no memory: counted from the first day or the activation, its length is exponential."""
    customer = F.col("customer")
    stay = F.ceil(-F.log(dice.uniform("stay", customer)) * F.lit(_MEAN_STAY_DAYS))
    left = F.when(F.col("activated") < NEVER, F.greatest(F.col("activated"), F.lit(0)) + stay).otherwise(F.lit(NEVER))
    begun = dice.whole("suspended", 14, _LAST_SUSPENSION_DAY, customer)
    is_suspended = dice.chance("suspended at all", 6, customer) & (begun > F.col("activated")) & (begun + 70 < left)
    length = dice.whole("suspended for", 14, 60, customer)
    return {
        "left": left,
        "suspended": F.when(is_suspended, begun).otherwise(F.lit(NEVER)),
        "resumed": F.when(is_suspended, begun + length).otherwise(F.lit(NEVER)),
    }


def is_active(day: Column) -> Column:
    """Is a customer of `with_people` served on a day?"""
    is_there = (F.col("activated") <= day) & (day < F.col("left"))
    return is_there & ~((F.col("suspended") <= day) & (day < F.col("resumed")))


def fading() -> Column:
    """The share of usage that is left on `day`: those who leave use less in their last four weeks."""
    return F.when(F.col("left") - F.col("day") <= _FADING_DAYS, F.lit(_FADED)).otherwise(F.lit(1.0))


def phone_number(customer: Column) -> Column:
    """A Ukrainian number, 12 digits (bigint); a permutation, so that neighbours are nobody's neighbours."""
    return F.lit(_COUNTRY * _SUBSCRIBER_NUMBERS) + F.pmod(customer * F.lit(_FACTOR), F.lit(_SUBSCRIBER_NUMBERS))


def values_in_words() -> Iterator[Column]:
    """The traits of `with_people` as words, for people."""
    for trait in (*DRAWN, LATER_CLUSTER):
        yield word_at(trait.values, F.col(trait.name)).alias(trait.name)
