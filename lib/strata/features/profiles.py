"""Customers as they were known to be as of a date, and the places they live at."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.silver import CLOSED
from strata.expression import compile_expression
from strata.expression.spark import to_column
from strata.features.as_of import KEYS, at_dates
from strata.features.cells import one_row_each
from strata.project.models import Feature
from strata.project.names import AGE, HOME_NAMES, PLACE_NAMES, names_of_places

HOME = "home_place_id"
EARTH_RADIUS_KM = 6_371.0088
"""The mean radius R1 of the Earth by the IUGG."""


def profiles_as_of(customers: DataFrame, as_ofs: Sequence[date], columns: Sequence[str]) -> DataFrame:
    """What is known of each customer as of each date.

    Args:
        customers: valid versions: customer_id, source, valid_from, and `columns`; one per source and valid_from.
        as_ofs: the dates.
        columns: what is asked for.

    Returns:
        as_of_date, customer_id, `columns`. Of each source the version with the latest valid_from up to the date
        counts, and what it leaves unknown is unknown. Where sources differ, each column comes from the source that
        changed last and knows a value; of equals, from the last by name.
    """
    narrow = customers.select("customer_id", "source", "valid_from", *columns)
    dated = at_dates(narrow.repartition("customer_id"), as_ofs, "valid_from")
    version = F.max(F.struct("valid_from", *columns)).alias("version")
    per_source = dated.groupBy(*KEYS, "source").agg(version).select(*KEYS, "source", "version.*")
    latest = [F.max_by(c, F.when(F.col(c).isNotNull(), F.struct("valid_from", "source"))).alias(c) for c in columns]
    return per_source.groupBy(*KEYS).agg(*latest)


def profile_columns(features: Sequence[Feature], extra: Sequence[str]) -> list[str]:
    """The columns of silver.customers that the base, attributes and distances read; `extra`: those it has."""
    asked = {str(f.of) for f in features if f.kind == "attribute"}
    derived = {name for name in (*HOME_NAMES, str(AGE)) if name not in extra}
    needed = (asked - derived) | {"known_from", "status"}
    if str(AGE) in asked & derived:
        needed.add("birth_date")
    if asked & derived & HOME_NAMES.keys() or any(f.kind == "distance_to" for f in features):
        needed.add(HOME)
    return sorted(needed)


def is_in_base(first_seen: Column) -> Column:
    """Whether a customer belongs to the base, from the first day with an event, known_from and status as of the date.

    Who had an event or a known_from up to the date, and whose status is not former. A customer without a profile, or
    whose profile was deleted, is in the base by events.
    """
    is_known = first_seen.isNotNull() | F.coalesce(F.col("known_from") <= F.col("as_of_date"), F.lit(False))
    return is_known & F.coalesce(F.col("status") != CLOSED, F.lit(True))


def age_years() -> Column:
    """Whole years from birth_date to as_of_date; who is born on 29 February is a year older on 1 March."""
    born, now = F.col("birth_date"), F.col("as_of_date")
    had_no_birthday = F.month(now) * 100 + F.dayofmonth(now) < F.month(born) * 100 + F.dayofmonth(born)
    return (F.year(now) - F.year(born) - F.when(had_no_birthday, 1).otherwise(0)).cast("bigint")


def with_home(profiles: DataFrame, places: DataFrame, features: Sequence[Feature]) -> DataFrame:
    """`profiles` with the columns of each customer's home place and its distances.

    Args:
        profiles: home_place_id among other columns; without it nothing is added.
        places: valid rows of silver.places.
        features: those of kind attribute and distance_to say what is needed.

    Returns:
        `profiles` and HOME_NAMES that are asked for and not there; a column per distance: kilometres to the nearest
        place that fulfils `to`, on a sphere (haversine), to the metre; NULL where a coordinate is unknown.
    """
    if HOME not in profiles.columns:
        return profiles
    asked = {str(f.of) for f in features if f.kind == "attribute"}
    home = {name: str(c) for name, c in HOME_NAMES.items() if name in asked and name not in profiles.columns}
    known = one_row_each(places, "place_id", {name: str(c) for name, c in PLACE_NAMES.items()})
    facts = known.select(F.col("place_id").alias(HOME), *(F.col(_place_name(c)).alias(n) for n, c in home.items()))
    for feature in features:
        if feature.kind == "distance_to":
            facts = facts.join(_distances(known, feature), HOME, "left")
    return profiles.join(F.broadcast(facts), HOME, "left")


def _place_name(column: str) -> str:
    return next(name for name, c in PLACE_NAMES.items() if c == column)


def _distances(known: DataFrame, feature: Feature) -> DataFrame:
    """home_place_id and the distance from it to the nearest place that the feature is about."""
    assert feature.to is not None
    is_target = to_column(compile_expression(feature.to, names_of_places(), feature.type.BOOLEAN))
    targets = known.where(is_target).select(F.col("latitude").alias("_lat"), F.col("longitude").alias("_lon"))
    pairs = known.select("place_id", "latitude", "longitude").crossJoin(F.broadcast(targets))
    nearest = F.round(F.min(haversine_km("latitude", "longitude", "_lat", "_lon")), 3)
    return pairs.groupBy(F.col("place_id").alias(HOME)).agg(nearest.alias(feature.name))


def haversine_km(lat: str, lon: str, other_lat: str, other_lon: str) -> Column:
    """Kilometres between two points on a sphere with the Earth's mean radius (Sinnott 1984), all four in degrees."""
    half_lat = (F.radians(other_lat) - F.radians(lat)) / 2
    half_lon = (F.radians(other_lon) - F.radians(lon)) / 2
    along = F.cos(F.radians(lat)) * F.cos(F.radians(other_lat)) * F.sin(half_lon) * F.sin(half_lon)
    chord = F.sqrt(F.sin(half_lat) * F.sin(half_lat) + along)
    # Rounding may lift it a hair above 1 for antipodes, where asin would be NaN.
    return 2 * EARTH_RADIUS_KM * F.asin(F.when(chord > 1, F.lit(1.0)).otherwise(chord))
