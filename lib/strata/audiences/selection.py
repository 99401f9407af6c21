"""Who is found for audiences by a rule or from a list: those who meet it, and of these the first by order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from strata.audiences.ranking import size_at
from strata.audiences.sample import holds
from strata.contract.columns import Type
from strata.expression import Expression, Name, compile_expression
from strata.expression.spark import to_column
from strata.project.audiences import Audience

PICKS = ("audience", "customer_id", "score", "origin", "place")
_ORDER = "~order"


@dataclass(frozen=True, slots=True)
class Selection:
    """An audience by a rule or from a list, with its conditions compiled.

    Attributes:
        audience: as declared.
        include: who is in it; None: those that `with_lists` marks.
        order: the number by which the best are found; None: there is no size.
    """

    audience: Audience
    include: Expression | None
    order: Expression | None

    def limit(self, found: int) -> int | None:
        """How many are taken of those who meet it; None: all."""
        size = self.audience.size
        if size is None:
            return None
        return size.customers if size.share is None else size_at(size.share, found)


def compile_selection(audience: Audience, names: Mapping[str, Name]) -> Selection:
    """Compile an audience of kind rule or list.

    Raises:
        ProjectError: a condition or the order cannot be used.
    """
    include, order = audience.include, audience.order
    return Selection(
        audience,
        compile_expression(include, names, Type.BOOLEAN) if include else None,
        compile_expression(order, names) if order else None,
    )


def with_lists(customers: DataFrame, listed: DataFrame, names: Sequence[str]) -> DataFrame:
    """The customers, each marked for the lists it is in.

    Args:
        customers: customer_id and other columns.
        listed: audience, customer_id, of small lists.
        names: the audiences from lists, at least one.
    """
    flags = [F.bool_or(F.col("audience") == F.lit(name)).alias(_mark(name)) for name in names]
    return customers.join(F.broadcast(listed.groupBy("customer_id").agg(*flags)), "customer_id", "left")


def count_found(customers: DataFrame, selections: Sequence[Selection]) -> DataFrame:
    """How many customers meet each: one row, a column per audience."""
    return customers.agg(*[F.count_if(_meets(s)).alias(s.audience.name) for s in selections])


def pick(customers: DataFrame, selections: Sequence[Selection], found: Mapping[str, int]) -> DataFrame:
    """Those found for audiences by rules and from lists, after the cut and before anybody is removed.

    Where there is a size, the first by `order`; ties by customer_id, an unknown order comes last.

    Args:
        customers: those of one date, with all that conditions name, and marked by `with_lists` for lists.
        selections: at least one.
        found: audience -> how many customers meet it (`count_found`).

    Returns:
        audience, customer_id, score (NULL), origin (rule, list), place (1 is the first; NULL where all are taken).
    """
    limits = {s.audience.name: s.limit(found[s.audience.name]) for s in selections}
    whole = [s for s in selections if limits[s.audience.name] is None]
    cut = [s for s in selections if limits[s.audience.name] is not None]
    parts = []
    if whole:
        parts.append(_meeting(customers, whole).withColumn("place", F.lit(None).cast("bigint")))
    if cut:
        best_first = Window.partitionBy("audience").orderBy(F.col(_ORDER).desc_nulls_last(), "customer_id")
        ranked = _meeting(customers, cut).withColumn("place", F.row_number().over(best_first).cast("bigint"))
        most = [F.when(F.col("audience") == F.lit(s.audience.name), F.lit(limits[s.audience.name])) for s in cut]
        parts.append(ranked.where(F.col("place") <= F.coalesce(*most)))
    return reduce(DataFrame.unionByName, parts).select(*PICKS)


def _meeting(customers: DataFrame, selections: Sequence[Selection]) -> DataFrame:
    """A row per customer and audience, of one pass over the customers."""
    rows = F.array(*[F.when(_meets(s), _row(s)) for s in selections])
    return customers.select("customer_id", F.inline(rows)).where(F.col("audience").isNotNull())


def _row(selection: Selection) -> Column:
    audience = selection.audience
    return F.struct(
        F.lit(audience.name).alias("audience"),
        F.lit(None).cast("double").alias("score"),
        F.lit(audience.kind).alias("origin"),
        _best_highest(selection).alias(_ORDER),
    )


def _best_highest(selection: Selection) -> Column:
    size = selection.audience.size
    if selection.order is None or size is None:
        return F.lit(None).cast("double")
    value = to_column(selection.order).cast("double")
    known = F.when(~F.isnan(value), value)
    return known if size.best == "high" else -known


def _meets(selection: Selection) -> Column:
    if selection.include is not None:
        return holds(selection.include)
    return F.coalesce(F.col(f"`{_mark(selection.audience.name)}`"), F.lit(False))


def _mark(audience: str) -> str:
    return f"~listed:{audience}"
