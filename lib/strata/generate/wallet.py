"""Recharges, investments and what investors answer about risk."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.generate.catalogue import FUNDS
from strata.generate.days import by_date, ids, local_time, moment, money, record_id, times, waking_second, with_count
from strata.generate.draws import Dice, number_at
from strata.generate.people import fading, phone_number
from strata.generate.traits import RISK_TOLERANCE, VALUE_TIER, Mix, Rate, leaning
from strata.generate.world import World

RECHARGES = Rate("recharges", VALUE_TIER, {"key": 0.11, "growth": 0.075, "niche": 0.045}, (0.6, 0.8, 1.0, 1.25, 1.6))
_SUM = {"50": 15, "100": 25, "150": 20, "200": 18, "300": 12, "500": 7, "1000": 3}
SUMS = Mix(
    "sum of recharges",
    VALUE_TIER,
    _SUM,
    {
        "key": {"50": 2, "100": 6, "150": 8, "200": 14, "300": 24, "500": 26, "1000": 20},
        "growth": {"50": 6, "100": 16, "150": 22, "200": 26, "300": 18, "500": 9, "1000": 3},
        "niche": {"50": 30, "100": 36, "150": 18, "200": 10, "300": 4, "500": 1, "1000": 1},
    },
)
_PAYDAYS, _PAYDAY_FACTOR = (5, 6, 20, 21), 2.0
_WAYS = {"застосунок": 45, "термінал": 25, "банк": 22, "магазин": 8}
INVESTORS = 25
"""Percent of the customers who invest."""
_ORDERS_PER_DAY = 0.035
_FUND = {"bonds": 45, "balanced": 35, "shares": 20}
FUNDS_BOUGHT = Mix("fund", RISK_TOLERANCE, _FUND, {r: leaning(_FUND, {f: 78}) for r, f in FUNDS.items()})
QUESTIONS = ("loss_accepted", "horizon", "experience", "volatility", "goal")
_SCORE = {"1": 18, "2": 24, "3": 26, "4": 20, "5": 12}
SCORES = {
    question: Mix(
        f"answer to {question}",
        RISK_TOLERANCE,
        _SCORE,
        {
            "conservative": {"1": 40, "2": 34, "3": 18, "4": 6, "5": 2},
            "moderate": {"1": 8, "2": 22, "3": 42, "4": 20, "5": 8},
            "aggressive": {"1": 3, "2": 8, "3": 18, "4": 36, "5": 35},
        },
    )
    for question in QUESTIONS
}
_QUESTIONED_WITHIN = 180


def expected(days: DataFrame, world: World) -> DataFrame:
    """`days` with the person's own daily `rate` of recharges, and `exposure`: what multiplies it on the day."""
    dice = Dice(world.seed)
    calendar = by_date(world, lambda day: _PAYDAY_FACTOR if day.day in _PAYDAYS else 1.0)
    noise = dice.one_of("noise of recharges", RECHARGES.noise, F.col("customer"))
    own = number_at([RECHARGES.per_day[v] for v in VALUE_TIER.values], F.col("value_tier")) * noise
    return days.withColumns({"exposure": calendar * fading(), "rate": own})


def recharged(days: DataFrame, world: World) -> DataFrame:
    """A row per recharge: `sum` (words)."""
    dice = Dice(world.seed)
    rows = with_count(expected(days, world), dice, "recharges", F.col("rate") * F.col("exposure"), 3)
    return times(rows, F.col("recharges")).withColumn("sum", dice.mixed(SUMS, *ids()))


def raw_recharges(recharges: DataFrame, world: World) -> DataFrame:
    """The list of the billing system: all text, numbers written as people write them, local times."""
    dice = Dice(world.seed)
    seconds = local_time(world, waking_second(dice, "recharge"))
    return recharges.select(
        "day",
        record_id().cast("string").alias("operation_id"),
        F.concat(F.lit("+"), phone_number(F.col("customer")).cast("string")).alias("msisdn"),
        F.concat("sum", F.lit(".00")).alias("sum_paid"),
        F.lit(world.currency).alias("currency"),
        F.date_format(seconds, "dd.MM.yyyy HH:mm:ss").alias("created_at"),
        dice.symbol("way", _WAYS, *ids()).alias("pay_channel"),
    )


def invested(days: DataFrame, world: World) -> DataFrame:
    """A row per order: `fund`."""
    dice, who = Dice(world.seed), (F.col("customer"), F.col("day"))
    investors = days.filter(dice.chance("invests", INVESTORS, F.col("customer")))
    orders = investors.filter(dice.uniform("order", *who) < F.lit(_ORDERS_PER_DAY)).withColumn("i", F.lit(1))
    return orders.withColumn("fund", dice.mixed(FUNDS_BOUGHT, *ids()))


def raw_orders(orders: DataFrame, world: World) -> DataFrame:
    """The orders of the investment service; amounts have a heavy tail."""
    dice = Dice(world.seed)
    amount = F.exp(F.lit(7.0) + F.lit(1.1) * dice.normal("order amount", *ids()))
    return orders.select(
        "day",
        record_id().alias("order_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "order")).alias("ordered_at"),
        F.concat(F.lit("F-"), F.col("fund")).alias("fund_id"),
        money(amount).alias("amount"),
        F.lit(world.currency).alias("currency"),
    )


def questioned(days: DataFrame, world: World) -> DataFrame:
    """A row per question, once per investor in the first half year of the service: `question`, `score` (words)."""
    dice = Dice(world.seed)
    on = dice.whole("questioned on", 0, _QUESTIONED_WITHIN, F.col("customer"))
    investors = days.filter((F.col("day") == on) & dice.chance("invests", INVESTORS, F.col("customer")))
    rows = times(investors, F.lit(len(QUESTIONS)))
    score, question = F.lit(None).cast("string"), F.lit(None).cast("string")
    for number, name in enumerate(QUESTIONS, start=1):
        is_this = F.col("i") == number
        score = F.when(is_this, dice.mixed(SCORES[name], F.col("customer"))).otherwise(score)
        question = F.when(is_this, F.lit(name)).otherwise(question)
    return rows.withColumns({"question": question, "score": score})


def raw_answers(answers: DataFrame, world: World) -> DataFrame:
    """The risk questionnaires, an answer a row."""
    dice = Dice(world.seed)
    return answers.select(
        "day",
        record_id().alias("answer_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "answer")).alias("answered_at"),
        "question",
        F.col("score").cast("bigint").alias("score"),
    )
