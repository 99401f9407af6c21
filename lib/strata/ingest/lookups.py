"""Columns of another file beside those of a record: which of its rows matter, whether they agree, and the join.

Only rows whose key a record has are kept, so that a large file is read once and never shuffled.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Table
from strata.ingest.records import FLAWS, Records, flaws_of, typed_values
from strata.project.landed import TEXT_FORMATS
from strata.project.sources import Lookup, Several, Source

_KEY, _IS_ASKED, _IS_FLAWED = "_key_hash", "_is_asked", "_is_flawed"
_KEPT: Mapping[Several, str] = {"refuse": "max", "greatest": "max", "least": "min"}


def keys_of(records: Records, lookup: Lookup) -> DataFrame:
    """Hashes of the keys that records look up, each once. A hash may stand for a key too many, which costs a row."""
    keys = [records.columns[mine] for mine in lookup.on]
    return records.frame.filter(_is_whole(keys)).select(_hash(keys)).distinct()


def may_be_flawed(table: Source, bronze: type[Table]) -> bool:
    """Whether a row of a lookup's file can be one that cannot be used: of text, or of values that are converted."""
    is_converted = any(made.reasons for made in typed_values(table, bronze).values())
    return table.read.format in TEXT_FORMATS or is_converted


def asked_for(rows: DataFrame, table: Source, bronze: type[Table], keys: DataFrame) -> DataFrame:
    """The rows of a lookup's file that a record may need, and those that cannot be used, for these are to be told.

    Args:
        rows: of the file, as they land in bronze.
        table: the lookup as a source (`source_of`).
        bronze: the contract of the rows.
        keys: from `keys_of`.
    """
    typed = typed_values(table, bronze)
    hashed = rows.select("*", _hash(typed[theirs].value for theirs in table.key))
    if not may_be_flawed(table, bronze):
        # Spark moves this join down to the scan, before rows are told where they come from.
        return hashed.join(keys, _KEY, "left_semi").select(rows.columns)
    hashed = hashed.withColumn(_IS_FLAWED, flaws_of(table, typed, bronze) != "")
    marked = hashed.join(keys.withColumn(_IS_ASKED, F.lit(True)), _KEY, "left")
    return marked.filter(F.col(_IS_ASKED) | F.col(_IS_FLAWED)).select(rows.columns)


def disagreements(found: Records, lookup: Lookup) -> DataFrame:
    """One row about a lookup's file: what forbids to use it.

    Args:
        found: records of the rows that were kept (`make_records`).
        lookup: its `on` is the key; identical rows are one.

    Returns:
        `flawed` rows that cannot be used, the first with `flawed_path`, `flawed_row` and `reasons`;
        `differing` keys whose rows say different things, the first with `differing_path`, `differing_row` and `key`.
    """
    keys = [found.columns[theirs] for theirs in lookup.on.values()]
    values = [found.columns[name] for name in lookup.columns]
    place = ("file_path", "row_number")
    differs = _is_whole(keys) & reduce(Column.__or__, (_differs(value) for value in values))
    key = F.concat_ws(", ", *(F.concat(F.lit(f"{n} "), k) for n, k in zip(lookup.on.values(), keys, strict=True)))
    by_key = found.frame.groupBy(*keys).agg(
        differs.alias("differs"),
        F.min(F.struct(*place, key.alias("key"))).alias("row"),
        F.count_if(F.col(FLAWS) != "").alias("flawed"),
        F.min(F.when(F.col(FLAWS) != "", F.struct(*place, F.col(FLAWS).alias("reasons")))).alias("flawed_row"),
    )
    told = by_key.agg(
        F.sum("flawed").alias("flawed"),
        F.min("flawed_row").alias("flawed_row"),
        F.count_if("differs").alias("differing"),
        F.min(F.when(F.col("differs"), F.col("row"))).alias("row"),
    )
    return told.select(
        "flawed",
        F.col("flawed_row.file_path").alias("flawed_path"),
        F.col("flawed_row.reasons").alias("reasons"),
        F.col("flawed_row.row_number").alias("flawed_row"),
        "differing",
        F.col("row.file_path").alias("differing_path"),
        F.col("row.key").alias("key"),
        F.col("row.row_number").alias("differing_row"),
    )


def beside(records: Records, lookup: Lookup, found: Records, *, is_small: bool) -> Records:
    """Records with the columns that are looked up for them, NULL where the file has no row of their key.

    Args:
        records: from `make_records`.
        lookup: says which columns are equal, and which of several values counts.
        found: records of the file's rows.
        is_small: the rows fit into the memory of every executor.
    """
    names = {name: f"_{lookup.name}_{i}" for i, name in enumerate(lookup.schema)}
    keys = [found.columns[theirs].alias(names[theirs]) for theirs in lookup.on.values()]
    pick = getattr(F, _KEPT[lookup.several])
    one = found.frame.groupBy(*keys).agg(*(pick(found.columns[c]).alias(names[c]) for c in lookup.columns))
    equal = [records.columns[mine] == F.col(names[theirs]) for mine, theirs in lookup.on.items()]
    joined = records.frame.join(F.broadcast(one) if is_small else one, equal, "left")
    frame = joined.drop(*(names[theirs] for theirs in lookup.on.values()))
    return Records(frame, {**records.columns, **{name: F.col(names[name]) for name in lookup.columns}})


def _hash(values: Iterable[Column]) -> Column:
    return F.xxhash64(*values).alias(_KEY)


def _is_whole(keys: Sequence[Column]) -> Column:
    return reduce(Column.__and__, (key.isNotNull() for key in keys))


def _differs(value: Column) -> Column:
    is_known = F.count(value)
    return (F.min(value) != F.max(value)) | ((is_known > 0) & (is_known < F.count(F.lit(1))))
