"""How rows lie in files and partitions decides nothing: the same tables to the bit, clusters and scores included."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.cluster.published import published_hashes
from tests.cluster.test_submit import OF_THE_RUN
from tests.end_to_end.kit import Shop, small_shop

from strata.contract.published import GATED_TABLES
from strata.storage import session

pytestmark = [pytest.mark.long, pytest.mark.soak]

AS_OF, HOUSEHOLDS, SCORED = "2017-12-31", 2_000, "next_organic_buyers"
"""A look-alike audience that so many households are enough for: one that is withheld has no scores to compare."""
LAYOUTS = {"one": (1, 1), "four": (4, 3), "seven": (7, 7), "sixty-four": (64, 20)}
"""Partitions of reads and shuffles, and files that the purchases are delivered in."""


def deliver(shop: Shop, files: int, seed: int) -> None:
    """The purchases in other files, their rows in another order."""
    rows = pq.read_table(shop.landing / "transactions.parquet")
    order = np.random.default_rng(seed).permutation(len(rows))
    (shop.landing / "transactions.parquet").unlink()
    for number, part in enumerate(np.array_split(order, files)):
        place = shop.landing / f"transactions-{number:02}.parquet"
        pq.write_table(rows.take(part), place, use_deprecated_int96_timestamps=True)
    shop.edit("sources/transactions.yml", "/transactions.parquet", "/transactions-*.parquet")


@pytest.fixture(scope="module")
def published(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, tuple[int, str]]]:
    first = small_shop(tmp_path_factory.mktemp("layouts"), HOUSEHOLDS)

    def run(name: str) -> dict[str, tuple[int, str]]:
        partitions, files = LAYOUTS[name]
        place = tmp_path_factory.mktemp(name)
        shutil.copytree(first.folder.parent, place, dirs_exist_ok=True)
        shop = Shop(place / first.folder.name, place / "landing", place / "warehouse")
        deliver(shop, files, seed=partitions)
        usual = spark.conf.get("spark.sql.shuffle.partitions")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STRATA_IDENTITY_KEY", "00" * 32)  # which fold somebody falls into depends on it
            patch.setitem(session.SUBMITTED, "spark.sql.files.minPartitionNum", str(partitions))
            spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
            try:
                said = shop.run(AS_OF)
            finally:
                spark.conf.set("spark.sql.shuffle.partitions", str(usual))
        assert said.code in {0, 6}, said.out + said.err
        (audience,) = shop.read("publish/audience_catalog").filter(audience=SCORED)["status"]
        assert audience == "published"
        return hashes(shop.root)

    return run


def hashes(root: Path) -> dict[str, tuple[int, str]]:
    names = {table.full_name() for table in GATED_TABLES}
    return published_hashes(root, OF_THE_RUN, names)


def test_any_layout_gives_the_same_tables(published: Callable[[str], dict[str, tuple[int, str]]]) -> None:
    found = {name: published(name) for name in LAYOUTS}
    one = found.pop("one")
    assert one["members.audience_membership"][0] > 0
    assert one["publish.audience_backtest"][0] > 0
    assert one["publish.cluster_selection"][0] > 0
    for name, other in found.items():
        assert {t for t in one if one[t] != other[t]} == set(), name
