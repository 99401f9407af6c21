"""What the best judge of traits looks at: every act that a trait drives, counted per customer.

Left out, because a likelihood would need more than a table: how much a machine uses the network, that who never buys
gives few presents, and that who is there for a part of a season only cannot give in the rest. The bounds of `cluster`,
`later_cluster`, `purchase_class` and `season` are lower ones by that; all others are exact for the model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.generate import campaigns, learning, leisure, shop, subscribers, survey, travel, usage, wallet
from strata.generate.catalogue import CITIES
from strata.generate.days import active_days
from strata.generate.draws import word_at
from strata.generate.people import make_customers
from strata.generate.ties import AGES, BANDS, SIZES, TIES, Tie
from strata.generate.traits import GENRE, HUNDRED, SKILLS, Mix, Rate, Trait
from strata.generate.world import SHIFT, World

Step = Callable[[DataFrame, World], DataFrame]
Percents = Mapping[str, float]


@dataclass(frozen=True)
class Table:
    """Percentages of acts: everybody's, and for each value of the trait; `is_mixed`: by the person's strength.

    `is_act` False: it says who a person is. Of whom nothing else is known, no act is known.
    """

    name: str
    trait: Trait
    base: Percents
    own: Mapping[str, Percents]
    is_mixed: bool = True
    is_act: bool = True


@dataclass(frozen=True)
class Look:
    """One pass over what happened.

    Attributes:
        steps: make the rows.
        acts: tables, each with the act of a row (NULL: none).
        rates: rates that a count of rows shows, each with what a row adds to it.
        exposures: rates, each with what a row adds to its exposure.
        over_customers: the rows arise from customers instead of their active days.
    """

    steps: tuple[Step, ...]
    acts: tuple[tuple[Table, Column], ...] = ()
    rates: tuple[tuple[Rate, Column], ...] = ()
    exposures: tuple[tuple[Rate, Column], ...] = ()
    over_customers: bool = False


def looks(world: World) -> tuple[Look, ...]:
    """All passes over a world."""
    is_later, is_gift, one = F.col("day") >= SHIFT, F.col("is_gift"), F.lit(1.0)
    used = (
        _seen(usage.EARLIER_ACTS, F.when(~is_later, F.col("act"))),
        _seen(usage.LATER_ACTS, F.when(is_later, F.col("act"))),
    )
    lines = (
        _seen(shop.CATEGORIES, F.when(~is_gift, F.col("category"))), _seen(shop.BRAND_TIERS, "brand_tier"),
        _seen(shop.DISCOUNTS, "is_discounted"),
    )  # fmt: skip
    baskets = (_seen(shop.CHANNELS, "channel"), _seen(shop.GIFTS, F.when(is_gift, F.col("lead"))))
    searched = F.when(F.col("is_search") & F.col("topic").isin(*GENRE.values), F.col("topic"))
    plays = (
        _seen(leisure.PLAYED_GENRES, "played"),
        _seen(leisure.DEVICES, "device"),
        (_stars(), F.concat(F.col("played"), F.lit(":"), F.col("stars"))),
    )
    views = (_seen(leisure.SEARCHED_GENRES, searched), _seen(leisure.DEVICES, "device"))
    scores = (_seen(mix, F.when(F.col("question") == q, F.col("score"))) for q, mix in wallet.SCORES.items())
    regular = (shop.PURCHASES, F.when(~is_gift, one))
    return (
        Look((usage.happened,), used),
        Look((shop.expected,), exposures=((shop.PURCHASES, F.col("exposure")),)),
        Look((shop.visited,), baskets, (regular,)),
        Look((shop.visited, shop.bought), lines),
        Look((wallet.expected,), exposures=((wallet.RECHARGES, F.col("exposure")),)),
        Look((wallet.recharged,), (_seen(wallet.SUMS, "sum"),), ((wallet.RECHARGES, one),)),
        Look((wallet.invested,), (_seen(wallet.FUNDS_BOUGHT, "fund"),)),
        Look((wallet.questioned,), tuple(scores)),
        Look((travel.travelled, _at_begin), (_seen(travel.TRIPS, "is_trip"),)),
        Look((travel.departed,), tuple(_of_trips())),
        Look((leisure.watched,), plays),
        Look((leisure.browsed,), views),
        Look((learning.taught,), tuple(_of_lessons())),
        Look((survey.answered,), tuple(_seen(mix, name) for name, mix in survey.SHEET.items())),
        Look((campaigns.responded,), (_seen(campaigns.RESPONSE_CHANNELS, "channel"),)),
        Look((campaigns.contacted,), (_seen(campaigns.SUPPORT_CHANNELS, "channel"),)),
        Look((subscribers.with_demography,), tuple(_of_profiles(world)), over_customers=True),
    )


def _seen(mix: Mix, act: Column | str) -> tuple[Table, Column]:
    own = {value: mix.table(value) for value in mix.trait.values}
    return Table(mix.name, mix.trait, mix.base, own), F.col(act) if isinstance(act, str) else act


def _sure(name: str, trait: Trait, own: Mapping[str, Percents]) -> Table:
    return Table(name, trait, {}, own, is_mixed=False)


def _at_begin(days: DataFrame, world: World) -> DataFrame:
    """One row per period: the day on which a trip would begin."""
    del world
    return days.filter(F.col("day") == F.col("begins"))


def _stars() -> Table:
    stars = {own: {g: leisure.LIKED if g == own else leisure.OTHERS for g in GENRE.values} for own in GENRE.values}
    flat = {own: {f"{g}:{s}": p for g, of in genres.items() for s, p in of.items()} for own, genres in stars.items()}
    return _sure("stars", GENRE, flat)


def _of_trips() -> Iterator[tuple[Table, Column]]:
    yield _seen(travel.COUNTRIES, "country")
    yield _seen(travel.LODGINGS, "lodging")
    purposes = travel.PURPOSES
    own = {value: _manners(purposes.table(value)) for value in purposes.trait.values}
    manner = F.concat(F.col("companions"), F.lit(":"), F.col("nights").cast("string"))
    yield Table("manner of trips", purposes.trait, _manners(purposes.base), own), manner


def _manners(purposes: Percents) -> Percents:
    """Companions and nights of a trip, whatever its purpose, which nobody sees."""
    found: dict[str, float] = {}
    for purpose, share in purposes.items():
        for who, alike in travel.COMPANIONS[purpose].items():
            for nights, long in travel.NIGHTS[purpose].items():
                key = f"{who}:{nights}"
                found[key] = found.get(key, 0.0) + share * alike * long / HUNDRED / HUNDRED
    return found


def _of_lessons() -> Iterator[tuple[Table, Column]]:
    yield _seen(learning.FORMATS, "format")
    done = F.concat(F.col("level"), F.lit(":"), F.col("is_completed").cast("string"))
    taken = learning.TAKEN_LEVELS
    levels = {own: taken.table(own) for own in taken.trait.values}
    for subject, skill in SKILLS.items():
        is_this = F.col("subject") == subject
        yield Table(f"level of {subject}", skill, taken.base, levels), F.when(is_this, F.col("level"))
        completed = {own: _completed(skill, own) for own in skill.values}
        yield _sure(f"completed {subject}", skill, completed), F.when(is_this, done)


def _completed(skill: Trait, own: str) -> Percents:
    is_above = {level: skill.values.index(level) > skill.values.index(own) for level in skill.values}
    done = {f"{level}:true": learning.COMPLETED[above] for level, above in is_above.items()}
    return {**done, **{f"{level}:false": HUNDRED - learning.COMPLETED[above] for level, above in is_above.items()}}


def _of_profiles(world: World) -> Iterator[tuple[Table, Column]]:
    yield _seen(AGES, "band")
    yield _seen(subscribers.HOUSEHOLDS, "household")
    yield _seen(subscribers.INCOMES, "income")
    yield _seen(subscribers.HOMES, "home")
    yield _seen(subscribers.TARIFFS, "first_tariff")
    yield _seen(subscribers.TARIFFS, F.when(F.col("tariff_on") < world.days, F.col("next_tariff")))
    yield _seen(subscribers.ROUTERS, "has_router")
    who = F.concat(F.col("band"), F.lit(":"), word_at([city.size for city in CITIES], F.col("home_city")))
    for tie in TIES:
        yield _tied(tie), who


def _tied(tie: Tie) -> Table:
    """How much likelier a value is in an age and a place than in all: with the shares, that is what is drawn by."""
    own = {value: _more_likely(tie, value) for value in tie.trait.values}
    return Table(f"who has a {tie.trait.name}", tie.trait, {}, own, is_mixed=False, is_act=False)


def _more_likely(tie: Tie, value: str) -> Percents:
    each = ((band, size) for band in BANDS for size in SIZES)
    return {f"{b}:{size}": HUNDRED * tie.chance(value, b, size) / tie.trait.shares[value] for b, size in each}


def acts_of(spark: SparkSession, world: World, look: Look) -> DataFrame:
    """What a pass finds: `customer`, `table`, `act`, `number` (double), summed per customer, table and act.

    For a rate the act is `count` or `exposure`.
    """
    rows = make_customers(spark, world) if look.over_customers else active_days(spark, world, range(world.days))
    rows = reduce(lambda frame, step: step(frame, world), look.steps, rows)
    found = [_found(table.name, act, F.lit(1.0)) for table, act in look.acts]
    found += [_found(rate.name, F.lit("count"), number) for rate, number in look.rates]
    found += [_found(rate.name, F.lit("exposure"), number) for rate, number in look.exposures]
    each = rows.select("customer", F.explode(F.array(*found)).alias("_")).select("customer", "_.*")
    known = each.filter(F.col("act").isNotNull() & F.col("number").isNotNull())
    return known.groupBy("customer", "table", "act").agg(F.sum("number").alias("number"))


def _found(table: str, act: Column, number: Column) -> Column:
    named = (F.lit(table).alias("table"), act.cast("string").alias("act"), number.cast("double").alias("number"))
    return F.struct(*named)
