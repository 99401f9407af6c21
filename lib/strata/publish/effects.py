"""Means, shares and effect sizes as Spark columns over exact counts and sums. NULL where a number is not defined."""

from pyspark.sql import Column
from pyspark.sql import functions as F

Z_95 = 1.959963984540054
"""97.5 % quantile of the normal distribution: half of a two-sided 95 % interval."""
NOISE = 1e-12
"""A sum of squared deviations below this part of the sum of squares is rounding: the values are all the same."""
DIGITS = 1e9
"""Published effects have 9 decimals, so that ranks do not hang on the last bits."""


def ratio(part: Column, whole: Column) -> Column:
    """DOUBLE part / whole; NULL unless whole is positive."""
    return F.when(whole > 0, part.cast("double") / whole.cast("double"))


def squared_deviations(known: Column, total: Column, squares: Column) -> Column:
    """Sum of (x - mean)² from count, sum and sum of squares; 0 where only rounding is left; NULL without values."""
    deviations = squares - ratio(total * total, known)
    return F.when(deviations > squares * NOISE, deviations).otherwise(F.when(known > 0, 0.0))


def mean_margin(known: Column, deviations: Column) -> Column:
    """Half of the 95 % interval of a mean, z · s / √n; NULL below two values."""
    return F.when(known > 1, Z_95 * F.sqrt(deviations / (known - 1) / known))


def wilson_interval(hits: Column, known: Column) -> tuple[Column, Column]:
    """The 95 % interval of a share (Wilson 1927), ends within 0 and 1; NULL without values."""
    share, z_squared = ratio(hits, known), Z_95 * Z_95
    middle = share + ratio(F.lit(z_squared), 2 * known)
    margin = Z_95 * F.sqrt(ratio(share * (1 - share), known) + ratio(F.lit(z_squared), 4 * known * known))
    stretch = 1 + ratio(F.lit(z_squared), known)
    low, high = (middle - margin) / stretch, (middle + margin) / stretch
    # greatest and least skip NULL, so the ends need the share as a guard
    return F.when(share.isNotNull(), F.greatest(low, F.lit(0.0))), F.when(share.isNotNull(), F.least(high, F.lit(1.0)))


def cohens_d(mean: Column, rest_mean: Column, known: Column, rest_known: Column, deviations: Column) -> Column:
    """Difference of two means in pooled standard deviations (Cohen 1988).

    Args:
        mean: mean of the first group.
        rest_mean: mean of the second.
        known: values in the first group.
        rest_known: values in the second.
        deviations: squared deviations of both groups, each from its own mean, added up.

    Returns:
        0 where nobody differs from anybody; NULL where a group is empty or the groups differ without any spread.
    """
    freedom = known + rest_known - 2
    both = (known > 0) & (rest_known > 0)
    spread = F.when(freedom > 0, F.sqrt(deviations / freedom))
    scaled = F.when(spread > 0, _published((mean - rest_mean) / spread))
    return F.when(both, F.coalesce(scaled, F.when(F.abs(mean - rest_mean) <= NOISE * F.abs(mean), 0.0)))


def cohens_h(share: Column, rest_share: Column) -> Column:
    """Difference of two shares, 2·asin√p - 2·asin√q (Cohen 1988)."""
    return _published(2 * F.asin(F.sqrt(share)) - 2 * F.asin(F.sqrt(rest_share)))


def _published(value: Column) -> Column:
    return F.rint(value * DIGITS) / DIGITS
