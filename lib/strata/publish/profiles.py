"""The portrait of a segment: how its customers differ from everybody else in the base.

Everything follows from counts, sums and sums of squares per segment. They are integers and fixed-point decimals, so
they do not depend on how rows lie in partitions; the rest of the base is the whole minus the segment.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from strata.contract.columns import Type
from strata.publish.disclosure import SUPPRESSED, Side, Sums, complete_sums, complete_table, suppress_small, withhold
from strata.publish.effects import cohens_d, cohens_h, mean_margin, ratio, squared_deviations, wilson_interval

MEAN = "(mean)"
OTHER = "(other)"
VALUES_SHOWN = 50
"""Of a feature, the values that most customers of the base have; ties go by value. All others are `(other)`, and so
are values that fewer have than a figure may be about."""
FIXED_POINT: Mapping[Type, str] = {
    Type.BIGINT: "decimal(18,0)",
    Type.MONEY: "decimal(18,2)",
    Type.DOUBLE: "decimal(18,6)",
}
"""How values are added up: 18 digits, so that a square is exact in DECIMAL's 38. A DOUBLE is taken to 6 decimals;
one that is infinite, not a number or beyond 10¹² counts as unknown."""
SQUARES: Mapping[str, str] = {
    "decimal(18,0)": "decimal(37,0)",
    "decimal(18,2)": "decimal(37,4)",
    "decimal(18,6)": "decimal(37,12)",
}
"""How their squares are added up. The difference of two DECIMALs of 38 digits has 39, and Spark rounds one away."""
CATEGORIES = (Type.STRING, Type.BOOLEAN)
KEYS = ("as_of_date", "segmentation", "segment")
FEATURE = ("as_of_date", "segmentation", "feature")
PARTS = ("known", "total", "squares")
STATISTICS = ("share_or_mean", "rest_value", "effect_size", "ci_low", "ci_high", "customers_known", "known_share")


def build_profile(
    membership: DataFrame, features: DataFrame, feature_types: Mapping[str, Type], floor: int
) -> DataFrame:
    """Compare each segment with the rest of the base in the same segmentation, feature by feature.

    Args:
        membership: as_of_date, customer_id, segmentation, segment.
        features: as_of_date, customer_id and a column per feature; a customer without a row is unknown throughout.
        feature_types: the features to compare. BIGINT, MONEY and DOUBLE are compared by mean (value `(mean)`),
            STRING and BOOLEAN by the share of each frequent value and of `(other)`; other types are left out.
        floor: fewest customers that a figure may be about.

    Returns:
        publish.segment_profile without release_id. Means and shares are of customers with a known value; effect_size
        is Cohen's d of a mean or Cohen's h of a share, positive where the segment has more; profile_rank orders a
        segment's rows by its size. A value nobody in the segment has is a row with share 0. Where is_suppressed holds,
        every figure is NULL and the rank is among the last.

    Raises:
        ValueError: there is no feature to compare.
    """
    numbers = {f: FIXED_POINT[t] for f, t in feature_types.items() if t in FIXED_POINT}
    categories = [f for f, t in feature_types.items() if t in CATEGORIES]
    parts = [_means(membership, features, numbers, floor)] if numbers else []
    parts += [_shares(membership, features, categories, floor)] if categories else []
    if not parts:
        raise ValueError(f"no feature to compare among {dict(feature_types)}: expected a number, a text or a flag")
    return _ranked(withhold(reduce(DataFrame.unionByName, parts), STATISTICS))


def _ranked(statistics: DataFrame) -> DataFrame:
    strongest = Window.partitionBy(*KEYS).orderBy(F.abs("effect_size").desc_nulls_last(), "feature", "value")
    index = 100 * ratio(F.col("share_or_mean"), F.col("rest_value"))
    return statistics.withColumns({"index_100": index, "profile_rank": F.row_number().over(strongest).cast("bigint")})


def _join(membership: DataFrame, features: DataFrame, columns: list[Column]) -> DataFrame:
    wanted = features.select("as_of_date", "customer_id", *columns)
    segments = membership.select(*KEYS, "customer_id")
    return segments.join(wanted, ["as_of_date", "customer_id"], how="left")


def _protect_known(rows: DataFrame, floor: int) -> DataFrame:
    """Suppress the segments that are too small, as the overview does, and those of whom too few are known."""
    segments = Sums((*FEATURE, "value"), "segment")
    for count in ("customers", "known"):
        rows = complete_sums(suppress_small(rows, [count], floor), [count], segments, floor)
    return rows


def _means(membership: DataFrame, features: DataFrame, numbers: Mapping[str, str], floor: int) -> DataFrame:
    exact = [F.col(f).try_cast(fixed_point).alias(f) for f, fixed_point in numbers.items()]
    sums = (
        _join(membership, features, exact)
        .groupBy(*KEYS)
        .agg(F.count("*").alias("customers"), *[s for f in numbers for s in _sums(f)])
    )
    with_rest = sums.select("*", *[_rest(f, kind, part) for f, kind in numbers.items() for part in PARTS])
    per_feature = F.inline(F.array(*[_long(f) for f in numbers]))
    rows = with_rest.select(*KEYS, "customers", per_feature).withColumn("value", F.lit(MEAN))
    return _protect_known(rows, floor).select(*KEYS, "feature", "value", *_compare_means(), SUPPRESSED)


def _sums(feature: str) -> list[Column]:
    value = F.col(feature)
    return [
        F.count(value).alias(_name(feature, "known")),
        F.coalesce(F.sum(value), F.lit(0)).alias(_name(feature, "total")),
        F.coalesce(F.sum(value * value), F.lit(0)).alias(_name(feature, "squares")),
    ]


def _rest(feature: str, fixed_point: str, part: str) -> Column:
    """The sum of all other segments; still exact, so that their order does not matter."""
    own = F.col(f"`{_name(feature, part)}`")
    whole = F.sum(own).over(Window.partitionBy("as_of_date", "segmentation"))
    if part == "squares":
        whole, own = whole.cast(SQUARES[fixed_point]), own.cast(SQUARES[fixed_point])
    return (whole - own).alias(_name(feature, f"rest_{part}"))


def _long(feature: str) -> Column:
    """The sums of one feature under names that all features share, as a row to be."""
    names = [name for part in PARTS for name in (part, f"rest_{part}")]
    sums = [F.col(f"`{_name(feature, n)}`").cast("bigint" if n.endswith("known") else "double").alias(n) for n in names]
    return F.struct(F.lit(feature).alias("feature"), *sums)


def _name(feature: str, part: str) -> str:
    return f"~{part}:{feature}"


def _compare_means() -> list[Column]:
    known, rest_known = F.col("known"), F.col("rest_known")
    mean, rest_mean = ratio(F.col("total"), known), ratio(F.col("rest_total"), rest_known)
    deviations = squared_deviations(known, F.col("total"), F.col("squares"))
    rest_deviations = squared_deviations(rest_known, F.col("rest_total"), F.col("rest_squares"))
    margin = mean_margin(known, deviations)
    effect = cohens_d(mean, rest_mean, known, rest_known, deviations + rest_deviations)
    return _statistics(mean, rest_mean, effect, mean - margin, mean + margin)


def _shares(membership: DataFrame, features: DataFrame, categories: list[str], floor: int) -> DataFrame:
    texts = [F.col(f).cast("string").alias(f) for f in categories]
    pairs = [F.struct(F.lit(f).alias("feature"), F.col(f).alias("value")) for f in categories]
    cells = (
        _join(membership, features, texts)
        .select(*KEYS, F.inline(F.array(*pairs)))
        .groupBy(*KEYS, "feature", "value")
        .agg(F.count("*").alias("hits"))
    )
    complete = _with_absent_values(_most_frequent(cells, floor)).select("*", *_surroundings())
    known = _protect_cells(complete.where(F.col("value").isNotNull()), floor)
    return known.select(*KEYS, "feature", "value", *_compare_shares(), SUPPRESSED)


def _most_frequent(cells: DataFrame, floor: int) -> DataFrame:
    """The values that most of the base have, and one cell for all others; an unknown value stays unknown.

    A value that fewer than `floor` have in the whole base is one of the others, and when these are fewer still, so is
    the rarest value that would be shown.
    """
    value, base = F.col("value"), Window.partitionBy(*FEATURE)
    by_size = base.orderBy(value.isNull(), F.col("~customers").desc(), value)
    is_rare = value.isNotNull() & ((F.col("~place") > VALUES_SHOWN) | (F.col("~customers") < floor))
    rare = F.coalesce(F.sum(F.when(is_rare, F.col("hits"))).over(base), F.lit(0))
    last = F.max(F.when(value.isNotNull() & ~is_rare, F.col("~place"))).over(base)
    is_other = is_rare | ((rare > 0) & (rare < floor) & (F.col("~place") == last) & value.isNotNull())
    return (
        cells.repartition(*FEATURE)  # all that follows looks at one feature of a segmentation at a time
        .withColumn("~customers", F.sum("hits").over(Window.partitionBy(*FEATURE, "value")))
        .withColumn("~place", F.dense_rank().over(by_size))
        .withColumn("~shown", F.when(is_other, F.lit(OTHER)).otherwise(value))
        .groupBy(*KEYS, "feature", F.col("~shown").alias("value"))
        .agg(F.sum("hits").alias("hits"))
    )


def _protect_cells(rows: DataFrame, floor: int) -> DataFrame:
    """Suppress values that too few in the segment or in its rest have, or have not, and what would give them away."""
    known = _protect_known(rows, floor)
    around = {
        "~unknown": F.col(SUPPRESSED),
        "~others": F.col("known") - F.col("hits"),
        "~rest_others": F.col("rest_known") - F.col("rest_hits"),
    }
    small = suppress_small(known.withColumns(around), ["hits", "rest_hits", "~others", "~rest_others"], floor)
    return complete_table(small, "hits", FEATURE, (Side("segment", "~unknown"), Side("value")), floor)


def _with_absent_values(cells: DataFrame) -> DataFrame:
    """Adds a row with no hits for each value that some segment has and another has not.

    The product of segments and values is added as zeros and merged by sums. Customers whose value is unknown are
    cells too (value NULL), so every segment is there, even one of which nothing is known.
    """
    listed = cells.groupBy("as_of_date", "segmentation", "feature").agg(
        F.collect_list(F.struct("segment", "value", "hits")).alias("cells")
    )
    values = F.array_distinct("cells.value")
    zeros = F.transform(F.array_distinct("cells.segment"), lambda s: F.transform(values, lambda v: _no_hits(s, v)))
    rows = listed.select("as_of_date", "segmentation", "feature", F.inline(F.concat("cells", F.flatten(zeros))))
    return rows.groupBy(*KEYS, "feature", "value").agg(F.sum("hits").alias("hits"))


def _no_hits(segment: Column, value: Column) -> Column:
    return F.struct(segment.alias("segment"), value.alias("value"), F.lit(0).cast("bigint").alias("hits"))


def _surroundings() -> list[Column]:
    everybody = Window.partitionBy("as_of_date", "segmentation", "feature")
    segment = Window.partitionBy(*KEYS, "feature")
    value = Window.partitionBy("as_of_date", "segmentation", "feature", "value")
    known = F.when(F.col("value").isNotNull(), F.col("hits")).otherwise(0)
    own_known = F.sum(known).over(segment)
    return [
        F.sum("hits").over(segment).alias("customers"),
        own_known.alias("known"),
        (F.sum(known).over(everybody) - own_known).alias("rest_known"),
        (F.sum("hits").over(value) - F.col("hits")).alias("rest_hits"),
    ]


def _compare_shares() -> list[Column]:
    hits, known = F.col("hits"), F.col("known")
    share, rest_share = ratio(hits, known), ratio(F.col("rest_hits"), F.col("rest_known"))
    low, high = wilson_interval(hits, known)
    return _statistics(share, rest_share, cohens_h(share, rest_share), low, high)


def _statistics(own: Column, rest: Column, effect: Column, low: Column, high: Column) -> list[Column]:
    known_share = ratio(F.col("known"), F.col("customers"))
    columns = (own, rest, effect, low, high, F.col("known"), known_share)
    return [column.alias(name) for column, name in zip(columns, STATISTICS, strict=True)]
