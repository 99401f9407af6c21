"""What segments are worth: customers, revenue, retention and conversion over the periods a project declares.

Too few customers (`disclosure`): a segment below the floor says nothing. A rate is about those of whom its condition
holds, those of whom it does not, and those it does not ask about; it is said where each of the three is 0 or reaches
the floor, and where those of all other segments do not give them away.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Name, compile_expression
from strata.expression.spark import to_column
from strata.project.models import Kpi
from strata.project.words import Text
from strata.publish.disclosure import SUPPRESSED, Sums, complete_sums, suppress_small, withhold
from strata.publish.effects import mean_margin, ratio, squared_deviations, wilson_interval

MONEY = "decimal(18,2)"
KEYS = ("as_of_date", "segmentation", "segment")
BASE = ("as_of_date", "segmentation", "period")
AMOUNTS = ("revenue", "revenue_before")
RATES: Mapping[str, tuple[str, str, str]] = {
    "retention": ("active_before", "active", "customers_active_before"),
    "conversion": ("asked", "converted", "customers_asked"),
}
"""Rate -> condition of those it is about, condition of those it counts, column with the number of the former."""
OF_CUSTOMERS = (
    "customers", "share", *AMOUNTS, "revenue_share", "revenue_growth", "arpu", "ci_low", "ci_high",
)  # fmt: skip
MEASURES: Mapping[str, str] = {
    "revenue": MONEY,
    "squares": "decimal(38,4)",
    "revenue_before": MONEY,
    **{f"{rate}_{part}": "bigint" for rate in RATES for part in ("yes", "no")},
}
"""What is added up for a period -> its type; sums are exact, and so do not depend on how rows lie in partitions."""
_USUAL: Mapping[str, str] = {"revenue": "spend_84d", "revenue_before": "spend_84d_before"}


def usual_kpis(names: Mapping[str, Name]) -> tuple[Kpi, ...]:
    """What holds without kpis.yml: revenue is spend_84d and spend_84d_before, as far as there are such features."""
    nowhere = Location("kpis.yml", 1, 1)
    usual = {
        key: Text(name, nowhere) if name in names and names[name].type is Type.MONEY else None
        for key, name in _USUAL.items()
    }
    return (Kpi(period="84d", where=nowhere, **usual),)


def build_kpis(
    membership: DataFrame,
    features: DataFrame,
    kpis: Sequence[Kpi],
    names: Mapping[str, Name],
    catalog: Sequence[Mapping[str, Any]],
    floor: int,
) -> DataFrame:
    """One row per date, segment and period, also for segments that nobody is in.

    Args:
        membership: as_of_date, customer_id, segmentation, segment.
        features: as_of_date, customer_id and the features; of a customer without a row nothing is known.
        kpis: what counts, at least one period. Amounts that are unknown count as 0, conditions as not fulfilled.
        names: the features that `kpis` may use.
        catalog: the live rows of the catalogue: segmentation, segment; at least one.
        floor: fewest customers that a figure may be about.

    Returns:
        publish.segment_kpi without release_id. Shares are of the base of the same segmentation. What a period does not
        declare is NULL, and so is a figure without anything to divide by; is_suppressed: a figure is withheld.
    """
    measured = {_name(kpi, measure): value for kpi in kpis for measure, value in _measures(kpi, names).items()}
    wanted = features.select("as_of_date", "customer_id", *[value.alias(name) for name, value in measured.items()])
    joined = membership.join(wanted, ["as_of_date", "customer_id"], how="left")
    sums = joined.groupBy(*KEYS).agg(F.count("*").alias("customers"), *[_sum(name) for name in measured])
    periods = F.inline(F.array(*[_period(kpi, set(measured)) for kpi in kpis]))
    rows = _with_declared(sums, list(measured), catalog).select(*KEYS, "customers", periods)
    return _figures(_protect(rows, floor))


def _name(kpi: Kpi, measure: str) -> str:
    return f"~{kpi.period}:{measure}"


def _measures(kpi: Kpi, names: Mapping[str, Name]) -> dict[str, Column]:
    """What is added up of each customer for the keys that a period declares."""
    found: dict[str, Column] = {}
    for key in AMOUNTS:
        if text := getattr(kpi, key):
            found[key] = to_column(compile_expression(text, names, Type.MONEY)).cast(MONEY)
    if kpi.revenue:
        found["squares"] = found["revenue"] * found["revenue"]
    for rate, (about, counted, _) in RATES.items():
        if (asked := getattr(kpi, about)) and (held := getattr(kpi, counted)):
            is_asked, is_held = _holds(asked, names), _holds(held, names)
            found |= {f"{rate}_yes": is_asked & is_held, f"{rate}_no": is_asked & ~is_held}
    return {measure: value.cast(MEASURES[measure]) for measure, value in found.items()}


def _holds(text: Text, names: Mapping[str, Name]) -> Column:
    return F.coalesce(to_column(compile_expression(text, names, Type.BOOLEAN)), F.lit(False))


def _sum(name: str) -> Column:
    return F.sum(f"`{name}`").cast(_type(name)).alias(name)


def _type(name: str) -> str:
    return MEASURES[name.rpartition(":")[2]]


def _with_declared(sums: DataFrame, names: Sequence[str], catalog: Sequence[Mapping[str, Any]]) -> DataFrame:
    """`sums` with a row for each declared segment that nobody is in.

    The declared segments join each date as rows without sums and are merged in by maxima: they are few, and so neither
    a frame of literals nor a second look at the members is needed.
    """
    quoted = [f"`{name}`" for name in names]
    keys = F.array(*[F.struct(*(F.lit(row[key]).alias(key) for key in KEYS[1:])) for row in catalog])
    empty = [F.lit(0).cast("bigint").alias("customers"), *[F.lit(None).cast(_type(n)).alias(n) for n in names]]
    declared = F.transform(keys, lambda k: F.struct(*(k[key].alias(key) for key in KEYS[1:]), *empty))
    listed = sums.groupBy("as_of_date").agg(F.collect_list(F.struct(*KEYS[1:], "customers", *quoted)).alias("counted"))
    rows = listed.select("as_of_date", F.inline(F.concat("counted", declared)))
    return rows.groupBy(*KEYS).agg(
        F.max("customers").alias("customers"), *[F.max(q).alias(n) for q, n in zip(quoted, names, strict=True)]
    )


def _period(kpi: Kpi, declared: Collection[str]) -> Column:
    """The sums of one period under names that all periods share, as a row to be; NULL where not declared."""
    named = {measure: _name(kpi, measure) for measure in MEASURES}
    sums = [
        (F.coalesce(F.col(f"`{name}`"), F.lit(0)) if name in declared else F.lit(None)).cast(MEASURES[measure])
        for measure, name in named.items()
    ]
    return F.struct(F.lit(kpi.period).alias("period"), *[s.alias(m) for m, s in zip(named, sums, strict=True)])


def _protect(rows: DataFrame, floor: int) -> DataFrame:
    """Add is_suppressed, about the customers of a segment, and `~<rate>`, about its rates."""
    segments = Sums(BASE, "segment")
    rows = complete_sums(suppress_small(rows, ["customers"], floor), ["customers"], segments, floor)
    for rate in RATES:
        flag, counts = f"~{rate}", [f"{rate}_yes", f"{rate}_no", f"{rate}_rest"]
        rest = F.col("customers") - F.col(f"{rate}_yes") - F.col(f"{rate}_no")
        rows = rows.withColumns({f"{rate}_rest": rest, flag: F.col(SUPPRESSED)})
        rows = suppress_small(rows, counts, floor, flag)
        rows = complete_sums(rows, ["customers", *counts], segments, floor, flag)
    return rows


def _figures(rows: DataFrame) -> DataFrame:
    base, revenue, customers = Window.partitionBy(*BASE), F.col("revenue"), F.col("customers")
    arpu = ratio(revenue, customers)
    total = revenue.cast("double")
    margin = mean_margin(customers, squared_deviations(customers, total, F.col("squares").cast("double")))
    figures = {
        "share": ratio(customers, F.sum("customers").over(base)),
        "revenue_share": ratio(revenue, F.sum("revenue").over(base)),
        "revenue_growth": ratio(revenue, F.col("revenue_before")) - 1,
        "arpu": arpu,
        "ci_low": arpu - margin,
        "ci_high": arpu + margin,
    }
    made = withhold(rows.withColumns(figures), OF_CUSTOMERS)
    for rate, (_, _, asked) in RATES.items():
        made = withhold(made.withColumns(_rate(rate, asked)), (*_rate(rate, asked),), f"~{rate}")
    is_any = reduce(or_, [F.col(SUPPRESSED), *[F.col(f"~{rate}") for rate in RATES]])
    of_rates = [name for rate, (_, _, asked) in RATES.items() for name in _rate(rate, asked)]
    return made.select(*KEYS, "period", *OF_CUSTOMERS, *of_rates, is_any.alias(SUPPRESSED))


def _rate(rate: str, about: str) -> dict[str, Column]:
    yes, known = F.col(f"{rate}_yes"), F.col(f"{rate}_yes") + F.col(f"{rate}_no")
    low, high = wilson_interval(yes, known)
    return {
        about: known,
        f"{rate}_rate": ratio(yes, known),
        f"{rate}_ci_low": low,
        f"{rate}_ci_high": high,
    }
