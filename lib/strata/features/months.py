"""Whole months of a customer, merged once: a window takes the months it holds and the days at its ends.

The idea is that of coarser tiles (hops: Chronon's windowing); months, since tiles are partitioned by them.
"""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame

from strata.contract.columns import Column
from strata.features.lifetime import base_column
from strata.features.merging import measures_of, merge_months, spans_of
from strata.features.tiles import SEEN, Follow, Measure, TilePlan


def month_measures(plan: TilePlan) -> tuple[Measure, ...]:
    """What months hold, a measure per `base`; nothing where something follows something else: that is told by days."""
    measures = measures_of(plan.plain(), plan, SEEN)
    if any(isinstance(m.partial, Follow) for m in measures):
        return ()
    return tuple({m.base: m for m in measures}.values())


def month_columns(plan: TilePlan) -> tuple[Column, ...]:
    """The columns of features.monthly after its key."""
    return tuple(base_column(m) for m in month_measures(plan))


def build_months(daily: DataFrame, plan: TilePlan) -> DataFrame:
    """customer_id, event_month and a column per `base`: all tiles of `daily`, merged by month."""
    return merge_months(daily, month_measures(plan))


def whole_months(plan: TilePlan, as_ofs: Sequence[date], first_day: date) -> tuple[date, ...]:
    """The months, as their first days, that every window of these dates holds whole or not at all.

    Args:
        plan: the features.
        as_ofs: the dates.
        first_day: of the first tile that counts; its month is whole, as nothing was before.
    """
    spans = spans_of(measures_of(plan.plain(), plan, SEEN), as_ofs)
    found, month = [], first_day.replace(day=1)
    while (end := last_of(month)) < spans.cuts[-1]:
        is_used = spans.reaches_back or month >= spans.cuts[0]
        if is_used and not any(month < cut <= end for cut in spans.cuts):
            found.append(month)
        month = end + timedelta(days=1)
    return tuple(found)


def last_of(month: date) -> date:
    """The last day of a month, from its first."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])
