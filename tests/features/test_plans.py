"""What Spark does to get there: one shuffle of events, one scan of tiles, code generation alive."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.features.worlds import frames, plan_of, random_world

from strata.features.cells import build_cells, build_daily
from strata.features.profiles import build_base
from strata.features.snapshot import build_snapshot
from strata.features.spreading import keep_values
from strata.features.tiles import TilePlan

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


def test_events_are_read_once_and_shuffled_once_by_customer_down_to_days(
    silver: dict[str, DataFrame], plan: TilePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = build_cells(silver["events"], silver["products"], silver["places"], plan)
    lines = physical(build_daily(cells, plan), capsys)
    shuffles = [re.search(r"Exchange hashpartitioning\((\w+)#", line) for line in having(lines, "Exchange hash")]
    assert sorted(found.group(1) for found in shuffles if found) == ["customer_id", "place_id", "product_id"]
    assert len(having(lines, "FileScan", "event_date")) == 1
    assert having(lines, "Expand") + having(lines, "Python") + having(lines, "Window") == []


def test_aggregates_over_events_and_tiles_are_compiled(
    silver: dict[str, DataFrame], plan: TilePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = build_cells(silver["events"], silver["products"], silver["places"], plan)
    aggregates = having(physical(build_daily(cells, plan), capsys), "HashAggregate(keys=[customer_id")
    assert len(aggregates) == 4
    assert all(re.search(r"\*\(\d+\) HashAggregate", line) for line in aggregates)


@pytest.mark.parametrize("as_ofs", [[AS_OF], [AS_OF, date(2017, 11, 30), date(2017, 10, 31)]], ids=["one", "three"])
def test_a_snapshot_reads_each_kind_of_tiles_once_whatever_the_number_of_dates(
    spark: SparkSession, silver: dict[str, DataFrame], plan: TilePlan, tmp_path: Path, as_ofs: list[date],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    built = build_cells(silver["events"], silver["products"], silver["places"], plan)
    built.write.parquet(str(tmp_path / "cells"))
    cells = spark.read.parquet(str(tmp_path / "cells"))
    build_daily(cells, plan).write.parquet(str(tmp_path / "daily"))
    daily = spark.read.parquet(str(tmp_path / "daily"))
    build_base(daily, silver["customers"], as_ofs).write.parquet(str(tmp_path / "base"))
    base = spark.read.parquet(str(tmp_path / "base"))
    decided = keep_values(cells, plan, as_ofs)
    lines = physical(build_snapshot(daily, cells, silver["customers"], base, decided, as_ofs), capsys)
    scans = having(lines, "FileScan")
    assert len(having(scans, "/daily")) == len(having(scans, "/cells")) == 1
    assert having(lines, "Expand") + having(lines, "Python") + having(lines, "Window") == []
    merging = having(lines, "HashAggregate(keys=", "count(CASE WHEN")
    assert merging
    assert all(re.search(r"\*\(\d+\) HashAggregate", line) for line in merging)
