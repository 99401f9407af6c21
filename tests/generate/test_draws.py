"""Draws by hash have the distributions they are named after."""

import math

import pytest
from pyspark.sql import functions as F
from scipy.stats import chisquare, kstest, norm

from strata.contract.spark import rows_of
from strata.generate.days import with_count
from strata.generate.draws import Dice
from strata.generate.traits import Mix, Trait

N = 20_000
SURPRISE = 1e-4
"""The draws are the same every time, so that a right generator passes always; a wrong one is far below."""
DICE = Dice(7)
COIN = Trait("coin", {"fair": 60, "bent": 40}, (25, 75))
THROW = Mix("throw", COIN, {"h": 50, "t": 48, "rim": 2}, {"bent": {"h": 90, "t": 9, "rim": 1}})


@pytest.fixture(scope="module")
def drawn(spark):
    customer = F.col("customer")
    rows = spark.range(1, N + 1).select(F.col("id").alias("customer"), F.lit(3).alias("day"))
    rows = rows.withColumns(
        {
            "coin": DICE.value_of(COIN, customer),
            "coin_strength": DICE.one_of("coin strength", COIN.strengths, customer),
            "uniform": DICE.uniform("u", customer),
            "normal": DICE.normal("z", customer),
            "geometric": DICE.geometric("g", F.lit(2.5), customer),
            "none": DICE.geometric("g0", F.lit(0.0), customer),
            "whole": DICE.whole("w", -2, 3, customer),
            "chance": DICE.chance("c", 12.5, customer),
        }
    )
    rows = with_count(rows, DICE, "poisson", F.lit(0.7), 5).withColumn("throw", DICE.mixed(THROW, customer))
    return rows_of(rows)


def counts(drawn, name):
    found = {}
    for row in drawn:
        found[row[name]] = found.get(row[name], 0) + 1
    return found


def fits(found, chances):
    assert set(found) <= {value for value, chance in chances.items() if chance > 0}
    seen = [found.get(value, 0) for value in chances]
    return chisquare(seen, [c * sum(seen) / sum(chances.values()) for c in chances.values()]).pvalue


def test_uniform_and_normal(drawn):
    assert kstest([r["uniform"] for r in drawn], "uniform").pvalue > SURPRISE
    assert kstest([r["normal"] for r in drawn], norm.cdf).pvalue > SURPRISE


def test_poisson_is_cut_at_five(drawn):
    chances = {k: math.exp(-0.7) * 0.7**k / math.factorial(k) for k in range(5)}
    assert fits(counts(drawn, "poisson"), {**chances, 5: 1 - sum(chances.values())}) > SURPRISE


def test_geometric_has_its_mean(drawn):
    q = 2.5 / 3.5
    found = {min(k, 12): 0 for k in range(13)}
    for k, n in counts(drawn, "geometric").items():
        found[min(k, 12)] += n
    chances = {k: (1 - q) * q**k for k in range(12)}
    assert fits(found, {**chances, 12: q**12}) > SURPRISE
    assert set(counts(drawn, "none")) == {0}


def test_whole_numbers_and_chances(drawn):
    assert fits(counts(drawn, "whole"), dict.fromkeys(range(-2, 4), 1.0)) > SURPRISE
    assert fits(counts(drawn, "chance"), {True: 0.125, False: 0.875}) > SURPRISE


def test_values_of_a_trait_have_their_shares(drawn):
    assert fits(counts(drawn, "coin"), {0: 0.6, 1: 0.4}) > SURPRISE


@pytest.mark.parametrize("strength", COIN.strengths)
@pytest.mark.parametrize("value", COIN.values)
def test_a_mix_is_the_persons_own_table_by_the_persons_strength(drawn, value, strength):
    mine = [r for r in drawn if r["coin"] == COIN.values.index(value) and r["coin_strength"] == strength]
    own, part = THROW.table(value), strength / 100
    chances = {side: part * own[side] + (1 - part) * THROW.base[side] for side in THROW.base}
    assert fits(counts(mine, "throw"), chances) > SURPRISE


def test_another_name_seed_or_id_is_another_draw(spark):
    one, two = F.lit(1).cast("bigint"), F.lit(2).cast("bigint")
    rolls = [DICE.roll("a", one), DICE.roll("b", one), DICE.roll("a", two), DICE.roll("a", one, two)]
    rolls += [Dice(8).roll("a", one), DICE.roll("a", two, one)]
    (row,) = rows_of(spark.range(1).select(*(r.alias(f"r{i}") for i, r in enumerate(rolls))))
    assert len(set(row.values())) == len(rolls)
