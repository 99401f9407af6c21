"""A sample of customers that does not depend on the layout of the snapshot."""

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

SAMPLE_CUSTOMERS = 20_000


def sample_of(customers: DataFrame, features: Iterable[str], salt: str, limit: int | None = None) -> DataFrame:
    """At most `limit` customers of one as-of date: customer_id and the features as DOUBLE, in the order of the hash.

    Those with the lowest salted hash of the id, so that nothing has to be counted first; another salt, another sample.
    None: `SAMPLE_CUSTOMERS`.
    """
    columns = [F.col(f).cast("double").alias(f) for f in dict.fromkeys(features)]
    by_hash = [F.xxhash64(F.lit(salt), F.col("customer_id")), F.col("customer_id")]
    return (
        customers.select("customer_id", *columns).orderBy(*by_hash).limit(SAMPLE_CUSTOMERS if limit is None else limit)
    )
