"""Few weighted customers that stand for all in a fit: the lightweight coreset of Bachem, Lucic and Krause (KDD 2018).

A customer is kept with probability min(1, m q), q = 1/2n + d / 2Σd: half alike, half by the squared distance d to a
reference point, so that far customers, who decide where centres end, are not missed. Who is kept weighs
1 / min(1, m q), so that sums over the coreset estimate sums over all without bias, whatever the reference point. The
paper takes the mean and draws m times; here it is the mean of a hash sample, and the hash of the id draws, so the
same customers are kept whatever the layout. Their number varies about m, down to m / 2 where few far ones have most
of Σd.

Two passes: `measure_spread`, then `draw`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.segments.columns import prepared_columns, squared_distance
from strata.segments.preparation import Matrix, Preparation, on_grid

CUSTOMERS, SPREAD = "customers", "spread"
WEIGHT = "weight"
FIXED = 1_000
"""Distances are summed as whole thousandths of the sample's mean: the sum is the same in any order."""
FARTHEST = 1e6
"""Farther than so many times the sample's mean counts as this far: 9e9 such customers still fit in a BIGINT."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What distances are measured from and by.

    Attributes:
        point: the mean of the sample, in prepared units.
        unit: the mean squared distance from there, above 0.
    """

    point: tuple[float, ...]
    unit: float


@dataclass(frozen=True, slots=True)
class Spread:
    """What the first pass measured.

    Attributes:
        reference: what distances were measured from and by.
        customers: how many there are.
        total: the sum of their distances, in thousandths of the unit.
    """

    reference: Reference
    customers: int
    total: int


def reference_of(sample: Matrix) -> Reference:
    """The reference of a sample of prepared customers, a row each; the same on every machine."""
    mean = on_grid(np.array([math.fsum(values) / len(values) for values in sample.T]))
    unit = math.fsum(((sample - mean) ** 2).ravel()) / len(sample)
    return Reference(tuple(map(float, mean)), unit or 1.0)


def measure_spread(customers: DataFrame, preparation: Preparation, reference: Reference) -> DataFrame:
    """The first pass: what a `Spread` holds.

    Args:
        customers: customer_id and the features, a row per customer.
        preparation: of the features.
        reference: what distances are measured from.

    Returns:
        One row: customers and spread, both BIGINT.
    """
    point, names = _prepared(preparation)
    prepared = customers.select(*point)
    fixed = F.floor(_distance(names, reference) * F.lit(float(FIXED))).cast("bigint")
    return prepared.select(fixed.alias(SPREAD)).agg(
        F.count(F.lit(1)).alias(CUSTOMERS), F.coalesce(F.sum(SPREAD), F.lit(0)).cast("bigint").alias(SPREAD)
    )


def draw(customers: DataFrame, preparation: Preparation, spread: Spread, size: int, salt: str) -> DataFrame:
    """The second pass: who is kept.

    Args:
        customers: customer_id and the features, a row per customer.
        preparation: of the features.
        spread: of these customers, not empty.
        size: about how many to keep (m).
        salt: of the hash; another salt, another coreset.

    Returns:
        customer_id, a DOUBLE per dimension of the preparation, and weight (DOUBLE, at least 1), in no order.
    """
    point, names = _prepared(preparation)
    alike, far = size / 2 / spread.customers, size * FIXED / 2 / max(spread.total, 1)
    prepared = customers.select("customer_id", *point)
    chance = F.least(F.lit(1.0), F.lit(alike) + _distance(names, spread.reference) * F.lit(far))
    drawn = prepared.withColumn(WEIGHT, F.lit(1.0) / chance)
    return drawn.where(_hashed(salt) * F.col(WEIGHT) < F.lit(1.0))


def _prepared(preparation: Preparation) -> tuple[list[Column], list[str]]:
    columns = prepared_columns(preparation)
    names = [f"~{i}" for i in range(len(columns))]
    return [column.alias(name) for column, name in zip(columns, names, strict=True)], names


def _distance(names: Sequence[str], reference: Reference) -> Column:
    """Squared distance to the reference point in units of the reference, at most `FARTHEST`."""
    squared = squared_distance([F.col(f"`{name}`") for name in names], reference.point)
    return F.least(squared / F.lit(reference.unit), F.lit(FARTHEST))


def _hashed(salt: str) -> Column:
    """The hash of the id as a number from 0 up to 1: 53 bits, as many as a DOUBLE holds."""
    bits = F.shiftrightunsigned(F.xxhash64(F.lit(salt), F.col("customer_id")), 11)
    return bits.cast("double") / F.lit(float(1 << 53))
