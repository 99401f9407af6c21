"""Recommendations and small worlds for the tests of this area."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from strata.errors import Location
from strata.project.models import Text
from strata.project.recommendations import Factorisation, Recommendation

AS_OF = date(2017, 12, 31)
HERE = Location("recommendations/next_film.yml", 1, 1)
EVENTS = "n_events__of_plays"
Day = tuple[str, date, str]


def recommendation(**changes: Any) -> Recommendation:
    parts: dict[str, Any] = {
        "name": "next_film",
        "owner": "media",
        "task": "Choose films",
        "purpose": "profiling",
        "of": "genre",
        "condition": Text("event_type = 'media_play'", HERE),
        "days": 56,
        "holdout_days": 28,
        "targets": ("repeat", "new"),
        "top": 3,
        "seed": 1,
        "als": Factorisation(rank=4, reg=0.1, alpha=4.0, iterations=3),
        "where": HERE,
        **changes,
    }
    return Recommendation(**parts)


def cells(spark: SparkSession, days: Iterable[tuple[str, date, str | None, int]]) -> DataFrame:
    """Rows of features.pairs: customer, day, genre, events."""
    customers, on, genres, events = zip(*days, strict=True)
    return spark.createDataFrame(
        pa.table({"customer_id": customers, "event_date": on, "genre": genres, EVENTS: pa.array(events, pa.int64())})
    )


TASTES, ITEMS_OF_A_TASTE, CUSTOMERS_OF_A_TASTE = 4, 10, 40


def planted_days() -> list[tuple[str, date, str, int]]:
    """Customers of four tastes: seven films of their own taste, five of them seen before the holdout, two in it.

    Everybody has seen two of the three hits, so that popularity is no fool for repeats, and of no use for new ones.
    """
    dice, found = random.Random(7), []
    for number in range(TASTES * CUSTOMERS_OF_A_TASTE):
        customer, taste = f"{number:032x}", number % TASTES
        liked = dice.sample([f"{taste}-{item:02}" for item in range(ITEMS_OF_A_TASTE)], 7)
        seen = [*liked[:5], *dice.sample(["hit-1", "hit-2", "hit-3"], 2)]
        for item in seen:
            days_ago = dice.sample(range(28, 28 + 56), dice.randint(1, 4))
            found += [(customer, AS_OF - timedelta(days=ago), item, dice.randint(1, 3)) for ago in days_ago]
        for item in [*liked[5:], dice.choice(seen)]:
            found.append((customer, AS_OF - timedelta(days=dice.randint(0, 27)), item, 1))
    return found
