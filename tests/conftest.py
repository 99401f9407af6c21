"""One Spark session for all tests: UI off, few shuffle partitions, nothing shared through tables."""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession
from tests.end_to_end.kit import Said, Shop, whole_shop
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from strata.project.models import Storage
from strata.storage.session import open_session
from strata.storage.tables import Lakehouse

# The main module of a process that pytest-xdist starts has no file; pyspark takes that for a doctest and ends it.
vars(sys.modules["__main__"]).setdefault("__file__", __file__)


WITHHELD = 6
"""Released, but not every audience: of cooling key customers there are too few in December."""
OF_GROCERY = re.compile(r"def \w+\([^)]*\bgrocery(_run|_said)?\b")


class ByRun(LoadScopeScheduling):
    """A file's tests go to one of the processes, all that look at the grocery run to the one that has run it.

    Marks (`--dist loadgroup`) do not reach the scheduler: pytest 9.2 keeps ids where xdist 3.8 cannot write them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return "the grocery run" if looks_at_grocery(file) else file


@cache
def looks_at_grocery(file: str) -> bool:
    is_whole = file.startswith("tests/end_to_end/")
    return is_whole and OF_GROCERY.search((Path(__file__).parents[1] / file).read_text()) is not None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByRun:
    return ByRun(config, log)


@pytest.fixture(scope="module", autouse=True)
def _duckdb_of_its_own() -> None:
    """DuckDB's own connection, which `duckdb.sql` uses, may be left with a result that nobody has read."""
    duckdb.set_default_connection(duckdb.connect())


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = open_session(
        {
            "spark.master": "local[2]",
            "spark.sql.shuffle.partitions": "2",
            "spark.driver.memory": "3g",
            # Thousands of small tables, and every small relation that a join broadcasts in a page of its own: kept as a
            # job keeps them, they fill the heap, and half of the time goes to collecting garbage.
            "spark.databricks.delta.delta.log.cacheSize": "50",
            "spark.buffer.pageSize": "1m",
            "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark-warehouse")),
        }
    )
    session.conf.set("spark.databricks.delta.snapshotPartitions", "2")
    yield session
    session.stop()


@pytest.fixture
def lakehouse(spark: SparkSession, tmp_path: Path) -> Lakehouse:
    return Lakehouse(spark, Storage(root=str(tmp_path / "warehouse")), run_id="test-run")


@pytest.fixture(scope="session")
def grocery_run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Said]:
    """The whole grocery project, run once for two dates by its command line."""
    shop = whole_shop(tmp_path_factory.mktemp("grocery"))
    assert shop.strata("init").code == 0
    said = shop.run("2017-11-30,2017-12-31")
    assert said.code == WITHHELD, said.out + said.err
    return shop, said


@pytest.fixture(scope="session")
def grocery(grocery_run: tuple[Shop, Said]) -> Shop:
    """The tables of that run; tests leave them as they are."""
    return grocery_run[0]


@pytest.fixture(scope="session")
def grocery_said(grocery_run: tuple[Shop, Said]) -> Said:
    """What that run printed."""
    return grocery_run[1]
