"""Rows spoilt on purpose, and how many: what a quarantine has to find, and what it must let through.

| kind | what happens to a row | what ingest makes of it |
|---|---|---|
| duplicate | comes twice in its file | accepted once, unchanged the second time |
| late | comes up to ten days late | accepted |
| correction | comes again, up to five days later, with another amount | accepted as a revision |
| bad_date | lies before 1990 or after 2200, or is no date (text) | rejected |
| unknown_code | has a code that stands for nothing | rejected |
| negative_amount | has an amount below zero | rejected |
| foreign_currency | is in dollars or euros | rejected |
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.draws import Dice, word_at
from strata.generate.world import World

LATEST, LATEST_CORRECTION = 10, 5
KIND, COPY = "dirt", "copy"
REJECTED = ("bad_date", "unknown_code", "negative_amount", "foreign_currency")
_REPEATED = ("duplicate", "correction")
_UNKNOWN, _OTHER_SUM = "99", "77.00"
_BAD_DAYS = ("1985-05-05", "2250-05-05")
_BAD_TEXTS = ("05.05.1985 10:00:00", "05.05.2250 10:00:00", "31.02.2025 10:00:00", "вчора")


@dataclass(frozen=True, slots=True)
class Soil:
    """The columns of a raw source that can be spoilt; the key is its first column.

    Attributes:
        moment: date, timestamp or text of the form 31.12.2025 23:59:59.
        code: words or digits that a map of the source knows.
        money: an amount (number, or text); `currency` stands beside it.
    """

    moment: str
    code: str | None = None
    money: str | None = None

    def kinds(self) -> tuple[str, ...]:
        """What can happen to a row of the source."""
        of_money = ("correction", "negative_amount", "foreign_currency") if self.money else ()
        return ("duplicate", "late", "bad_date", *(("unknown_code",) if self.code else ()), *of_money)


def spoil(rows: DataFrame, source: str, soil: Soil, world: World) -> DataFrame:
    """Rows with `world.dirt` of them spoilt, each in one way, every way as likely.

    Args:
        rows: `day` and the raw columns, of which the first is the key.
        source: its name: sources are spoilt independently.
        soil: what can be spoilt.
        world: share of dirt, and seed.

    Returns:
        `rows` with `day` now that of the delivery, `dirt` (kind, NULL for most) and `copy` (1 for the second of two).
    """
    dice, key = Dice(world.seed), F.col(next(c for c in rows.columns if c != "day"))
    kinds = soil.kinds()
    drawn = word_at(kinds, F.pmod(dice.roll(f"dirt {source}", key), F.lit(len(kinds))))
    spoilt = rows.withColumn(KIND, F.when(dice.chance(f"spoilt {source}", world.dirt * 100, key), drawn))
    copies = F.when(F.col(KIND).isin(*_REPEATED), F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0)))
    spoilt = spoilt.withColumn(COPY, F.explode(copies))
    late = dice.whole(f"late {source}", 1, LATEST, key)
    corrected = dice.whole(f"corrected {source}", 1, LATEST_CORRECTION, key)
    delay = F.when(_is("late"), late).when(_is("correction") & (F.col(COPY) == 1), corrected).otherwise(F.lit(0))
    changes = {"day": (F.col("day") + delay).cast("int"), **_bad_moment(spoilt, soil, dice, key)}
    return spoilt.withColumns({**changes, **_bad_code(soil), **_bad_money(spoilt, soil, dice, key)})


def planted(spoilt: DataFrame) -> DataFrame:
    """How often each kind was planted per day of delivery: `day`, `dirt`, `rows`; of two copies the second counts."""
    counts = F.col(KIND).isin(*_REPEATED) == (F.col(COPY) == 1)
    return spoilt.filter(F.col(KIND).isNotNull() & counts).groupBy("day", KIND).agg(F.count(F.lit(1)).alias("rows"))


def _is(kind: str) -> Column:
    return F.coalesce(F.col(KIND) == kind, F.lit(False))


def _bad_moment(rows: DataFrame, soil: Soil, dice: Dice, key: Column) -> dict[str, Column]:
    kind = rows.schema[soil.moment].dataType.simpleString()
    bad = _BAD_TEXTS if kind == "string" else _BAD_DAYS
    drawn = word_at(bad, F.pmod(dice.roll("bad date", key), F.lit(len(bad)))).cast(kind)
    return {soil.moment: F.when(_is("bad_date"), drawn).otherwise(F.col(soil.moment))}


def _bad_code(soil: Soil) -> dict[str, Column]:
    if soil.code is None:
        return {}
    return {soil.code: F.when(_is("unknown_code"), F.lit(_UNKNOWN)).otherwise(F.col(soil.code))}


def _bad_money(rows: DataFrame, soil: Soil, dice: Dice, key: Column) -> dict[str, Column]:
    if soil.money is None:
        return {}
    amount, kind = F.col(soil.money), rows.schema[soil.money].dataType.simpleString()
    if kind == "string":
        other, negative = F.lit(_OTHER_SUM), F.concat(F.lit("-"), amount)
    else:
        other, negative = (amount + 1).cast(kind), (-amount - 1).cast(kind)
    is_second = _is("correction") & (F.col(COPY) == 1)
    foreign = F.when(dice.chance("dollars", 50, key), "USD").otherwise("EUR")
    return {
        soil.money: F.when(is_second, other).when(_is("negative_amount"), negative).otherwise(amount),
        "currency": F.when(_is("foreign_currency"), foreign).otherwise(F.col("currency")),
    }
