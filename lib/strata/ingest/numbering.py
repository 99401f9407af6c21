"""The number of a record in its file, for formats that do not know it: right for many files, read in many blocks.

Spark gives every row of a partition an ascending position; a partition reads one block of a file after the other.
So the rows of a block are counted once, and a block's rows start after those of the blocks before it in its file.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FILE, BLOCK, POSITION = "_file", "_block", "_position"


def located(frame: DataFrame) -> DataFrame:
    """`frame`, as a file reader made it, with the file, the block and the position of each row."""
    return frame.select(
        "*",
        F.col("_metadata.file_path").alias(FILE),
        F.col("_metadata.file_block_start").alias(BLOCK),
        F.monotonically_increasing_id().alias(POSITION),
    )


def located_in_one(frame: DataFrame, name: str) -> DataFrame:
    """`frame`, made by a table or a query: one file called `name`, whose blocks are the partitions."""
    return frame.select(
        "*",
        F.lit(name).alias(FILE),
        F.spark_partition_id().cast("bigint").alias(BLOCK),
        F.monotonically_increasing_id().alias(POSITION),
    )


def block_sizes(located_rows: DataFrame, parsed: str) -> DataFrame:
    """Per file and block: position of its first row (`first`), and its rows (`row_count`).

    Args:
        located_rows: from `located`.
        parsed: a column of the file, so that every row is parsed and none counted that parsing drops.
    """
    return located_rows.groupBy(FILE, BLOCK).agg(
        F.min(POSITION).alias("first"),
        F.count(F.lit(1)).alias("row_count"),
        F.count(parsed).alias("parsed"),
    )


def shifts(blocks: Iterable[Mapping[str, Any]]) -> list[tuple[str, int, int]]:
    """What to add to a position to get the number of the row in its file, per (file, block).

    >>> shifts([{"_file": "a", "_block": 100, "first": 7, "row_count": 2},
    ...         {"_file": "a", "_block": 0, "first": 0, "row_count": 5}])
    [('a', 0, 1), ('a', 100, -1)]
    """
    before: dict[str, int] = {}
    found = []
    for block in sorted(blocks, key=lambda b: (b[FILE], b[BLOCK])):
        earlier = before.get(block[FILE], 0)
        found.append((block[FILE], block[BLOCK], earlier + 1 - block["first"]))
        before[block[FILE]] = earlier + block["row_count"]
    return found


def numbered(located_rows: DataFrame, shifted: Sequence[tuple[str, int, int]]) -> DataFrame:
    """`located_rows` with `row_number` in place of block and position; the file stays in `_file`."""
    columns = list(zip(*shifted, strict=True)) or [(), (), ()]
    types = {FILE: pa.string(), BLOCK: pa.int64(), "_shift": pa.int64()}
    table = pa.table({n: pa.array(list(v), t) for (n, t), v in zip(types.items(), columns, strict=True)})
    frame = located_rows.join(F.broadcast(located_rows.sparkSession.createDataFrame(table)), [FILE, BLOCK], "left")
    return frame.withColumn("row_number", F.col(POSITION) + F.col("_shift")).drop(BLOCK, POSITION, "_shift")
