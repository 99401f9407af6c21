"""Chance as arithmetic: every draw is a function of the seed, the name of what is drawn, and the ids it is drawn for.

Hashes stand for dice (`xxhash64`, 64 bits), so that whole-stage code generation stays and no partitioning counts.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.generate.traits import HUNDRED, Mix, Trait, hundred

_TWO_PI = 6.283185307179586
_MOST_PER_DAY = 100
_HALF = 32


@dataclass(frozen=True, slots=True)
class Dice:
    """Draws of one world; `name` keeps them independent of each other, `ids` make a draw of its own for each row."""

    seed: int

    def roll(self, name: str, *ids: Column) -> Column:
        """64 random bits (bigint)."""
        salt = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()[:8]
        return F.xxhash64(F.lit(int.from_bytes(salt, "big", signed=True)), *ids)

    def uniform(self, name: str, *ids: Column) -> Column:
        """Between 0 and 1, both excluded."""
        return (F.shiftrightunsigned(self.roll(name, *ids), 12).cast("double") + F.lit(0.5)) * F.lit(2.0**-52)

    def whole(self, name: str, low: int, high: int, *ids: Column) -> Column:
        """A whole number from low to high, both included (bigint)."""
        return F.pmod(self.roll(name, *ids), F.lit(high - low + 1)) + F.lit(low)

    def chance(self, name: str, percent: float, *ids: Column) -> Column:
        """True in `percent` of all cases."""
        return F.pmod(self.roll(name, *ids), F.lit(100_000)) < F.lit(round(percent * 1000))

    def normal(self, name: str, *ids: Column) -> Column:
        """Standard normal, by Box and Muller (1958)."""
        radius = F.sqrt(F.lit(-2.0) * F.log(self.uniform(name, *ids)))
        return radius * F.cos(F.lit(_TWO_PI) * self.uniform(f"{name}/angle", *ids))

    def one_of(self, name: str, values: Sequence[float], *ids: Column) -> Column:
        """One of the numbers (double), each as likely."""
        return number_at(values, F.pmod(self.roll(name, *ids), F.lit(len(values))))

    def symbol(self, name: str, shares: Mapping[str, int], *ids: Column) -> Column:
        """One of the words, by its percentage."""
        return word_at(hundred(shares), F.pmod(self.roll(name, *ids), F.lit(HUNDRED)))

    def value_of(self, trait: Trait, *ids: Column) -> Column:
        """The number of a trait's value (int, from 0), by its percentage."""
        return index_at(trait, F.pmod(self.roll(f"trait {trait.name}", *ids), F.lit(HUNDRED)))

    def mixed(self, mix: Mix, *ids: Column) -> Column:
        """A word of a mix: with the strength of the person's trait by the person's table, else by everybody's.

        Reads the columns `<trait>` and `<trait>_strength`. One hash decides both: its upper half says whose table is
        used, its lower half draws from it.
        """
        roll = self.roll(f"mix {mix.name}", *ids)
        is_own = F.pmod(F.shiftright(roll, _HALF), F.lit(HUNDRED)) < F.col(f"{mix.trait.name}_strength")
        row = F.when(is_own, F.col(mix.trait.name) + 1).otherwise(F.lit(0))
        drawn = F.pmod(roll.bitwiseAND(F.lit(2**_HALF - 1)), F.lit(HUNDRED))
        return word_at(mix.drawn(), row * F.lit(HUNDRED) + drawn)

    def geometric(self, name: str, mean: Column, *ids: Column) -> Column:
        """A geometric number from 0 with this mean (int): Poisson with an exponential rate, bursty as usage is."""
        number = F.floor(F.log(self.uniform(name, *ids)) / F.log(mean / (mean + F.lit(1.0))))
        return F.when(mean > 0, F.least(number, F.lit(_MOST_PER_DAY))).otherwise(0).cast("int")


def word_at(words: Sequence[str], index: Column) -> Column:
    """The word at an index from 0. The list is one literal: an element each would make plans of thousands of nodes."""
    return F.get(F.split(F.lit("|".join(words)), r"\|"), index.cast("int"))


def number_at(values: Sequence[float], index: Column) -> Column:
    """The number (double) at an index from 0."""
    return F.get(F.split(F.lit("|".join(map(str, values))), r"\|").cast("array<double>"), index.cast("int"))


def index_at(trait: Trait, percent: Column) -> Column:
    """The number of the value in which a percentage from 0 to 99 falls."""
    order = [str(trait.values.index(value)) for value in hundred(trait.shares)]
    return F.get(F.split(F.lit("|".join(order)), r"\|").cast("array<int>"), percent.cast("int"))


def place_of(words: Iterable[str], word: Column) -> Column:
    """The place of a word among others, from 0 (bigint)."""
    return F.array_position(F.array(*map(F.lit, words)), word) - 1


def coded(codes: Mapping[str, str], word: Column) -> Column:
    """The code that stands for a word."""
    return word_at(list(codes.values()), place_of(codes, word))


def poisson(reach: Column, rate: Column, most: int) -> Column:
    """A Poisson number (int), cut at `most`: for rates well below it.

    Args:
        reach: a uniform draw times exp(rate), so that it is compared with 1 + r + r^2/2 + ... (Devroye, Non-Uniform
            Random Variate Generation, 1986, inversion by sequential search).
        rate: a plain column, it stands here many times.
        most: the highest number.
    """
    number = F.lit(most)
    for k in reversed(range(most)):
        sum_of_terms = F.lit(1.0)
        for j in range(k, 0, -1):
            sum_of_terms = F.lit(1.0) + rate / F.lit(float(j)) * sum_of_terms
        number = F.when(reach <= sum_of_terms, F.lit(k)).otherwise(number)
    return number
