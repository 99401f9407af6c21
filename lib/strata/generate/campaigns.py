"""Campaigns with randomised controls, whose lift is planted; communications and what comes back."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.days import date_of, ids, moment, money, record_id, waking_second
from strata.generate.draws import Dice, coded, number_at, place_of
from strata.generate.people import is_active, phone_number
from strata.generate.traits import MESSAGE_CHANNEL, Mix
from strata.generate.world import CAMPAIGN_PERIOD, World, campaign_days

LIFTS = (0.0, 0.2, 0.4, 0.0, 0.8)
"""Relative lift of the daily rate of purchases of those who were written to, of one campaign after the other."""
LIFT_DAYS = CAMPAIGN_PERIOD
KINDS = ("placebo", "discount", "gift", "newsletter", "double bonus")
TARGETED, CONTROL = 70, 15
"""Percent of the active customers who are chosen, and percent of these who are held out by chance."""
_RESPONSE_DAYS = 7
_RESPONSE_LEVEL = 0.45
_COSTS = {"sms": 0.35, "email": 0.02, "push": 0.01, "call": 9.0}
RESPONSE_CHANNELS = Mix(
    "channel of responses",
    MESSAGE_CHANNEL,
    dict.fromkeys(MESSAGE_CHANNEL.values, 25),
    {own: {c: 76 if c == own else 8 for c in MESSAGE_CHANNEL.values} for own in MESSAGE_CHANNEL.values},
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign, the number of its first day, and the planted lift of those who were written to."""

    campaign_id: str
    name: str
    kind: str
    starts: int
    lift: float


def planned(world: World) -> list[Campaign]:
    """The campaigns that begin within the world's days."""
    kinds = [(k, KINDS[k % len(KINDS)], LIFTS[k % len(LIFTS)]) for k in range(1, len(campaign_days(world.days)) + 1)]
    return [Campaign(f"C{k:03d}", f"{kind} {k}", kind, k * CAMPAIGN_PERIOD, lift) for k, kind, lift in kinds]


def _number(day: Column) -> Column:
    """The number of the campaign that runs on a day, from 1; 0 before the first."""
    return F.floor(day / F.lit(CAMPAIGN_PERIOD)).cast("int")


def _is_targeted(dice: Dice, number: Column) -> Column:
    return dice.chance("targeted", TARGETED, F.col("customer"), number) & (number > 0)


def _is_control(dice: Dice, number: Column) -> Column:
    return dice.chance("control", CONTROL, F.col("customer"), number)


def _channel(dice: Dice, number: Column) -> Column:
    return dice.symbol("campaign channel", RESPONSE_CHANNELS.base, F.col("customer"), number)


def lift_factor(dice: Dice) -> Column:
    """What the running campaign makes of the rate of purchases on the row's `day`: 1 without one."""
    number = _number(F.col("day"))
    reached = _is_targeted(dice, number) & ~_is_control(dice, number) & is_active(number * CAMPAIGN_PERIOD)
    lift = number_at(LIFTS, F.pmod(number, F.lit(len(LIFTS))))
    return F.when(reached, F.lit(1.0) + lift).otherwise(F.lit(1.0))


def communications(days: DataFrame, world: World) -> DataFrame:
    """Who is chosen for a campaign on the day it starts, controls included; `days` are those of `campaign_days`."""
    dice, number = Dice(world.seed), _number(F.col("day"))
    chosen = days.filter(_is_targeted(dice, number))
    channel, control = _channel(dice, number), _is_control(dice, number)
    cost = number_at(list(_COSTS.values()), place_of(_COSTS, channel))
    return chosen.select(
        "day",
        phone_number(F.col("customer")).alias("msisdn"),
        campaign_id(number).alias("campaign_id"),
        channel.alias("channel"),
        date_of(world).alias("sent_on"),
        control.alias("is_control"),
        money(F.when(control, F.lit(0.0)).otherwise(cost)).alias("cost"),
    )


def campaign_id(number: Column) -> Column:
    """The id of a campaign by its number."""
    return F.concat(F.lit("C"), F.lpad(number.cast("string"), 3, "0"))


def responded(days: DataFrame, world: World) -> DataFrame:
    """A row per answer to a message, up to a week after it: `channel`, `number` of the campaign.

    Messages go out by all channels alike; a person answers the more often, the more the channel is the person's own,
    so that the channels of a person's answers are distributed as `RESPONSE_CHANNELS` says.
    """
    dice, number = Dice(world.seed), _number(F.col("day"))
    lag = F.pmod(F.col("day"), F.lit(CAMPAIGN_PERIOD))
    answers_on = F.pmod(dice.roll("response lag", F.col("customer"), number), F.lit(_RESPONSE_DAYS))
    reached = _is_targeted(dice, number) & ~_is_control(dice, number) & (lag == answers_on)
    reached &= is_active(number * CAMPAIGN_PERIOD)
    channel = _channel(dice, number)
    # The channel is fixed, so that a channel drawn by the person's mix is met by chance: with that mix's probability.
    is_own = dice.mixed(RESPONSE_CHANNELS, F.col("customer"), number) == channel
    answers = is_own & dice.chance("response", _RESPONSE_LEVEL * 100, F.col("customer"), number)
    rows = days.filter(reached & answers)
    return rows.withColumns({"channel": channel, "number": number, "i": F.lit(1)})


def raw_responses(responses: DataFrame, world: World) -> DataFrame:
    """The answers as the campaign system delivers them."""
    dice = Dice(world.seed)
    return responses.select(
        "day",
        record_id().alias("response_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "response")).alias("answered_at"),
        campaign_id(F.col("number")).alias("campaign_id"),
        F.col("channel").alias("channel_code"),
    )


SUPPORT_CHANNELS = Mix(
    "channel of support",
    MESSAGE_CHANNEL,
    {"sms": 20, "email": 20, "push": 20, "call": 40},
    {own: {c: 70 if c == own else 10 for c in MESSAGE_CHANNEL.values} for own in MESSAGE_CHANNEL.values},
)
_SUPPORT_CODES = dict(zip(MESSAGE_CHANNEL.values, ("10", "20", "30", "40"), strict=True))
_TOPICS = {"bill": 30, "coverage": 20, "device": 20, "tariff": 20, "complaint": 10}
_SUPPORT_PER_DAY = 0.006
_LAST_WEEKS = 3.0


def contacted(days: DataFrame, world: World) -> DataFrame:
    """A row per contact with support: `channel`. Those who are about to leave call three times as often."""
    dice = Dice(world.seed)
    is_leaving = F.col("left") - F.col("day") <= CAMPAIGN_PERIOD * 2
    rate = F.when(is_leaving, F.lit(_SUPPORT_PER_DAY * _LAST_WEEKS)).otherwise(F.lit(_SUPPORT_PER_DAY))
    rows = days.filter(dice.uniform("support", F.col("customer"), F.col("day")) < rate).withColumn("i", F.lit(1))
    return rows.withColumn("channel", dice.mixed(SUPPORT_CHANNELS, *ids()))


def raw_contacts(contacts: DataFrame, world: World) -> DataFrame:
    """The contacts as the contact centre delivers them; its channels are codes."""
    dice = Dice(world.seed)

    return contacts.select(
        "day",
        record_id().alias("contact_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "support")).alias("began_at"),
        coded(_SUPPORT_CODES, F.col("channel")).alias("channel_code"),
        dice.symbol("support topic", _TOPICS, *ids()).alias("topic"),
        dice.whole("support seconds", 30, 1_800, *ids()).alias("seconds"),
    )
