"""The whole history of a customer without its days: what was merged up to a day once need not be merged again."""

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Column, Personal, Type, column
from strata.features.merging import SPAN, measures_of, merge_base, merge_days, merge_spans, spans_of
from strata.features.tiles import SEEN, Measure, Partial, TilePlan

_DATED = ("first", "last")


def lifetime_measures(plan: TilePlan) -> tuple[Measure, ...]:
    """What is merged over the whole history; nothing when it cannot be cut: what follows may lie behind the cut."""
    whole = [m for m in measures_of(plan.plain(), plan, SEEN) if m.days is None]
    if any(m.merge == "follows" for m in whole):
        return ()
    return tuple({m.base: m for m in whole}.values())


def last_day(plan: TilePlan, as_ofs: Sequence[date]) -> date:
    """The last day that a lifetime for these dates may cover: the end of a month, before every window begins."""
    measures = measures_of(plan.plain(), plan, SEEN)
    reach = max((m.partial.within for m in measures if not isinstance(m.partial, Partial)), default=0)
    first = min((*spans_of(measures, as_ofs).cuts, min(as_ofs))) - timedelta(days=reach)
    return first.replace(day=1) - timedelta(days=1)


def lifetime_columns(plan: TilePlan) -> tuple[Column, ...]:
    """The columns of features.lifetime after customer_id."""
    return tuple(base_column(m) for m in lifetime_measures(plan))


def build_lifetime(daily: DataFrame, plan: TilePlan, through: date) -> DataFrame:
    """customer_id and a column per measure: the tiles of all days up to `through`, merged."""
    measures = lifetime_measures(plan)
    merged = merge_days(daily, (), measures, spans_of([SEEN], [through]))
    return merged.select("customer_id", *(m.base for m in measures))


def extend_lifetime(lifetime: DataFrame, later: DataFrame, plan: TilePlan) -> DataFrame:
    """A lifetime and one of the days behind it, as one; both from `build_lifetime`."""
    both = lifetime.unionByName(later).groupBy("customer_id")
    return both.agg(*(merge_base(m, F.col(m.base)).alias(m.base) for m in lifetime_measures(plan)))


def merge_history(
    daily: DataFrame,
    lifetime: DataFrame | None,
    months: DataFrame | None,
    measures: Sequence[Measure],
    as_ofs: Sequence[date],
) -> DataFrame:
    """`measures` per as_of_date and customer_id.

    Args:
        daily: tiles; only those that are neither in the lifetime nor in the months.
        lifetime: from `build_lifetime`, up to a day before every window begins.
        months: from `build_months`, of `whole_months`, behind the lifetime.
        measures: what is to be merged.
        as_ofs: the dates.
    """
    spans = spans_of(measures, as_ofs)
    merged = merge_days(daily, (), measures, spans, months=months)
    if lifetime is not None:
        bases = [c for c in lifetime.columns if c in merged.columns]
        history = lifetime.select(*bases).withColumn(SPAN, F.lit(0))
        merged = merged.unionByName(history, allowMissingColumns=True)
    return merge_spans(merged, (), measures, spans)


def base_column(measure: Measure) -> Column:
    """The declaration of the column that holds a measure's `base`."""
    held = measure.partial.column if isinstance(measure.partial, Partial) else None
    kind = held.type if held else Type.BIGINT
    if measure.merge in _DATED:
        kind = Type.DATE
    elif measure.merge in ("days", "latest"):
        kind = Type.BIGINT
    what = f"{measure.merge} of: {held.description if held else measure.partial.name}"
    return column(kind, what, unit=held.unit if held and kind is held.type else "", nullable=True,
                  personal=Personal.BEHAVIOUR, name=measure.base)  # fmt: skip
