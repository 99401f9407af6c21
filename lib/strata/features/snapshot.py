"""The snapshot: every feature of every customer of the base, as of one or several dates."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.expression import compile_expression
from strata.expression.spark import to_column
from strata.features.as_of import KEYS
from strata.features.merging import aged, finished, measures_of, merged
from strata.features.profiles import profiles_as_of
from strata.features.spreading import spread_columns, spread_features
from strata.features.tiles import TilePlan
from strata.features.wide import snapshot_columns
from strata.project.models import Feature
from strata.project.names import column_names, names_of_features
from strata.project.order import depends_on, order_features


def build_snapshot(
    daily: DataFrame, cells: DataFrame | None, customers: DataFrame, base: DataFrame, plan: TilePlan,
    as_ofs: Sequence[date],
) -> DataFrame:  # fmt: skip
    """Every feature of every customer of the base, in one scan of each kind of tiles.

    Args:
        daily: tiles per customer and day, from `build_daily`.
        cells: tiles per customer, day and value, from `build_cells`; None when no feature has `by`.
        customers: valid versions of profiles.
        base: as_of_date, customer_id, from `build_base` for the same dates.
        plan: the features; `keep_values` has decided the values of `by ... keep` features.
        as_ofs: the dates.

    Returns:
        as_of_date, customer_id and `snapshot_columns(plan)`; exactly the rows of `base`. Counts and sums of customers
        without events are 0, everything else about them is NULL.
    """
    parts = [_from_days(daily, plan, as_ofs), _from_profiles(customers, plan, as_ofs)]
    if plan.by:
        if cells is None:
            raise ValueError(f"features by {', '.join(plan.by)} need cells, found none")
        parts.append(spread_features(cells, plan, as_ofs))
    joined = base.select(*KEYS)
    for part in parts:
        joined = joined if part is None else joined.join(part, list(KEYS), "left")
    plain = joined.select(*KEYS, *(column for feature in plan.features for column in _plain(feature, plan)))
    return _with_expressions(plain, plan.features).select(*KEYS, *map(str, snapshot_columns(plan)))


def _from_days(daily: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame | None:
    measures = measures_of(plan.measured(by=False), plan)
    if not measures:
        return None
    return aged(daily, measures, as_ofs).groupBy(*KEYS).agg(*map(merged, measures))


def _from_profiles(customers: DataFrame, plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame | None:
    columns = sorted({str(f.of) for f in plan.features if f.kind == "attribute"})
    if not columns:
        return None
    profiles = profiles_as_of(customers, as_ofs, columns)
    return profiles.select(*KEYS, *(F.col(c).alias(_attribute(c)) for c in columns))


def _attribute(column: str) -> str:
    return f"_profile_{column}"


def _plain(feature: Feature, plan: TilePlan) -> Sequence[Column]:
    """The columns of a feature over the joined parts; none for an expression, which needs other features first."""
    if feature.kind == "expression":
        return ()
    if feature.kind == "attribute":
        return (F.col(_attribute(str(feature.of))).cast(feature.type.value).alias(feature.name),)
    if feature.by is not None:
        return spread_columns(feature, plan)
    measures = [F.col(m.name) for m in plan.measures[feature.name]]
    return (finished(feature, measures, plan).alias(feature.name),)


def _with_expressions(frame: DataFrame, features: Sequence[Feature]) -> DataFrame:
    """`frame` with the features that are expressions, all of a depth in one step."""
    names = names_of_features(features)
    known = {column: feature for feature in features for column in column_names(feature)}
    depths: dict[str, int] = {}
    steps: dict[int, dict[str, Column]] = {}
    for feature in order_features(features):
        depths[feature.name] = 1 + max((depths[other] for other in depends_on(feature, known)), default=0)
        if feature.kind == "expression" and feature.of is not None:
            value = to_column(compile_expression(feature.of, names, feature.type)).cast(feature.type.value)
            steps.setdefault(depths[feature.name], {})[feature.name] = value
    for depth in sorted(steps):
        frame = frame.withColumns(steps[depth])
    return frame
