"""The members of a look-alike: the best candidates, less everybody who may not be in it."""

from collections.abc import Mapping
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.audiences.definition import Lookalike
from strata.audiences.model import LookalikeModel
from strata.audiences.ranking import size_at
from strata.audiences.sample import holds, is_candidate
from strata.audiences.scoring import score_column
from strata.contract.lists import audience_membership
from strata.project.references import AUDIENCE

COLUMNS = tuple(str(c) for c in audience_membership.columns if c != "release_id")


def permitted(snapshot: DataFrame, lookalike: Lookalike, eligible: DataFrame) -> DataFrame:
    """Who may be in the audience: customers of the base that are eligible and that no `exclude` condition names.

    Args:
        snapshot: features.snapshot of the as-of date.
        lookalike: the definition.
        eligible: customer_id of those who may be addressed (`consent.eligible`).

    Returns:
        customer_id.
    """
    excluded = F.lit(False)
    for condition in lookalike.exclude:
        excluded = excluded | holds(condition)
    return snapshot.where(~excluded).select("customer_id").join(eligible, "customer_id", "left_semi")


def pick(  # noqa: PLR0913 - every argument is a table or a number of another stage
    snapshot: DataFrame,
    lookalike: Lookalike,
    model: LookalikeModel,
    as_of: date,
    *,
    candidates: int,
    permitted: DataFrame,
    previous: DataFrame | None = None,
) -> DataFrame:
    """The members: the best `share` of all candidates (rounded up), and of these the permitted ones.

    Exclusion comes after the cut, so that it only ever removes: who withdraws consent makes room for nobody, and a
    replay of an old date readmits nobody.

    Args:
        snapshot: features.snapshot of the as-of date.
        lookalike: the definition.
        model: what scores candidates.
        as_of: the as-of date.
        candidates: how many candidates there are (`sample.count_customers`).
        permitted: customer_id of those who may be in it.
        previous: members.audience_membership of the release before, or None; who was a member then keeps the day of
            entering.

    Returns:
        The columns of members.audience_membership without release_id.
    """
    size = size_at(lookalike.reach(candidates), candidates)
    best = (
        snapshot.where(is_candidate(lookalike))
        .select("customer_id", score_column(model).alias("score"))
        .orderBy(F.col("score").desc(), "customer_id")
        .limit(size)
    )
    ranked = best.join(permitted, "customer_id", "left_semi").withColumn("audience_rank", _rank("score"))
    entered = F.lit(as_of)
    if previous is not None:
        ranked = ranked.join(_entries(previous, lookalike.audience.name), "customer_id", "left")
        # `least` looks past NULL; a release about a later day cannot be the day of entering an earlier one.
        entered = F.least(F.col("entered_before"), entered)
    return ranked.select(
        F.lit(as_of).alias("as_of_date"),
        F.lit(lookalike.audience.name).alias("audience"),
        "customer_id",
        "score",
        "audience_rank",
        F.lit("lookalike").alias("origin"),
        F.lit(False).alias("holdout"),
        entered.alias("entered_on"),
        F.lit(None).cast("date").alias("expires_on"),
        F.lit(False).alias("stale"),
    )


def carry_forward(previous: DataFrame, audience: str, as_of: date, permitted: DataFrame) -> DataFrame:
    """The last members of an audience that was withheld, marked stale, so that no CRM removes everybody.

    Exclusion wins here too: who may no longer be in it is not carried.

    Args:
        previous: members.audience_membership of the release before.
        audience: its name.
        as_of: the as-of date.
        permitted: customer_id of those who may be in it.

    Returns:
        The columns of members.audience_membership without release_id.
    """
    kept = previous.where(F.col("audience") == F.lit(audience)).join(permitted, "customer_id", "left_semi")
    renewed = {
        "as_of_date": F.lit(as_of),
        "stale": F.lit(True),
        "audience_rank": _rank("audience_rank", descending=False),
    }
    return kept.withColumns(renewed).select(*COLUMNS)


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


def _rank(by: str, descending: bool = True) -> Column:
    first = F.col(by).desc() if descending else F.col(by).asc()
    # One partition on purpose: only members are ranked, after the cut.
    return F.row_number().over(Window.orderBy(first, "customer_id")).cast("bigint")


def _entries(previous: DataFrame, audience: str) -> DataFrame:
    return previous.where(F.col("audience") == F.lit(audience)).select(
        "customer_id", F.col("entered_on").alias("entered_before")
    )
