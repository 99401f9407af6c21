"""Movements of a release since each of those that it looks back at."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession
from tests.publish.frames import AS_OF, membership

from strata.pipeline import publish
from strata.pipeline.context import Target
from strata.project.policies import Privacy
from strata.publish.release import Release

KNOWN_AT = datetime(2018, 1, 2, tzinfo=UTC)
DAYS = {"previous": date(2017, 12, 30), "month": date(2017, 11, 30), "year": date(2016, 12, 31)}


def test_movements_are_counted_since_the_release_before_a_month_and_a_year_ago(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = {"previous": ["b"] * 15, "month": ["a"] * 15, "year": ["a"] * 12 + ["c"] * 13}
    frames = {name: membership(spark, {"rfm": segments}, DAYS[name]) for name, segments in then.items()}
    monkeypatch.setattr(publish, "read_released", lambda _run, _target, _table, rows: frames[rows[0]["release_id"]])
    looked_at = {name: ({"release_id": name, "as_of_date": day},) for name, day in DAYS.items()}
    release = Release("r" * 32, AS_OF, KNOWN_AT, "c" * 32, "1", "previous", "month", "year")
    run = SimpleNamespace(
        lakehouse=SimpleNamespace(spark=spark), project=SimpleNamespace(privacy=Privacy((), cell_floor=1))
    )
    now = membership(spark, {"rfm": ["b"] * 15})
    target = Target(release, (), history=(), **looked_at)
    found = publish._migration(run, target, now).toArrow().to_pylist()
    assert {(r["comparison"], r["compared_as_of_date"]) for r in found} == set(DAYS.items())
    assert {(r["comparison"], r["from_segment"], r["to_segment"]): r["customers"] for r in found} == {
        ("previous", "b", "b"): 15,
        ("month", "a", "b"): 15,
        ("year", "a", "b"): 12,
        ("year", "c", "b"): 3,
        ("year", "c", "(not in base)"): 10,
    }
    alone = Target(release, (), (), ())
    assert publish._migration(run, alone, now).isEmpty()
