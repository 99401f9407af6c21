"""Every source of the telco: what happens, in which raw form it is delivered, and what may be spoilt in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import DataFrame, SparkSession

from strata.generate import campaigns, learning, leisure, shop, subscribers, survey, travel, usage, wallet
from strata.generate.days import active_days
from strata.generate.dirt import LATEST, Soil, spoil
from strata.generate.people import make_customers
from strata.generate.world import CAMPAIGN_PERIOD, World

Step = Callable[[DataFrame, World], DataFrame]


@dataclass(frozen=True, slots=True)
class Stream:
    """A source that grows day by day.

    Attributes:
        source: its name in the project.
        over: what its rows arise from: active customer-days, those on which a campaign starts, or customers.
        steps: one after the other they make raw rows: `day` and the columns of the source, the key first.
        soil: what may be spoilt; None for a source that is always clean.
    """

    source: str
    over: Literal["days", "campaign days", "customers"]
    steps: tuple[Step, ...]
    soil: Soil | None = None

    @property
    def is_event(self) -> bool:
        """Whether its rows are events of customers."""
        return self.over == "days"


STREAMS = (
    Stream("usage", "days", (usage.happened, usage.raw), Soil("started_at", "record_type", "charge")),
    Stream(
        "recharges", "days", (wallet.recharged, wallet.raw_recharges), Soil("created_at", "pay_channel", "sum_paid")
    ),
    Stream("purchases", "days", (shop.visited, shop.bought, shop.raw), Soil("sold_at", "channel_code", "paid")),
    Stream("trips", "days", (travel.departed, travel.raw_trips), Soil("departs_on", "channel_code", "paid")),
    Stream("roaming", "days", (travel.roamed, travel.raw_roaming), Soil("used_on", None, "charge")),
    Stream("views", "days", (leisure.browsed, leisure.raw_views), Soil("seen_at", "device_code")),
    Stream("plays", "days", (leisure.watched, leisure.raw_plays), Soil("began_at", "device_code")),
    Stream("lessons", "days", (learning.taught, learning.raw), Soil("began_at")),
    Stream("investments", "days", (wallet.invested, wallet.raw_orders), Soil("ordered_at", None, "amount")),
    Stream("questionnaires", "days", (wallet.questioned, wallet.raw_answers), Soil("answered_at")),
    Stream("surveys", "days", (survey.answered, survey.raw)),
    Stream("contacts", "days", (campaigns.contacted, campaigns.raw_contacts), Soil("began_at", "channel_code")),
    Stream("responses", "days", (campaigns.responded, campaigns.raw_responses), Soil("answered_at", "channel_code")),
    Stream("communications", "campaign days", (campaigns.communications,)),
    Stream("subscribers", "customers", (subscribers.changed, subscribers.raw)),
    Stream("consents", "customers", (subscribers.consented,)),
)
"""The largest first."""


def delivered(spark: SparkSession, world: World, stream: Stream, days: range) -> DataFrame:
    """The rows of a source that are delivered on some days.

    Args:
        spark: makes frames.
        world: what is generated.
        stream: the source.
        days: numbers of days, one after the other.

    Returns:
        `day` (of delivery, int) and the source's columns; of a world with dirt also `dirt` and `copy`. Without dirt
        the days come whole and in order, each in one task.
    """
    dirty = world.dirt > 0 and stream.soil is not None
    begun = range(max(0, days.start - LATEST), days.stop) if dirty else days
    rows = _origin(spark, world, stream, begun)
    for step in stream.steps:
        rows = step(rows, world)
    if dirty and stream.soil is not None:
        rows = spoil(rows, stream.source, stream.soil, world)
    if dirty or stream.over == "customers":
        rows = rows.filter(rows["day"].between(days.start, days.stop - 1))
        rows = rows.repartition("day").sortWithinPartitions("day", *rows.columns[1:3])
    return rows


def _origin(spark: SparkSession, world: World, stream: Stream, days: range) -> DataFrame:
    match stream.over:
        case "days":
            return active_days(spark, world, days)
        case "campaign days":
            first = max(CAMPAIGN_PERIOD, -(-days.start // CAMPAIGN_PERIOD) * CAMPAIGN_PERIOD)
            return active_days(spark, world, range(first, max(first, days.stop), CAMPAIGN_PERIOD))
        case "customers":
            return make_customers(spark, world)
