"""The hash of a table's content: order and layout do not matter, everything else does."""

import random
from decimal import Decimal

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from strata.contract.spark import rows_of
from strata.storage.fingerprints import fingerprint

ROWS = [{"id": f"c{i:03}", "n": i, "money": Decimal(i) / 4, "share": None if i % 3 else i / 7} for i in range(50)]


def hashed(spark, rows, partitions=1):
    table = pa.Table.from_pylist(rows)
    return rows_of(fingerprint(spark.createDataFrame(table).repartition(partitions)))[0]


def test_order_and_partitions_do_not_change_it(spark):
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    assert hashed(spark, ROWS) == hashed(spark, shuffled, partitions=7)
    assert hashed(spark, ROWS)["row_count"] == 50


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows, rows[0]],
        lambda rows: [{**rows[0], "n": -1}, *rows[1:]],
        lambda rows: [{**rows[0], "share": None}, *rows[1:]],
        lambda rows: [{**rows[0], "id": rows[1]["id"]}, {**rows[1], "id": rows[0]["id"]}, *rows[2:]],
    ],
    ids=["a row less", "a row twice", "a value", "a NULL", "two values swapped"],
)
def test_any_change_of_content_changes_it(spark, spoil):
    assert hashed(spark, spoil(ROWS)) != hashed(spark, ROWS)


def test_a_value_that_wanders_to_another_column_changes_it(spark):
    frame = spark.range(1).select(F.lit("a").alias("x"), F.lit(None).cast("string").alias("y"))
    moved = spark.range(1).select(F.lit(None).cast("string").alias("x"), F.lit("a").alias("y"))
    assert rows_of(fingerprint(frame)) != rows_of(fingerprint(moved))


def test_a_column_gained_later_leaves_old_rows_alone(spark):
    frame = spark.createDataFrame(pa.Table.from_pylist(ROWS))
    gained = frame.withColumn("added", F.lit(None).cast("string"))
    assert rows_of(fingerprint(gained)) == rows_of(fingerprint(frame))
