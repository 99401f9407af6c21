"""How many Spark jobs something costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from pyspark.sql import SparkSession

_group = count()


@contextmanager
def counted_jobs(spark: SparkSession) -> Iterator[list[int]]:
    """Afterwards the list holds how many Spark jobs ran."""
    name, found = f"counted {next(_group)}", []
    spark.sparkContext.setJobGroup(name, name)
    try:
        yield found
    finally:
        spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
        found.append(len(spark.sparkContext.statusTracker().getJobIdsForGroup(name)))
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
