"""Scores in the JVM: one expression per model, no Python on executors."""

from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.audiences.model import SCORE_DECIMALS, LookalikeModel


def score_column(model: LookalikeModel) -> Column:
    """The score of a row of the snapshot: DOUBLE from 0 to 1, rounded to 6 decimals, never NULL.

    Equal to `model.score` but for a last digit. A sum of doubles in the model's order, because it is the same on every
    partitioning; `vector_inner_product` takes arrays of 32-bit floats only, which moves scores by 1e-6, and was not
    faster when both were tried.
    """
    shares = [w / s for w, s in zip(model.weights, model.preparation.scales, strict=True)]
    constant = model.intercept - sum(c * m for c, m in zip(shares, model.preparation.means, strict=True))
    terms = [_tamed(model, index) * F.lit(share) for index, share in enumerate(shares)]
    linear = reduce(add, terms, F.lit(constant))
    return F.round(F.lit(1.0) / (F.lit(1.0) + F.exp(-linear)), SCORE_DECIMALS)


def _tamed(model: LookalikeModel, index: int) -> Column:
    """A feature after the logarithm; what is NULL, NaN or infinite is unknown and counts as the mean."""
    parts = model.preparation
    number = F.col(f"`{parts.features[index]}`").cast("double")
    tamed = F.log1p(F.greatest(number, F.lit(0.0))) if parts.logged[index] else number
    return F.when(F.abs(number) < F.lit(float("inf")), tamed).otherwise(F.lit(parts.means[index]))
