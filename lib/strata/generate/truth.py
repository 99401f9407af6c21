"""What was planted, for tests and tuning only: no job reads it."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from strata.generate import campaigns
from strata.generate.days import date_of
from strata.generate.people import NEVER, make_customers, phone_number, values_in_words
from strata.generate.world import SHIFT, World

LIFE = ("registered", "activated", "left", "suspended", "resumed")


def customers(spark: SparkSession, world: World) -> DataFrame:
    """A row per customer: `customer`, `msisdn`, traits in words, dates of its life (NULL: never)."""
    dates = [F.when(F.col(c) < NEVER, date_of(world, F.col(c))).alias(f"{c}_on") for c in LIFE]
    shift = F.lit(world.date_of(SHIFT)).alias("clusters_shift_on")
    numbers = phone_number(F.col("customer")).alias("msisdn")
    return make_customers(spark, world).select("customer", numbers, *values_in_words(), shift, *dates)


def planted_campaigns(world: World) -> list[dict[str, object]]:
    """A row per campaign: `campaign_id`, `kind`, `starts_on`, `lift_days`, `lift` (of the daily rate of purchases)."""
    return [
        {
            "campaign_id": campaign.campaign_id,
            "kind": campaign.kind,
            "starts_on": world.date_of(campaign.starts),
            "lift_days": campaigns.LIFT_DAYS,
            "lift": campaign.lift,
        }
        for campaign in campaigns.planned(world)
    ]
