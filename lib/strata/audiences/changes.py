"""Two memberships compared: who joined, who left, and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.audiences.reasons import (
    FIRST_RELEASE,
    GONE,
    IN_BASE,
    Explained,
    Ground,
    Question,
    comparable,
    flag,
    grounds_of_joining,
    grounds_of_joining_since,
    grounds_of_leaving,
)
from strata.expression.spark import to_column

ADDED, REMOVED = "added", "removed"
_IS, _WAS, _REFUSAL = "~is", "~was", "~refusal"
_NOW, _BEFORE = "~now:", "~before:"


@dataclass(frozen=True, slots=True)
class Known:
    """What reasons are told by, of everybody in the base of the date and of that of the release before.

    Each frame has a row per customer: customer_id, `reasons.IN_BASE` (true), a BOOLEAN `reasons.allowed_name` for the
    purpose of each audience, and what `Explained.columns` names.

    Attributes:
        customers: of the date.
        before: of the release before; None where that is not known.
        unknown_before: columns of `before` that do not say what was so then.
    """

    customers: DataFrame
    before: DataFrame | None = None
    unknown_before: Collection[str] = ()


def find_changes(
    members: DataFrame,
    before: DataFrame,
    refused: DataFrame,
    known: Known,
    audiences: Sequence[Explained],
    as_of: date,
) -> DataFrame:
    """Who joined and who left audiences, each with the first reason that holds.

    Args:
        members: audience, customer_id.
        before: audience, customer_id of the members of the release before.
        refused: audience, customer_id, reason of those who would be members and are refused; at most one row each.
        known: of customers.
        audiences: those of the project. Whoever was a member of another one leaves it.
        as_of: the as-of date.

    Returns:
        as_of_date, audience, customer_id, change, reason. Who stays has no row.
    """
    changed, joining = _beside(_changed(members, before, refused), known.customers, _NOW), grounds_of_joining
    if known.before is not None:
        changed, joining = _beside(changed, known.before, _BEFORE), grounds_of_joining_since
    joins = {e.audience.name: joining(comparable(e, known.unknown_before)) for e in audiences}
    leaves = {e.audience.name: grounds_of_leaving(e) for e in audiences}
    refusal = F.when(_answered(Question(flag(IN_BASE))), _column(_REFUSAL))
    removed = F.coalesce(refusal, _reason(leaves, GONE))
    return _rows(changed, as_of, F.when(_column(_IS), _reason(joins, FIRST_RELEASE)).otherwise(removed))


def all_added(members: DataFrame, as_of: date) -> DataFrame:
    """The changes of a first release, which are its members.

    Args:
        members: audience, customer_id.
        as_of: the as-of date.

    Returns:
        The columns of `find_changes`.
    """
    return _rows(members.withColumn(_IS, F.lit(True)), as_of, F.lit(FIRST_RELEASE))


def _rows(changed: DataFrame, as_of: date, reason: Column) -> DataFrame:
    return changed.select(
        F.lit(as_of).alias("as_of_date"),
        "audience",
        "customer_id",
        F.when(_column(_IS), ADDED).otherwise(REMOVED).alias("change"),
        reason.alias("reason"),
    )


def _changed(members: DataFrame, before: DataFrame, refused: DataFrame) -> DataFrame:
    """Who is a member of one of the two only: audience, customer_id, ~is, ~refusal."""

    def side(frame: DataFrame, now: bool | None, reason: Column) -> DataFrame:
        flags = F.lit(now is True).alias(_IS), F.lit(now is False).alias(_WAS)
        return frame.select("audience", "customer_id", *flags, reason.alias(_REFUSAL))

    nothing = F.lit(None).cast("string")
    sides = side(members, True, nothing), side(before, False, nothing), side(refused, None, F.col("reason"))
    # By customer, so that neither the grouping nor the joins that follow move these rows again.
    together = reduce(DataFrame.unionByName, sides).repartition("customer_id").groupBy("audience", "customer_id")
    found = together.agg(
        *[F.bool_or(_column(flag)).alias(flag) for flag in (_IS, _WAS)], F.min(_column(_REFUSAL)).alias(_REFUSAL)
    )
    return found.where(_column(_IS) != _column(_WAS)).drop(_WAS)


def _beside(changed: DataFrame, customers: DataFrame, prefix: str) -> DataFrame:
    """The rows with what is known of their customers, under names that no other column has."""
    told = [_column(c).alias(prefix + c) for c in customers.columns if c != "customer_id"]
    return changed.join(customers.select("customer_id", *told), "customer_id", "left")


def _reason(grounds: Mapping[str, Sequence[Ground]], otherwise: str) -> Column:
    """The first ground that holds, of the audience of a row."""
    told = [F.when(F.col("audience") == F.lit(name), _first(each)) for name, each in grounds.items()]
    return F.coalesce(*told, F.lit(otherwise))


def _first(grounds: Sequence[Ground]) -> Column:
    told = (F.when(reduce(and_, map(_answered, g.questions), F.lit(True)), F.lit(g.reason)) for g in grounds)
    return F.coalesce(*told)


def _answered(question: Question) -> Column:
    prefix = _BEFORE if question.before else _NOW
    columns = {name: _column(prefix + name) for name in question.condition.names}
    return F.coalesce(to_column(question.condition, columns), F.lit(False)) == F.lit(question.answer)


def _column(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")
