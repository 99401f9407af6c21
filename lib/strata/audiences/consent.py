"""Who may be addressed for a purpose: consent given, or no objection raised. Missing consent is no."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.project.policies import Purpose

PROFILING = "profiling"
"""An objection to this purpose keeps a customer out of every audience."""

_REFUSES = "refuses"


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
    state = _latest(consents, on)
    objecting = state.where(
        (F.col("basis") == "objection") & F.col("purpose").isin(purpose.name, PROFILING) & F.col(_REFUSES)
    )
    allowed = known.join(objecting, "customer_id", "left_anti")
    if purpose.basis == "legitimate_interest":
        return allowed
    granting = (F.col("basis") == "consent") & (F.col("purpose") == F.lit(purpose.name)) & ~F.col(_REFUSES)
    return allowed.join(state.where(granting), "customer_id", "left_semi")


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
