"""What Spark does to get there: one shuffle of events, one scan of tiles, code generation alive."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.features.worlds import frames, plan_of, random_world

from strata.contract.silver import events
from strata.contract.spark import frame_of
from strata.features.cells import build_cells, build_daily
from strata.features.changes import of_days
from strata.features.snapshot import build_snapshot
from strata.features.spreading import keep_values, keeping
from strata.features.tiles import TilePlan
from strata.ingest.revisions import valid_rows

AS_OF = date(2017, 12, 31)
FEATURES = """
- {name: "spend_{days}d", kind: sum, of: amount, where: "event_type = 'purchase'", days: [28, 84]}
- {name: "days_{days}d", kind: active_days, where: "brand_type = 'own'", days: [28, 84]}
- {name: least, kind: min, of: value_number, where: "city = 'Kyiv'"}
- {name: "spend_{value}_84d", kind: sum, of: amount, by: category, keep: 3, days: 84}
- {name: per_day, kind: expression, of: "spend_28d / days_28d"}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TilePlan:
    return plan_of(tmp_path_factory.mktemp("plans"), FEATURES)


@pytest.fixture
def silver(spark: SparkSession, tmp_path: Path) -> Iterator[dict[str, DataFrame]]:
    said = {
        "spark.sql.adaptive.enabled": "false",  # else the plan shows no code generation before it runs
        "spark.sql.maxMetadataStringLength": "1000",  # else long paths are cut
    }
    before = {key: spark.conf.get(key) for key in said}
    for key, value in said.items():
        spark.conf.set(key, value)
    for name, frame in frames(spark, random_world(seed=3, last=AS_OF, events=200)).items():
        frame.write.parquet(str(tmp_path / name))
    yield {name: spark.read.parquet(str(tmp_path / name)) for name in ("events", "products", "places", "customers")}
    for key, value in before.items():
        spark.conf.set(key, value)


def physical(frame: DataFrame, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The operators of a plan as written, from the result down."""
    capsys.readouterr()
    frame.explain()
    return [line for line in capsys.readouterr().out.splitlines() if line.strip()]


def having(lines: list[str], *words: str) -> list[str]:
    return [line for line in lines if all(word in line for word in words)]


def shuffled_by(lines: list[str]) -> list[str]:
    """The first column of every shuffle by hash, sorted."""
    found = [re.search(r"Exchange hashpartitioning\((\w+)#", line) for line in having(lines, "Exchange hash")]
    return sorted(match.group(1) for match in found if match)


def test_events_are_read_once_and_shuffled_once_by_customer(
    silver: dict[str, DataFrame], plan: TilePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = physical(build_cells(silver, plan), capsys)
    assert shuffled_by(lines) == ["customer_id", "place_id", "product_id"]
    assert len(having(lines, "FileScan", "event_date")) == 1
    assert having(lines, "Expand") + having(lines, "Python") + having(lines, "Window") == []


def test_events_of_a_few_days_are_asked_for_by_day_and_corrections_are_not(
    spark: SparkSession, silver: dict[str, DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame_of(spark, events, []).write.parquet(str(tmp_path / "revisions"))
    rows = spark.read.parquet(str(tmp_path / "revisions"))
    known = valid_rows(rows, events, datetime(2018, 1, 1, tzinfo=UTC))
    days = [AS_OF, date(2017, 12, 3)]
    scans = having(physical(of_days(known.select("event_date", "amount"), days), capsys), "FileScan")
    assert ["In(event_date, [" in scan for scan in scans] == [True, False]
    assert "GreaterThan(revision,1)" in scans[1], "a row is corrected by one of any day"


def test_a_busy_day_is_merged_before_it_is_shuffled(
    silver: dict[str, DataFrame], plan: TilePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = physical(build_cells(silver, plan), capsys)
    merging = [n for n, line in enumerate(lines) if "HashAggregate(keys=[customer_id" in line]
    (shuffle,) = (n for n, line in enumerate(lines) if "Exchange hashpartitioning(customer_id" in line)
    assert len(merging) == 2
    assert merging[0] < shuffle < merging[1], "from the result down: the whole, the shuffle, the parts"
    assert all(re.search(r"\*\(\d+\) HashAggregate", lines[n]) for n in merging), "compiled"


@pytest.mark.parametrize("as_ofs", [[AS_OF], [AS_OF, date(2017, 11, 30), date(2017, 10, 31)]], ids=["one", "three"])
def test_a_snapshot_reads_each_kind_of_tiles_once_whatever_the_number_of_dates(
    spark: SparkSession, silver: dict[str, DataFrame], plan: TilePlan, tmp_path: Path, as_ofs: list[date],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    build_cells(silver, plan).write.parquet(str(tmp_path / "cells"))
    cells = spark.read.parquet(str(tmp_path / "cells"))
    build_daily(cells, plan).write.parquet(str(tmp_path / "daily"))
    tiles = {**silver, "daily": spark.read.parquet(str(tmp_path / "daily")), "pairs": cells}
    decided = keeping(plan, keep_values(cells, plan, as_ofs).values())
    lines = physical(build_snapshot(tiles, decided, as_ofs), capsys)
    scans = having(lines, "FileScan")
    assert len(having(scans, "/daily")) == len(having(scans, "/cells")) == len(having(scans, "/customers")) == 1
    assert having(lines, "Expand") + having(lines, "Python") + having(lines, "Window") == []
    # Once each: days, cells, profiles. What lies together by customer is joined without being shuffled again.
    assert shuffled_by(lines) == ["customer_id"] * 3
    merging = having(lines, "HashAggregate(keys=[customer_id", "sum(")
    assert merging
    assert all(re.search(r"\*\(\d+\) HashAggregate", line) for line in merging)
