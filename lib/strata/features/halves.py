"""History in two halves of weeks, for asking whether what it says would have been said by either half alone.

Weeks are counted back from the as-of date in blocks of seven days, so that windows of whole weeks are cut fairly. Each
half of a customer becomes a customer of its own, with a digit before the id: one merge builds both.
"""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WEEK = 7
SALT = "halves"
HALVES = ("0", "1")
_PARTS = 1_000_000


def halve(tiles: Mapping[str, DataFrame], as_of: date, share: float) -> dict[str, DataFrame]:
    """Tiles and profiles of a sample of customers, as `build_snapshot` takes them with `halved`.

    Args:
        tiles: `daily` with every day, `pairs`, `customers` and `places`, as `build_snapshot` takes them.
        as_of: the date, from which weeks are counted.
        share: of the customers to take, by salted hash of the id.

    Returns:
        The same tables; a tile belongs to the half of its week, a profile to both.
    """
    taken = F.pmod(F.xxhash64(F.lit(SALT), F.col("customer_id")), F.lit(_PARTS)) < round(share * _PARTS)
    found = dict(tiles)
    for name in ("daily", "pairs"):
        if name in tiles:
            sampled = tiles[name].where(taken & (F.col("event_date") <= F.lit(as_of)))
            found[name] = sampled.withColumn("customer_id", F.concat(_half(as_of), "customer_id"))
    both = tiles["customers"].where(taken).withColumn("_half", F.explode(F.array(*map(F.lit, HALVES))))
    found["customers"] = both.withColumn("customer_id", F.concat("_half", "customer_id")).drop("_half")
    return found


def of_halves(snapshot: DataFrame) -> DataFrame:
    """A snapshot of halves with the customers' own ids again, and the half as a column `half`."""
    ids = {"half": F.left("customer_id", F.lit(1)), "customer_id": F.substr("customer_id", F.lit(2))}
    return snapshot.withColumns(ids)


def _half(as_of: date) -> Column:
    weeks_back = F.floor(F.datediff(F.lit(as_of), F.col("event_date")) / F.lit(WEEK))
    return (weeks_back % 2).cast("string")
