"""Scores in the JVM: features tamed once, weighted by any number of models; no Python on executors."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.audiences.model import SCORE_DECIMALS, LookalikeModel

Read = tuple[str, bool]
"""A feature, and whether its logarithm is taken."""


def reads_of(model: LookalikeModel) -> list[Read]:
    """What a model reads."""
    return list(zip(model.preparation.features, model.preparation.logged, strict=True))


def terms_of(model: LookalikeModel) -> tuple[float, dict[Read, tuple[float, float]]]:
    """What the sum of a model begins with, and for all it reads the mean (for what is unknown) and the weight."""
    parts = model.preparation
    weights = [weight / scale for weight, scale in zip(model.weights, parts.scales, strict=True)]
    constant = model.intercept - sum(weight * mean for weight, mean in zip(weights, parts.means, strict=True))
    return constant, dict(zip(reads_of(model), zip(parts.means, weights, strict=True), strict=True))


def tamed(feature: str, logged: bool) -> Column:
    """A feature after the logarithm; what is NULL, NaN or infinite is NULL."""
    number = F.col(f"`{feature}`").cast("double")
    value = F.log1p(F.greatest(number, F.lit(0.0))) if logged else number
    return F.when(F.abs(number) < F.lit(float("inf")), value)


def likeness(linear: Column) -> Column:
    """The score that a weighted sum means."""
    return F.round(F.lit(1.0) / (F.lit(1.0) + F.exp(-linear)), SCORE_DECIMALS)
