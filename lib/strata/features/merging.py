"""Tiles to measures: days merged to spans, spans to the windows of every as-of date; and features from measures."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Rows
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.features.as_of import KEYS
from strata.features.cells import merged_partial
from strata.features.recipes import counts_from_zero
from strata.features.tiles import Follow, Measure, Partial, TilePlan
from strata.features.windows import Spans, Window, cut_spans
from strata.project.models import Feature

SPAN = "span"
DAY_IN_MOMENTS = 200_000_000_000
"""Two moments of different days are further apart than any two of one day, whatever zone the day was in."""
EARLIEST_MOMENT = 60_000_000_000


def measures_of(features: Iterable[Feature], plan: TilePlan, *more: Measure) -> tuple[Measure, ...]:
    """The distinct measures of `features`, and `more`, by name."""
    distinct = {m.name: m for m in (*more, *(m for f in features for m in plan.measures[f.name]))}
    return tuple(distinct[name] for name in sorted(distinct))


def spans_of(measures: Iterable[Measure], as_ofs: Sequence[date]) -> Spans:
    """The spans of which the windows of `measures` are made."""
    return cut_spans([_window(m) for m in measures], as_ofs)


def merge_days(
    tiles: DataFrame,
    keys: Sequence[str],
    measures: Sequence[Measure],
    spans: Spans,
    *,
    split: bool = False,
    months: DataFrame | None = None,
) -> DataFrame:
    """Tiles to spans.

    Args:
        tiles: customer_id, event_date, `keys` and partials.
        keys: what is told apart beside the customer.
        measures: what is to be merged.
        spans: from `spans_of` the same measures.
        split: a day of a customer and `keys` may have several rows; they come together before days are counted.
        months: from `merge_months` of the same measures, each within one span, for days that `tiles` lacks.

    Returns:
        customer_id, `keys`, span and the `base` of every measure; hash-partitioned by customer_id.
    """
    inside = F.col("event_date") < F.lit(spans.cuts[-1])
    if not spans.reaches_back:
        inside = inside & (F.col("event_date") >= F.lit(spans.cuts[0]))
    follows = {m.partial.name: m.partial for m in measures if isinstance(m.partial, Follow)}
    partials = sorted({p.name for m in measures for p in m.partials})
    reach = max((f.within for f in follows.values()), default=0)
    if reach and not spans.reaches_back:
        # What comes first may lie before the window of what follows.
        narrow = tiles.where(F.col("event_date") >= F.date_sub(F.lit(spans.cuts[0]), reach))
    else:
        narrow = tiles if follows else tiles.where(inside)
    narrow = narrow.select("customer_id", "event_date", *keys, *partials)
    if months is None:
        narrow = narrow.repartition("customer_id")
    if split and any(m.merge in ("days", "follows") for m in measures):
        named = {p.name: p for m in measures for p in m.partials}
        narrow = narrow.groupBy("customer_id", "event_date", *keys).agg(*(merged_partial(named[p]) for p in partials))
    if follows:
        narrow = narrow.withColumns({n: _follows(f, keys) for n, f in follows.items()}).where(inside)
    bases, span = _by_base(measures), _span(spans.cuts).alias(SPAN)
    spanned = narrow.select("customer_id", *keys, span, *_all_held(bases))
    if months is not None:
        whole = months.withColumnRenamed("event_month", "event_date").select("customer_id", span, *bases)
        spanned = spanned.unionByName(whole).repartition("customer_id")
    return spanned.groupBy("customer_id", *keys, SPAN).agg(*_all_merged(bases))


def merge_months(tiles: DataFrame, measures: Sequence[Measure]) -> DataFrame:
    """Tiles of days to customer_id, event_month and the `base` of every measure; none of them may follow another."""
    bases, keys = _by_base(measures), ("customer_id", "event_month")
    return tiles.select(*keys, *_all_held(bases)).groupBy(*keys).agg(*_all_merged(bases))


def merge_spans(merged: DataFrame, keys: Sequence[str], measures: Sequence[Measure], spans: Spans) -> DataFrame:
    """Spans to windows: as_of_date, customer_id, `keys` and `measures`, for who has a tile in one of the windows."""
    dates = F.array(*(F.struct(F.lit(n).alias("n"), F.lit(d).alias("as_of")) for n, d in enumerate(spans.as_ofs)))
    spread = merged.withColumn("_at", F.explode(dates)) if len(spans.as_ofs) > 1 else merged
    as_of = F.col("_at.as_of") if len(spans.as_ofs) > 1 else F.lit(spans.as_ofs[0])
    windows = {_window(m): f"_in_{m.days or 'all'}_{m.offset}" for m in measures}
    flags = [_holds(spans.runs[window]).alias(name) for window, name in windows.items()]
    bases = sorted({m.base for m in measures})
    flagged = spread.select(as_of.alias("as_of_date"), "customer_id", *keys, *bases, *flags)
    used = reduce(Column.__or__, map(F.col, windows.values()))
    held = {m.name: F.when(F.col(windows[_window(m)]), F.col(m.base)) for m in measures}
    return flagged.where(used).groupBy(*KEYS, *keys).agg(*(merge_base(m, held[m.name]).alias(m.name) for m in measures))


def finished(feature: Feature, measures: Sequence[Column], plan: TilePlan) -> Column:
    """The feature in its own type from its measures (in the order of its recipe), NULL where there were no tiles."""
    declared = plan.measures[feature.name]
    filled = [
        F.coalesce(value, F.lit(0)) if counts_from_zero(m.merge) else value
        for m, value in zip(declared, measures, strict=True)
    ]
    return _combined(feature, filled, declared[0]).cast(feature.type.value)


def _by_base(measures: Sequence[Measure]) -> dict[str, Measure]:
    return dict(sorted({m.base: m for m in measures}.items()))


def _all_held(bases: Mapping[str, Measure]) -> list[Column]:
    return [_held(measure).alias(base) for base, measure in bases.items()]


def _all_merged(bases: Mapping[str, Measure]) -> list[Column]:
    return [merge_base(measure, F.col(base)).alias(base) for base, measure in bases.items()]


def _window(measure: Measure) -> Window:
    return measure.days, measure.offset


def _span(cuts: Sequence[date], below: int = 0) -> Column:
    """The number of cuts up to event_date, found by halves."""
    if not cuts:
        return F.lit(below)
    half = len(cuts) // 2
    earlier, later = _span(cuts[:half], below), _span(cuts[half + 1 :], below + half + 1)
    return F.when(F.col("event_date") < F.lit(cuts[half]), earlier).otherwise(later)


def _follows(follow: Follow, keys: Sequence[str]) -> Column:
    """1 on days with what follows, when what comes first was earlier that day or up to `within` days before."""
    first_at, then_at = F.col(follow.first_at.name), F.col(follow.then_at.name)
    before = Rows.partitionBy("customer_id", *keys).orderBy("event_date").rowsBetween(Rows.unboundedPreceding, -1)
    last_first = F.last(F.when(first_at.isNotNull(), F.col("event_date")), ignorenulls=True).over(before)
    soon = F.datediff("event_date", last_first) <= follow.within
    holds = then_at.isNotNull() & F.coalesce((first_at < then_at) | soon, F.lit(False))
    return F.when(holds, F.lit(1)).otherwise(F.lit(0)).cast("bigint")


def _held(measure: Measure) -> Column:
    """What one day brings to a measure's `base`."""
    partial, day = F.col(measure.partial.name), F.col("event_date")
    match measure.merge:
        case "days":
            return F.when(partial > 0, F.lit(1).cast("bigint"))
        case "first" | "last":
            return F.when(partial > 0, day)
        case "latest":
            return F.unix_date(day).cast("bigint") * F.lit(DAY_IN_MOMENTS) + partial + F.lit(EARLIEST_MOMENT)
        case _:
            return partial


def merge_base(measure: Measure, held: Column) -> Column:
    """The aggregate that brings values of a measure's `base` together."""
    if counts_from_zero(measure.merge):
        return F.sum(held)
    return F.min(held) if measure.merge in ("min", "first") else F.max(held)


def _holds(runs: Sequence[tuple[int, int]]) -> Column:
    """Whether a span lies in the run of its as-of date."""
    if len(runs) == 1:
        return F.col(SPAN).between(*runs[0])
    low, high = (F.array(*(F.lit(run[end]) for run in runs)) for end in (0, 1))
    return F.col(SPAN).between(F.get(low, F.col("_at.n")), F.get(high, F.col("_at.n")))


def _combined(feature: Feature, values: Sequence[Column], first: Measure) -> Column:
    match feature.kind:
        case "sum" | "min" | "max":
            return _unscaled(values[0], first.partial)
        case "mean":
            return F.try_divide(_unscaled(values[0], first.partial).cast("double"), values[1].cast("double"))
        case "share":
            return F.try_divide(values[0].cast("double"), values[1].cast("double"))
        case "mean_gap":
            start, end, days = values
            return F.try_divide(F.datediff(end, start).cast("double"), (days - 1).cast("double"))
        case "days_since":
            return F.datediff("as_of_date", values[0])
        case _:
            return _held_in_turn(feature, values)


def _held_in_turn(feature: Feature, values: Sequence[Column]) -> Column:
    """Kinds that compare one window with those before it; of all others the only value."""
    match feature.kind:
        case "stopped":
            return (values[0] == 0) & (values[1] > 0)
        case "restarted":
            return (values[0] > 0) & (values[1] == 0) & (values[2] > 0)
        case "regular":
            active = [F.when(value > 0, F.lit(1)).otherwise(F.lit(0)) for value in values]
            return reduce(Column.__add__, active) >= (feature.at_least or 0)
        case _:
            return values[0]


def _unscaled(value: Column, partial: Partial | Follow) -> Column:
    if isinstance(partial, Follow) or not partial.scale:
        return value
    if partial.of_type == Type.DOUBLE:
        return value.cast("double") / F.lit(10.0**partial.scale)
    return value.cast("decimal(20,0)") * F.lit(Decimal(1).scaleb(-partial.scale))
