"""What a scheduled job is judged by: reruns, spoiled deliveries, replays, conflicts. On 300 households."""

import polars as pl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.end_to_end.kit import Said, Shop, small_shop, write

from strata.pipeline.leased import LEASE
from strata.project.models import Storage
from strata.storage.leases import hold_lease
from strata.storage.tables import Lakehouse

pytestmark = [pytest.mark.long, pytest.mark.soak]

DECEMBER = "2017-12-31"
WITHHELD = 6


@pytest.fixture(scope="module")
def first_run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Said]:
    shop = small_shop(tmp_path_factory.mktemp("small"))
    shop.strata("init")
    return shop, shop.run(DECEMBER)


@pytest.fixture(scope="module")
def shop(first_run: tuple[Shop, Said]) -> Shop:
    return first_run[0]


def test_an_audience_that_cannot_be_trusted_is_withheld_and_the_rest_released(first_run):
    shop, said = first_run
    assert said.code == WITHHELD, said.err
    catalog = shop.read("publish/audience_catalog").to_dicts()
    assert {(r["status"], r["customers"]) for r in catalog} == {("withheld", 0)}
    reasons = {r["audience"]: r["status_reason"] for r in catalog}
    assert "expected at least 100" in reasons["next_wine_buyers"]
    assert "expected at least 100" in reasons["cooling_key_customers"]
    assert shop.read("publish/releases")["is_current"].all()


def test_a_forced_rerun_gives_content_identical_tables(shop):
    before = shop.contents(DECEMBER)
    said = shop.run(DECEMBER, "--force")
    assert said.code == WITHHELD, said.err
    assert shop.contents(DECEMBER) == before
    assert shop.read("publish/releases")["sequence"].max() == 2
    assert shop.read("publish/releases")["release_id"].n_unique() == 1


def test_a_spoiled_delivery_closes_the_gate_and_readers_keep_the_old_release(shop):
    before, known_at = shop.current(), shop.read("publish/releases")["known_at"].max()
    events = len(shop.read("silver/events"))
    _deliver_in_cents(shop)
    said = shop.run(DECEMBER)
    assert said.code == 4, said.out + said.err
    assert "members.customer_features: check spend_plausible failed: 1 violations in 300 rows" in said.err
    assert shop.current() == before
    assert len(shop.read("silver/events")) > events, "corrections are new revisions"
    replay = shop.run(DECEMBER, "--known-at", known_at.isoformat())
    assert replay.code == WITHHELD, replay.out + replay.err
    assert "reproduced release" in replay.out
    assert shop.current() == before


def _deliver_in_cents(shop: Shop) -> None:
    path = shop.landing / "transactions.parquet"
    rows = pq.read_table(path)
    wrong = pc.round(pc.multiply(rows["sales_value"], 100.0), 2)
    write(path, rows.set_column(rows.schema.get_field_index("sales_value"), "sales_value", wrong))


def test_a_date_that_the_sources_do_not_reach_exits_3(shop):
    said = shop.run("2018-01-15")
    assert said.code == 3
    assert "transactions" in said.err
    assert "2017-12-31" in said.err
    assert "2018-01-15" in said.err


def test_a_second_run_at_the_same_time_exits_5(shop, spark):
    lakehouse = Lakehouse(spark, Storage(root=str(shop.root)), "other-run")
    moment = shop.read("publish/releases")["released_at"].max()
    with hold_lease(lakehouse, LEASE, lambda: moment.replace(year=moment.year + 1)):
        said = shop.run(DECEMBER)
    assert said.code == 5
    assert "other-run" in said.err


def test_without_a_key_nothing_runs_and_the_error_says_how_to_make_one(shop, tmp_path):
    keyless = Shop(shop.folder, shop.landing, tmp_path / "warehouse")
    key = shop.folder / ".strata" / "identity.key"
    kept = key.read_text()
    key.unlink()
    try:
        said = keyless.run(DECEMBER)
    finally:
        key.write_text(kept)
    assert said.code == 2
    assert "strata init" in said.err
    assert not (keyless.root / "silver").exists()


def test_the_log_of_runs_counts_stages_and_rows(shop):
    log = shop.read("publish/run_log")
    first = log.filter(pl.col("run_id") == log["run_id"].min()).sort("started_at")
    assert first["stage"].to_list()[0] == "ingest"
    assert {"tiles", "features", "segments", "audiences", "gate", "release"} <= set(first["stage"])
    assert first.filter(pl.col("stage") == "features")["rows_out"].to_list() == [300]
