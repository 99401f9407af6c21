"""What is wrong with a mapped row: required, allowed, within limits, and what the source rejects itself.

Every rule gives reason -> condition over the mapped columns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.contract.columns import Between, Matches, OneOf, Table, Type, extend
from strata.contract.columns import Column as Declared
from strata.contract.silver import FED_TABLES, FIRST_EVENT_DAY, MANAGED
from strata.expression import compile_expression
from strata.expression.spark import to_column
from strata.ingest.convert import out_of_range
from strata.project.names import names_of_fed
from strata.project.sources import Source

_MOMENT_OF_EVENT = ("occurred_at", "event_date")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a batch accepts of events.

    Attributes:
        last_day: the last day that is not in the future: the day after the batch, for clocks that are fast.
        first_day: the first day that is not too late; None when none is.
        currency: the project's, in which amounts are.
    """

    last_day: date
    first_day: date | None
    currency: str


def silver_table(source: Source) -> type[Table]:
    """The silver table a source feeds, with the source's own extra columns."""
    return extend(FED_TABLES[source.feeds], tuple(declared for _, declared in source.extra))


def breaches(source: Source, filled: Mapping[str, Column], accepted: Accepted) -> dict[str, Column]:
    """Every reason that can be told from the mapped columns of a source.

    Args:
        source: feeds the table whose contract is kept.
        filled: the columns that the source fills.
        accepted: what the batch takes of events.
    """
    identities = {m.name for m in source.columns if m.identity}
    found: dict[str, Column] = {}
    for declared in silver_table(source).columns:
        if declared in filled and declared not in (*MANAGED, *identities, "event_id"):
            found |= dict(_of_column(declared, is_event=source.feeds == "events"))
    if source.feeds == "events":
        found |= dict(_of_event(source, filled, accepted))
    if "birth_date" in filled:
        found["birth_date_in_future"] = F.col("birth_date") > F.lit(accepted.last_day)
    if {"latitude", "longitude"} <= filled.keys():
        # Where nobody knew a place: the sea off Guinea, where no shop stands and nobody lives.
        found["location_unset"] = (F.col("latitude") == 0) & (F.col("longitude") == 0)
    return found | {
        rule.reason: to_column(compile_expression(rule.when, names_of_fed(source), Type.BOOLEAN))
        for rule in source.reject
    }


def _of_column(declared: Declared, *, is_event: bool) -> Iterator[tuple[str, Column]]:
    value = F.col(f"`{declared}`")
    if not declared.nullable and declared != "valid_from":
        yield f"{declared}_missing", value.isNull()
    if declared.type in (Type.DATE, Type.INSTANT) and not (is_event and declared in _MOMENT_OF_EVENT):
        yield f"{declared}_out_of_range", out_of_range(value, declared.type)
    for limit in declared.constraints:
        yield _breach(declared, limit, value)


def _breach(declared: Declared, limit: OneOf | Between | Matches, value: Column) -> tuple[str, Column]:
    match limit:
        case OneOf(values):
            return f"{declared}_unexpected", ~value.isin(list(values))
        case Between(low, high):
            below = F.lit(False) if low is None else value < low
            return f"{declared}_out_of_range", below | (F.lit(False) if high is None else value > high)
        case Matches(pattern, _):
            return f"{declared}_malformed", ~value.rlike(pattern)


def _of_event(source: Source, filled: Mapping[str, Column], accepted: Accepted) -> Iterator[tuple[str, Column]]:
    day = F.col("event_date")
    yield "occurred_at_before_1990", day < F.lit(FIRST_EVENT_DAY)
    yield "occurred_at_in_future", day > F.lit(accepted.last_day)
    if accepted.first_day is not None:
        yield "too_late", day < F.lit(accepted.first_day)
    if source.event_types:
        yield "event_type_unexpected", ~F.col("event_type").isin(*map(str, source.event_types))
    amounts = [F.col(f"`{c}`") for c in silver_table(source).columns if c.type is Type.MONEY and c in filled]
    if amounts and "currency" in filled:
        is_foreign = F.col("currency") != F.lit(accepted.currency)
        yield "currency_without_rate", is_foreign & F.coalesce(*amounts).isNotNull()
