"""Who may be addressed for a purpose: consent given, or no objection raised. Missing consent is no."""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.project.policies import Purpose

PROFILING = "profiling"
"""An objection to this purpose keeps a customer out of every segment and every audience."""

_REFUSES, _SAID_OF = "refuses", "~said_of"


def eligible(customers: DataFrame, consents: DataFrame, purpose: Purpose, on: date) -> DataFrame:
    """The customers who may be addressed.

    With basis consent: those whose latest row for the purpose grants it. With every basis: nobody whose latest
    objection to the purpose, or to profiling, stands. Of rows that begin on the same day the more restrictive counts.

    Args:
        customers: has customer_id; other columns are dropped.
        consents: valid rows of silver.consents.
        purpose: the audience's purpose.
        on: the day as of which consent counts; consent counts as of now, whatever date the audience is about.

    Returns:
        customer_id, once each.
    """
    known = customers.select("customer_id").distinct()
    said = known.join(permissions(consents, [purpose], on), "customer_id", "left")
    return said.where(is_permitted(purpose)).select("customer_id")


def permissions(consents: DataFrame, purposes: Sequence[Purpose], on: date) -> DataFrame:
    """What customers have said, as far as it differs from saying nothing.

    Args:
        consents: valid rows of silver.consents.
        purposes: at least one.
        on: the day as of which consent counts.

    Returns:
        customer_id, once each, and a BOOLEAN per purpose, for `is_permitted`.
    """
    said = _latest(consents, on).groupBy("customer_id").agg(*[_may(p).alias(_column(p)) for p in purposes])
    return said.where(reduce(or_, [F.col(f"`{_column(p)}`") != F.lit(_unsaid(p)) for p in purposes]))


def is_permitted(purpose: Purpose) -> Column:
    """Whether a customer may be addressed, in a frame that `permissions` was joined to from the left."""
    return F.coalesce(F.col(f"`{_column(purpose)}`"), F.lit(_unsaid(purpose)))


def what_refuses(people: DataFrame, consents: DataFrame, on: date) -> DataFrame:
    """What lies behind it that people may not be addressed.

    Args:
        people: who may not: customer_id, purpose (its name) and other columns, once each.
        consents: valid rows of silver.consents.
        on: the day as of which consent counts.

    Returns:
        `people` and reason: an objection first, then a consent that was withdrawn, else that there is none.
    """
    said = _latest(consents, on).where(F.col(_REFUSES)).withColumnRenamed("purpose", _SAID_OF)
    is_named = F.col(_SAID_OF) == F.col("purpose")
    objects, withdrew = F.col("basis") == "objection", (F.col("basis") == "consent") & is_named
    told = {
        "objection to profiling": objects & (F.col(_SAID_OF) == PROFILING),
        "objection": objects & is_named,
        "consent withdrawn": withdrew,
    }
    flags = [F.bool_or(holds).alias(reason) for reason, holds in told.items()]
    found = people.join(said, "customer_id", "left").groupBy(*people.columns).agg(*flags)
    reasons = [F.when(F.col(f"`{reason}`"), reason) for reason in told]
    return found.select(*people.columns, F.coalesce(*reasons, F.lit("no consent")).alias("reason"))


def _may(purpose: Purpose) -> Column:
    """Over the rows of one customer that `_latest` gives."""
    objection = (F.col("basis") == "objection") & F.col("purpose").isin(purpose.name, PROFILING) & F.col(_REFUSES)
    unopposed = ~F.coalesce(F.bool_or(objection), F.lit(False))
    if purpose.basis == "legitimate_interest":
        return unopposed
    granting = (F.col("basis") == "consent") & (F.col("purpose") == F.lit(purpose.name)) & ~F.col(_REFUSES)
    return unopposed & F.coalesce(F.bool_or(granting), F.lit(False))


def _unsaid(purpose: Purpose) -> bool:
    return purpose.basis != "consent"


def _column(purpose: Purpose) -> str:
    return f"~said:{purpose.name}"


def _latest(consents: DataFrame, on: date) -> DataFrame:
    """What holds on a day: customer_id, purpose, basis, refuses."""
    newest = F.max(F.struct("valid_from", _refuses().alias(_REFUSES)))
    return (
        consents.where(F.col("valid_from") <= F.lit(on))
        .groupBy("customer_id", "purpose", "basis")
        .agg(newest.alias("newest"))
        .select("customer_id", "purpose", "basis", F.col(f"newest.{_REFUSES}"))
    )


def _refuses() -> Column:
    """Whether a row speaks against addressing: a consent not granted, an objection granted."""
    return F.when(F.col("basis") == "objection", F.col("granted")).otherwise(~F.col("granted"))
