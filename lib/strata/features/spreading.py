"""Features that look at values: one column per value (`by`), or one answer from all of them (distinct, top, last)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Rows
from pyspark.sql import functions as F

from strata.features.as_of import KEYS
from strata.features.cells import DAY
from strata.features.merging import finished, measures_of, merge_days, merge_spans, spans_of
from strata.features.tiles import Measure, TilePlan
from strata.features.wide import value_columns
from strata.project.models import Feature

_BY, _VALUE, _SLOT = "by_column", "by_value", "slot"
Kept = Mapping[str, tuple[str, ...]]
"""Feature with `by ... keep` -> its values, most customers first."""


def keep_values(cells: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> dict[date, Kept]:
    """The values that `by ... keep` features are spread over as of each date: those with most customers.

    A customer counts for a value when an event that the feature is about lies in its window. Of values with equally
    many customers the first by value is kept. The one action among the transforms: it brings a row per kept value to
    the driver, and nothing if none is to keep.
    """
    keeping = [f for f in plan.spread() if f.keep is not None]
    kept: dict[date, Kept] = {as_of: {f.name: () for f in keeping} for as_of in as_ofs}
    if not keeping:
        return kept
    present = {m.name: m for m in (plan.presence[f.name] for f in keeping)}
    found = _per_value(cells, plan, keeping, tuple(present.values()), as_ofs)
    counts = F.array(*(_customers(feature, plan) for feature in keeping))
    counted = found.groupBy("as_of_date", _BY, _VALUE).agg(counts.alias("counts"))
    long = counted.select("as_of_date", _VALUE, F.explode("counts").alias("of")).select("as_of_date", _VALUE, "of.*")
    most = Rows.partitionBy("as_of_date", "feature").orderBy(F.desc("customers"), _VALUE)
    ranked = long.where(F.col("customers") > 0).withColumn("place", F.row_number().over(most))
    rows = ranked.where(F.col("place") <= F.col("keep")).drop("keep").toArrow().to_pylist()
    for row in sorted(rows, key=lambda row: row["place"]):
        of_date = dict(kept[row["as_of_date"]])
        kept[row["as_of_date"]] = {**of_date, row["feature"]: (*of_date[row["feature"]], row[_VALUE])}
    return kept


def keeping(plan: TilePlan, kept: Iterable[Kept]) -> TilePlan:
    """`plan` with every value that is kept as of one of the dates, in the order of the dates.

    What is kept of a feature that the plan does not have (any more) is left out.
    """
    together: dict[str, dict[str, None]] = {f.name: {} for f in plan.spread() if f.keep is not None}
    for of_date in kept:
        for feature in together.keys() & of_date.keys():
            together[feature].update(dict.fromkeys(of_date[feature]))
    return replace(plan, kept={feature: tuple(values) for feature, values in together.items()})


def spread_features(cells: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame | None:
    """Measures of `by` features per customer, in one scan and one shuffle of the cells.

    A pivot, because it finds the place of a value by hash: 150 look-ups in a map cost 2 to 3 times as much where
    customers have many of the values (measured: 1 M pairs of 15,000 customers).

    Returns:
        as_of_date, customer_id and a column per value and measure, for `spread_columns`; None when there is no value.
    """
    features = plan.spread()
    values: dict[str, set[str]] = {}
    for feature in features:
        values.setdefault(plan.keys[feature.name].name, set()).update(value_columns(feature, plan))
    slots = [(by, value) for by, listed in sorted(values.items()) for value in sorted(listed)]
    if not slots:
        return None
    measures = measures_of(features, plan)
    found = _per_value(cells, plan, features, measures, as_ofs, values)
    keyed = found.withColumn(_SLOT, F.concat_ws("=", _BY, _VALUE))
    wide = (
        keyed.groupBy(*KEYS).pivot(_SLOT, ["=".join(slot) for slot in slots]).agg(*(F.first(m.name) for m in measures))
    )
    return wide.toDF(*KEYS, *(_spread_name(by, value, m) for by, value in slots for m in measures))


def spread_columns(feature: Feature, plan: TilePlan) -> tuple[Column, ...]:
    """The columns of a `by` feature over what `spread_features` returns."""
    by, measures = plan.keys[feature.name].name, plan.measures[feature.name]
    return tuple(
        finished(feature, [F.col(_quoted(_spread_name(by, value, m))) for m in measures], plan).alias(name)
        for value, name in value_columns(feature, plan).items()
    )


def choose_values(cells: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame | None:
    """Features distinct, top and last per customer: as_of_date, customer_id and a column each; None without any.

    `distinct` is NULL for who has no row at all. Of values equally frequent, or equally late, the first by value is
    top, or last. `top` is NULL where the most frequent value has less than `share_at_least` of the events with one.
    """
    features = plan.chosen()
    if not features:
        return None
    found = _per_value(cells, plan, features, measures_of(features, plan), as_ofs)
    return found.groupBy(*KEYS).agg(*(_chosen(feature, plan).alias(feature.name) for feature in features))


def _chosen(feature: Feature, plan: TilePlan) -> Column:
    (measure,) = plan.measures[feature.name]
    number = F.when(F.col(_BY) == plan.keys[feature.name].name, F.col(measure.name))
    counted = F.when(number > 0, number)
    if feature.kind == "distinct":
        return F.count(counted)
    best = F.min(F.when(counted.isNotNull(), F.struct((-counted).alias("less"), F.col(_VALUE).alias("value"))))
    answer = best["value"]
    if feature.share_at_least is not None:
        share = -best["less"].cast("double") / F.sum(counted).cast("double")
        answer = F.when(share >= F.lit(feature.share_at_least), answer)
    return answer.cast(feature.type.value)


def _customers(feature: Feature, plan: TilePlan) -> Column:
    """The number of customers for whom the feature is about a value."""
    holds = (F.col(_BY) == plan.keys[feature.name].name) & (F.col(plan.presence[feature.name].name) > 0)
    counted = F.count(F.when(holds, F.lit(1))).alias("customers")
    return F.struct(F.lit(feature.name).alias("feature"), F.lit(feature.keep).alias("keep"), counted)


def _per_value(
    cells: DataFrame, plan: TilePlan, features: Sequence[Feature], measures: Sequence[Measure],
    as_ofs: Sequence[date], values: Mapping[str, Iterable[str]] | None = None,
) -> DataFrame:  # fmt: skip
    """Measures per as_of_date, customer_id, by_column and by_value; of all values, or of those that are asked for."""
    names = sorted({plan.keys[f.name].name for f in features})
    partials = sorted({p.name for m in measures for p in m.partials})
    if len(names) == 1:
        long = cells.select(*DAY, F.lit(names[0]).alias(_BY), F.col(names[0]).alias(_VALUE), *partials)
    else:
        pairs = F.explode(F.array(*(F.struct(F.lit(by).alias(_BY), F.col(by).alias(_VALUE)) for by in names)))
        long = cells.select(*DAY, pairs.alias("pair"), *partials).select(*DAY, "pair.*", *partials)
    asked = F.col(_VALUE).isNotNull()
    if values is not None:
        listed = [(F.col(_BY) == by) & F.col(_VALUE).isin(*sorted(some)) for by, some in values.items() if some]
        asked = reduce(Column.__or__, listed)
    spans = spans_of(measures, as_ofs)
    # A day has several cells of a value when another column splits it.
    merged = merge_days(long.where(asked), (_BY, _VALUE), measures, spans, split=len(plan.by) > 1)
    return merge_spans(merged, (_BY, _VALUE), measures, spans)


def _spread_name(by: str, value: str, measure: Measure) -> str:
    return f"{by}={value}={measure.name}"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
