"""Tables in a folder and tables in a catalog: the same releases, the same rows; and what needs a folder says so."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.operations.tiny import FIRST, SECOND, Tiny, tiny_shop

import strata.cli
from strata.contract.operations import releases
from strata.contract.published import GATED_TABLES
from strata.contract.spark import rows_of
from strata.project.models import Storage
from strata.storage.fingerprints import fingerprint
from strata.storage.tables import Lakehouse

CATALOG = ("storage.root=", "storage.catalog=spark_catalog", "storage.prefix=x_")
TABLES = {t.full_name(): t for t in (*GATED_TABLES, releases)}


class Clock(datetime):
    """A clock that says the same in both runs: a second later with every look."""

    looks = 0

    @classmethod
    def now(cls, tz=None):
        cls.looks += 1
        return datetime(2024, 3, 9, tzinfo=tz or UTC) + timedelta(seconds=cls.looks)


def run_and_go_back(shop: Tiny, monkeypatch) -> str:
    monkeypatch.setattr(strata.cli, "datetime", Clock)
    monkeypatch.setattr(Clock, "looks", 0)
    for day in (FIRST, SECOND):
        said = shop.run(day)
        assert said.code == 0, said.out + said.err
    listed = shop.strata("release", "--list").out
    first = next(line.split()[0] for line in listed.splitlines() if f" {FIRST} " in line)
    said = shop.strata("release", "--rollback", first)
    assert said.code == 0, said.out + said.err
    assert shop.strata("status").code == 0
    return shop.strata("release", "--list").out


def contents(lakehouse: Lakehouse):
    """Every table as the book of releases pins it, and what the book says but for times and versions."""
    book = rows_of(lakehouse.read(releases))
    told = ("release_id", "table_name", "sequence", "kind", "status", "as_of_date", "row_count", "content_hash")
    pinned = {
        r["table_name"]: rows_of(fingerprint(lakehouse.read(TABLES[r["table_name"]], r["delta_version"])))[0]
        for r in book
        if r["is_current"]
    }
    return pinned, sorted(tuple(str(r[name]) for name in told) for r in book)


@pytest.mark.long
@pytest.mark.soak
def test_a_folder_and_a_catalog_give_the_same_releases(spark, tmp_path, monkeypatch):
    by_path = tiny_shop(tmp_path / "tiny", days=2)
    by_name = Tiny(by_path.folder, CATALOG)
    try:
        said = [run_and_go_back(shop, monkeypatch) for shop in (by_path, by_name)]
        in_folder = Lakehouse(spark, Storage(str(by_path.root)), "reader")
        in_catalog = Lakehouse(spark, Storage(None, "spark_catalog", "x_"), "reader")
        assert contents(in_catalog) == contents(in_folder)
        assert [line.split()[:4] for line in said[0].splitlines()] == [
            line.split()[:4] for line in said[1].splitlines()
        ]
        for table in GATED_TABLES:
            schemas = [store.read(table).schema for store in (in_folder, in_catalog)]
            assert schemas[0] == schemas[1]
            kept = [store.properties(table)["delta.logRetentionDuration"] for store in (in_folder, in_catalog)]
            assert kept == ["interval 30 days"] * 2
            parts = [store.delta(table).detail().first()["partitionColumns"] for store in (in_folder, in_catalog)]
            assert parts[0] == parts[1] == ([table.partition_by] if table.partition_by else [])
    finally:
        for row in spark.sql("show schemas like 'x_*'").collect():
            spark.sql(f"drop schema if exists {row[0]} cascade")


@pytest.mark.parametrize(
    "words",
    [
        ("preview",), ("preview", "spending"), ("explain", "--customer", "s1"), ("plan",), ("check", "--data"),
        ("export", "good_ones", "--for", "crm"),
    ],
)  # fmt: skip
def test_what_reads_a_folder_without_spark_says_so_of_a_catalog(tmp_path, words):
    shop = tiny_shop(tmp_path / "tiny", days=1)
    recipient = "recipients:\n  crm: {description: Mail, audiences: ['*'], ids: pseudonym, purposes: [email]}\n"
    shop.write("privacy.yml", (shop.folder / "privacy.yml").read_text() + recipient)
    said = Tiny(shop.folder, CATALOG).strata(*words)
    assert said.code == 2, said.out + said.err
    assert "the tables lie in the catalog spark_catalog, and this command reads only a local folder" in said.err
