"""The members of audiences: those judged whom nothing is against, and whether a customer is one, for conditions."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from strata.contract.lists import audience_membership
from strata.project.references import AUDIENCE

COLUMNS = tuple(str(c) for c in audience_membership.columns if c != "release_id")


def members_of(judged: DataFrame, withheld: Collection[str], as_of: date) -> DataFrame:
    """The members: those found now, and of audiences that are withheld the last ones, so that no CRM removes everybody.

    Args:
        judged: what `judge` gives.
        withheld: audiences.
        as_of: the as-of date.

    Returns:
        The columns of members.audience_membership without release_id.
    """
    order = (F.col("place").asc_nulls_last(), F.col("score").desc_nulls_last(), F.col("customer_id"))
    # One task per audience on purpose: only members are ranked, after the cut.
    rank = F.row_number().over(Window.partitionBy("audience").orderBy(*order)).cast("bigint")
    delivered = _delivered(judged, withheld).where(F.col("reason").isNull())
    return delivered.withColumns({"as_of_date": F.lit(as_of), "audience_rank": rank}).select(*COLUMNS)


def refused_of(judged: DataFrame, withheld: Collection[str]) -> DataFrame:
    """Those who would be members (`members_of`) but for a reason: audience, customer_id, reason."""
    delivered = _delivered(judged, withheld).where(F.col("reason").isNotNull())
    return delivered.select("audience", "customer_id", "reason")


def _delivered(judged: DataFrame, withheld: Collection[str]) -> DataFrame:
    is_withheld = F.col("audience").isin(*withheld) if withheld else F.lit(False)
    return judged.where(F.col("stale") == is_withheld)


def with_memberships(customers: DataFrame, members: Mapping[str, DataFrame], as_of: date) -> DataFrame:
    """Whether customers are members of audiences.

    Args:
        customers: as_of_date, customer_id and other columns.
        members: audience -> its members of the date, at least one audience.
        as_of: the as-of date of these.

    Returns:
        `customers` with a BOOLEAN `audience.<name>` each, as conditions read it: never NULL on the date, and NULL on
        every other, of which nobody knows who would have been picked.
    """
    listed = [found.select("customer_id", F.lit(name).alias("audience")) for name, found in members.items()]
    flags = [F.bool_or(F.col("audience") == name).alias(AUDIENCE + name) for name in members]
    together = reduce(DataFrame.unionByName, listed).groupBy("customer_id").agg(*flags)
    is_known = F.col("as_of_date") == F.lit(as_of)
    found = {
        name: F.when(is_known, F.coalesce(F.col(f"`{name}`"), F.lit(False))) for name in map(AUDIENCE.__add__, members)
    }
    return customers.join(together, "customer_id", "left").withColumns(found)
