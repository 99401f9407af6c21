"""Customers as they were known to be as of a date, and who belongs to the base."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.features.as_of import KEYS, at_dates

CLOSED = "former"


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


def build_base(daily: DataFrame, customers: DataFrame, as_ofs: Sequence[date]) -> DataFrame:
    """Who the result is about: known or seen up to the date, and not closed.

    Args:
        daily: tiles per customer and day: customer_id, event_date.
        customers: valid versions of profiles: customer_id, source, valid_from, known_from, status.
        as_ofs: the dates.

    Returns:
        as_of_date, customer_id: customers with an event or a known_from up to the date whose status as of the date is
        not former. A customer without a profile, or whose profile was deleted, is in the base by events.
    """
    first_seen = daily.groupBy("customer_id").agg(F.min("event_date").alias("first_on"))
    seen = at_dates(first_seen, as_ofs, "first_on").select(*KEYS, F.lit(True).alias("seen"))
    profiles = profiles_as_of(customers, as_ofs, ("known_from", "status"))
    is_known = F.coalesce(F.col("seen"), F.col("known_from") <= F.col("as_of_date"), F.lit(False))
    is_open = F.coalesce(F.col("status") != CLOSED, F.lit(True))
    return seen.join(profiles, list(KEYS), "full").where(is_known & is_open).select(*KEYS)
