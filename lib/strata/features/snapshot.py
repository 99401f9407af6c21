"""The snapshot: every feature of every customer of the base, as of one or several dates."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.expression import Name, compile_expression
from strata.expression.spark import to_column
from strata.features.as_of import KEYS
from strata.features.lifetime import merge_history
from strata.features.merging import finished, measures_of
from strata.features.profiles import HOME, age_years, is_in_base, profile_columns, profiles_as_of, with_home
from strata.features.spreading import choose_values, spread_columns, spread_features
from strata.features.tiles import SEEN, Measure, TilePlan
from strata.features.wide import snapshot_columns, value_columns
from strata.project.models import Feature
from strata.project.names import AGE, AS_OF_NAMES, column_names, names_of_features
from strata.project.order import depends_on, order_features

EXTENSIVE = frozenset({"count", "sum", "active_days", "sequence"})
"""Kinds that grow with the length of their window."""


def build_snapshot(
    tiles: Mapping[str, DataFrame], plan: TilePlan, as_ofs: Sequence[date], *, halved: bool = False
) -> DataFrame:
    """Every feature of every customer of the base, in one scan of days and one of cells for each way to look at them.

    Args:
        tiles: by table name: `daily` from `build_daily`; `pairs` from `build_cells` where a feature looks at values;
            `lifetime` from `build_lifetime` where there is one that ends before every window; `months` from
            `build_months` where whole months are merged already; `customers`, valid versions of profiles; `places`,
            valid rows, where a feature is about the home.
        plan: the features; the values of `by ... keep` features are decided (`spreading.keeping`).
        as_ofs: the dates.
        halved: the tiles are those of half of the time: what grows with the time stands for all of it.

    Returns:
        as_of_date, customer_id and `snapshot_columns(plan)`: a row for every customer of the base of each date
        (`is_in_base`). Counts and sums of customers without events are 0, everything else about them is NULL.
    """
    past = tiles.get("lifetime"), tiles.get("months")
    days = merge_history(tiles["daily"], *past, _measures(plan), as_ofs)
    joined = days.join(_profiles(tiles, plan, as_ofs), list(KEYS), "full").where(is_in_base(F.col(SEEN.name)))
    for part in _from_values(tiles, plan, as_ofs):
        joined = joined if part is None else joined.join(part, list(KEYS), "left")
    plain = joined.select(*KEYS, *(column for feature in plan.features for column in _plain(feature, plan)))
    plain = _doubled(plain, plan) if halved else plain
    whole = with_expressions(plain, plan.features, names_of_features(plan.features))
    return whole.select(*KEYS, *map(str, snapshot_columns(plan)))


def _measures(plan: TilePlan) -> tuple[Measure, ...]:
    return measures_of(plan.plain(), plan, SEEN)


def _profiles(tiles: Mapping[str, DataFrame], plan: TilePlan, as_ofs: Sequence[date]) -> DataFrame:
    """as_of_date, customer_id, known_from, status, and what attributes and distances are taken from."""
    customers = tiles["customers"]
    columns = profile_columns(plan.features, customers.columns)
    profiles = profiles_as_of(customers, as_ofs, columns)
    if HOME in columns:
        profiles = with_home(profiles, tiles["places"], plan.features)
    return profiles.withColumn(str(AGE), age_years()) if "birth_date" in columns else profiles


def _from_values(
    tiles: Mapping[str, DataFrame], plan: TilePlan, as_ofs: Sequence[date]
) -> tuple[DataFrame | None, DataFrame | None]:
    if not plan.by:
        return None, None
    if "pairs" not in tiles:
        raise ValueError(f"features that look at {', '.join(plan.by)} need pairs, found none")
    return spread_features(tiles["pairs"], plan, as_ofs), choose_values(tiles["pairs"], plan, as_ofs)


def _plain(feature: Feature, plan: TilePlan) -> Sequence[Column]:
    """The columns of a feature over the joined parts; none for an expression, which needs other features first."""
    if feature.kind == "expression":
        return ()
    if feature.kind in ("attribute", "distance_to"):
        found = str(feature.of) if feature.kind == "attribute" else feature.name
        return (F.col(found).cast(feature.type.value).alias(feature.name),)
    if feature.by is not None:
        return spread_columns(feature, plan)
    if feature.name in plan.keys:
        counted = F.col(feature.name) if feature.nullable else F.coalesce(feature.name, F.lit(0))
        return (counted.cast(feature.type.value).alias(feature.name),)
    measures = [F.col(m.name) for m in plan.measures[feature.name]]
    return (finished(feature, measures, plan).alias(feature.name),)


def _doubled(frame: DataFrame, plan: TilePlan) -> DataFrame:
    grown = [f for f in plan.features if f.kind in EXTENSIVE]
    names = {column: f.type for f in grown for column in (value_columns(f, plan).values() if f.by else (f.name,))}
    return frame.withColumns({c: (2 * F.col(c)).try_cast(kind.value) for c, kind in names.items()})


def with_expressions(frame: DataFrame, features: Sequence[Feature], names: Mapping[str, Name]) -> DataFrame:
    """`frame` with those of `features` that are expressions, over the columns `names`; all of a depth in one step."""
    names = {**AS_OF_NAMES, **names}
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
