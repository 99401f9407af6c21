"""The catalogue of defects, seeded one by one into a small telco that has been watched for twenty clean days."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.quality.world import (
    CLEAN_DAYS,
    DEFECTS,
    KEY,
    LAST,
    NEXT,
    SOURCES,
    Watched,
    World,
    answer_of,
    day,
    missed,
    now,
)  # fmt: skip

from strata.pipeline.ingest import ingest

pytestmark = [pytest.mark.long, pytest.mark.soak]

CUSTOMERS, SEED = 1_000, 12  # tolerances were chosen on seed 11
KINDS, STOPPED = 40, 38 / 40


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made(spark, tmp_path_factory.mktemp("defects"), CUSTOMERS, SEED)


@pytest.fixture(scope="module")
def watched(world: World) -> Watched:
    return Watched.of(world)


@pytest.fixture(scope="module")
def others_there(world: World, watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    """Source -> the world on the day after, when all other sources have come and it has not."""
    place, worlds = tmp_path_factory.mktemp("others"), {}
    for source in dict.fromkeys(d["source"] for d in DEFECTS["delivered"]):
        worlds[source] = world.copied(place / source)
        worlds[source].deliver(NEXT, [s for s in SOURCES if s != source])
        ingest(worlds[source].run(), KEY, now())
    return worlds


def test_there_are_forty_kinds_of_all_answers() -> None:
    everything = [d for defects in DEFECTS.values() for d in defects]
    assert len(everything) == len({d["defect"] for d in everything}) >= KINDS
    assert set(Counter(d["answer"] for d in everything)) == {"refused", "quarantined", "closed", "warned"}


def test_twenty_clean_days_give_no_alarm(watched: Watched) -> None:
    measured = watched.past["members.customer_features", "row_count", "(table)"]
    assert len(measured) == CLEAN_DAYS
    assert "\n".join(watched.alarms) == ""


def test_defects_of_published_tables_are_stopped_or_warned_about_as_expected(watched: Watched) -> None:
    for name in watched.tables:
        assert answer_of(watched.judge(name, watched.frame(name, day(LAST)))).kind == "nothing"
    _require_strong("published", missed(DEFECTS["published"], watched.answer))


def test_defects_of_deliveries_are_stopped_or_warned_about_as_expected(
    watched: Watched, others_there: dict[str, World], tmp_path: Path
) -> None:
    def tried(source: str) -> World:
        shutil.rmtree(tmp_path / "tried", ignore_errors=True)
        return others_there[source].copied(tmp_path / "tried")

    clean = tried("usage")
    clean.deliver(NEXT, ["usage"])
    ingest(clean.run(), KEY, moment := now())
    assert answer_of(watched.judge_input(clean.run(), day(NEXT), moment)).kind == "nothing"
    _require_strong("delivered", missed(DEFECTS["delivered"], lambda d: watched.answer_delivery(tried(d["source"]), d)))


def _require_strong(kind: str, weak: list[str]) -> None:
    stopped = 1 - len(weak) / len(DEFECTS[kind])
    assert stopped >= STOPPED, f"{len(weak)} of {len(DEFECTS[kind])} missed:\n" + "\n".join(weak)
