"""A year of month ends, a year ago found again, days that leave when they are old. On 150 households."""

import shutil
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.end_to_end.kit import Said, Shop, small_shop, write

from strata.contract.published import GATED_TABLES

pytestmark = [pytest.mark.long, pytest.mark.soak]

YEAR = timedelta(days=365)
SLICED = [t.full_name().replace(".", "/") for t in GATED_TABLES if t.slice_by]
FILLED = [t.full_name().replace(".", "/") for t in GATED_TABLES if t.slice_by and not t.may_be_empty]
MONTH_ENDS = [date(2017 + m // 12, m % 12 + 1, 1) - timedelta(days=1) for m in range(1, 14)]
NOVEMBER, FIRST, SECOND, THIRD = date(2017, 11, 30), date(2017, 12, 1), date(2017, 12, 2), date(2017, 12, 3)
KEEP_TWO = ("--set", "keep.daily_days=2")
DONE = (0, 6)


@pytest.fixture(scope="module")
def thirteen(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Said]:
    shop = a_shop(tmp_path_factory.mktemp("year"))
    _repeat_january(shop)
    said = shop.run("2017-01-31..2018-01-31", "--every", "month-end")
    assert said.code in DONE, said.out + said.err
    return shop, said


@pytest.fixture(scope="module")
def thinned(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shop, Said, dict[str, tuple[int, str]]]:
    """Four days of which two are kept beside the end of November; and what the first of December was."""
    shop = a_shop(tmp_path_factory.mktemp("days"))
    said = shop.run(f"{NOVEMBER},{FIRST},{SECOND}", *KEEP_TWO)
    assert said.code in DONE, said.out + said.err
    first = shop.contents(str(FIRST))
    said = shop.run(str(THIRD), *KEEP_TWO)
    assert said.code in DONE, said.out + said.err
    return shop, said, first


def a_shop(place: Path) -> Shop:
    """With few definitions: history is that of any table, many would only take longer."""
    shop = small_shop(place, households=150)
    shop.edit("quality.yml", "min_value: 75", "min_value: 50")
    shop.edit("quality.yml", "min_value: 100", "min_value: 1")
    shutil.rmtree(shop.folder / "audiences")
    for file in (shop.folder / "segmentations").iterdir():
        if file.stem not in ("purchase_frequency", "age"):
            file.unlink()
    assert shop.strata("init").code == 0
    return shop


def _repeat_january(shop: Shop) -> None:
    """What was bought up to 4 February 2017 is bought again a year later, in other baskets."""
    path = shop.landing / "transactions.parquet"
    rows = pq.read_table(path)
    moment = rows["transaction_timestamp"]
    january = rows.filter(pc.less(moment, pa.scalar(date(2017, 2, 5)).cast(moment.type)))
    again = {
        "transaction_timestamp": pc.add(january["transaction_timestamp"], pa.scalar(YEAR).cast(pa.duration("ns"))),
        "basket_id": pc.add(january["basket_id"], 10**12),
    }
    for name, values in again.items():
        january = january.set_column(january.schema.get_field_index(name), name, values)
    write(path, pa.concat_tables([rows, january.cast(rows.schema)]))


def days(shop: Shop, table: str) -> set[date]:
    return set(shop.read(table)["as_of_date"])


def statuses(shop: Shop) -> dict[date, set[str]]:
    rows = shop.read("publish/releases").select("as_of_date", "status").unique()
    return {day: set(rows.filter(pl.col("as_of_date") == day)["status"]) for day in rows["as_of_date"]}


def movements(shop: Shop, then: date, now: date) -> pl.DataFrame:
    """Counted by Polars from who was in which segment."""
    members = shop.read("members/segment_membership").select("as_of_date", "customer_id", "segmentation", "segment")
    old, new = (members.filter(pl.col("as_of_date") == day).drop("as_of_date") for day in (then, now))
    both = old.join(new, on=["customer_id", "segmentation"], how="full", coalesce=True, suffix="_now")
    named = both.select("segmentation", from_segment="segment", to_segment="segment_now").fill_null("(not in base)")
    return named.group_by("segmentation", "from_segment", "to_segment").agg(true=pl.len().cast(pl.Int64))


def test_thirteen_month_ends_are_thirteen_slices(thirteen):
    shop, _ = thirteen
    for table in FILLED:
        assert days(shop, table) == set(MONTH_ENDS), table
    assert set(map(len, statuses(shop).values())) == {1}
    assert statuses(shop)[MONTH_ENDS[0]] == {"released"}


def test_movements_are_told_since_the_release_before_a_month_and_a_year_ago(thirteen):
    shop, _ = thirteen
    told = shop.read("publish/segment_migration")
    pairs = set(told.select("as_of_date", "comparison", "compared_as_of_date").unique().iter_rows())
    steps = list(pairwise(MONTH_ENDS))
    expected = {(now, name, then) for then, now in steps for name in ("previous", "month")}
    assert {pair for pair in pairs if pair[0] in MONTH_ENDS} == {*expected, (MONTH_ENDS[12], "year", MONTH_ENDS[0])}
    last = told.filter(pl.col("as_of_date") == MONTH_ENDS[12])
    for name, then in (("year", MONTH_ENDS[0]), ("month", MONTH_ENDS[11])):
        counted = movements(shop, then, MONTH_ENDS[12])
        rows = last.filter(pl.col("comparison") == name)
        both = rows.join(counted, on=["segmentation", "from_segment", "to_segment"], how="full")
        assert len(both) == len(rows) == len(counted)
        shown = both.filter(~pl.col("is_suppressed"))
        assert shown["customers"].equals(shown["true"])
        assert len(shown) > 0


def test_a_day_that_is_old_leaves_every_table_and_month_ends_stay(thinned):
    shop, said, _ = thinned
    assert f"keep: {FIRST} left the published tables" in said.out
    for table in SLICED:
        assert FIRST not in days(shop, table), table
    assert days(shop, "members/segment_membership") == {NOVEMBER, SECOND, THIRD}
    assert {day for day, status in statuses(shop).items() if status == {"expired"}} == {FIRST}
    told = shop.read("publish/segment_migration").filter(pl.col("as_of_date") == THIRD)
    assert set(told.select("comparison", "compared_as_of_date").iter_rows()) == {("previous", SECOND)}


def test_who_follows_releases_sees_what_they_say(thinned):
    shop, _, _ = thinned
    for row in shop.read("publish/releases").to_dicts():
        if row["table_name"].replace(".", "/") in SLICED:
            frame = shop.read(row["table_name"].replace(".", "/"), row["delta_version"])
            found = frame.filter(pl.col("as_of_date") == row["as_of_date"])
            assert len(found) == row["row_count"], row["table_name"]
            assert set(found["release_id"]) <= {row["release_id"]}


def test_a_day_that_left_is_replayed_and_run_again_it_is_back_as_it_was(thinned):
    shop, _, first = thinned
    before = shop.current()
    known_at = shop.read("publish/releases")["known_at"].max().isoformat()
    said = shop.run(str(FIRST), "--known-at", known_at)
    assert "reproduced release" in said.out, said.out + said.err
    assert FIRST not in days(shop, "members/segment_membership")
    said = shop.run(str(FIRST))
    assert said.code in DONE, said.out + said.err
    again = shop.contents(str(FIRST))
    of_slices = {table for table in first if table.replace(".", "/") in SLICED}
    assert {t: again[t] for t in of_slices} == {t: first[t] for t in of_slices}
    assert days(shop, "members/segment_membership") == {NOVEMBER, FIRST, SECOND, THIRD}
    assert statuses(shop)[FIRST] == {"superseded", "released"}
    assert shop.current() == before
