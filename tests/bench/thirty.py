"""Thirty segmentations by rules over a snapshot: strata in one pass beside one DuckDB query that does the same."""

import random
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from strata.contract.columns import Type
from strata.errors import Location
from strata.expression import Name
from strata.project.models import Segment, Segmentation
from strata.project.words import Text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEGMENTATIONS, RULES, COUNTS, SPENDS = 30, 5, 8, 4
HERE = Location("thirty.yml", 1, 1)
NAMES = {
    **{f"days_{i}": Name(Type.BIGINT, False) for i in range(COUNTS)},
    **{f"spend_{i}": Name(Type.DOUBLE, True) for i in range(SPENDS)},
}


def make_snapshot(place: Path, customers: int) -> None:
    """A snapshot as one Parquet file: counts, and amounts of which a tenth is unknown."""
    place.parent.mkdir(parents=True, exist_ok=True)
    counts = ", ".join(f"(hash(i, {n}) % 180)::bigint days_{n}" for n in range(COUNTS))
    spends = ", ".join(
        f"case when hash(i, 'k{n}') % 10 > 0 then (hash(i, 's{n}') % 100000) / 100.0::double end spend_{n}"
        for n in range(SPENDS)
    )
    keys = "date '2024-12-31' as_of_date, md5(i::varchar) customer_id"
    rows = f"select {keys}, {counts}, {spends} from range({customers}) t(i)"
    duckdb.sql(f"copy ({rows} order by customer_id) to '{place}' (format parquet, compression zstd)")


def conditions() -> dict[str, list[tuple[str, str]]]:
    """Segmentation -> its rules: segment and condition, which is SQL for both engines."""
    draw = random.Random(11)

    def condition() -> str:
        days, more, spend = draw.randrange(COUNTS), draw.randrange(COUNTS), draw.randrange(SPENDS)
        parts = [f"days_{days} >= {draw.randrange(1, 170)}", f"spend_{spend} > {draw.randrange(1000)}"]
        parts.append(f"days_{more} between {draw.randrange(60)} and {draw.randrange(60, 180)}")
        return draw.choice([" and ", " or "]).join(parts)

    return {f"s{n:02}": [(f"r{k}", condition()) for k in range(RULES)] for n in range(SEGMENTATIONS)}


def definitions() -> list[Segmentation]:
    """The same as strata knows it."""
    return [
        Segmentation(
            name, 1, "bench", "bench", "bench", "rules",
            (*(Segment(s, s, Text(when, HERE), None, None, HERE) for s, when in rules),
             Segment("rest", "Rest", None, None, None, HERE)),
            "rest", (), None, (), 0, HERE,
        )
        for name, rules in conditions().items()
    ]  # fmt: skip


def assign(spark: "SparkSession", source: Path, to: Path, shape: str) -> None:
    """By strata: `wide`, a column per segmentation, or `long`, a row per customer and segmentation; as Parquet."""
    from strata.segments.assign import to_columns, to_rows, with_segments  # noqa: PLC0415

    made = definitions()
    assigned = with_segments(spark.read.parquet(str(source)), made, NAMES)
    rows = to_columns(assigned, [s.name for s in made]) if shape == "wide" else to_rows(assigned, made)
    rows.write.mode("overwrite").option("compression", "zstd").parquet(str(to))


def ask_duckdb(source: Path, to: Path, cores: int) -> None:
    """By one query."""
    cases = [
        f"case {' '.join(f'when {when} then {segment!r}' for segment, when in rules)} else 'rest' end {name}"
        for name, rules in conditions().items()
    ]
    query = f"select as_of_date, customer_id, {', '.join(cases)} from '{source}'"
    with duckdb.connect(config={"threads": cores}) as connection:
        connection.execute(f"copy ({query}) to '{to}' (format parquet, compression zstd)")


def require_equal(ours: Path, theirs: Path) -> int:
    """Hold both wide tables against each other; the number of customers.

    Raises:
        ValueError: they differ.
    """
    mine, other = f"(select * from '{ours}/*.parquet')", f"(select * from '{theirs}')"
    differ = duckdb.sql(f"select count(*) from ({mine} except {other})").fetchall()[0][0]
    counts = [duckdb.sql(f"select count(*) from {side}").fetchall()[0][0] for side in (mine, other)]
    if differ or counts[0] != counts[1]:
        raise ValueError(f"strata and DuckDB differ in {differ} of {counts} customers")
    return int(counts[0])
