"""Rows that cannot be taken, fed through the real ingest: each has its reason, and the others of its file arrive.

The cases are in `bad_rows/*.yml`, a source each, all taken by one batch.
"""

import csv
import hashlib
import hmac
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession
from tests.ingest.kit import JANUARY, KEY, Corner, report_of

from strata.contract.bronze import rejected_rows
from strata.contract.silver import FED_TABLES, quarantine
from strata.contract.spark import rows_of
from strata.pipeline.ingest import IngestReport
from strata.project.sources import Source

FEEDS = {
    p.stem: yaml.safe_load(p.read_text("utf-8")) for p in sorted((Path(__file__).parent / "bad_rows").glob("*.yml"))
}
CASES = [
    pytest.param(name, i, id=f"{name}-{case['row']}")
    for name, feed in FEEDS.items()
    for i, case in enumerate(feed["cases"])
]


def rows_to_deliver(name: str, source: Source) -> list[dict[str, Any]]:
    """The good row with the values of each case; its id says where the case stands."""
    blank: dict[str, Any] = dict.fromkeys(source.schema)
    return [
        {**blank, **FEEDS[name]["good"], **case["row"], "id": f"{name}-{i}"}
        for i, case in enumerate(FEEDS[name]["cases"])
    ]


def write_csv(path: Path, source: Source, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(source.schema), delimiter=source.read.options.get("delimiter", ","))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), "utf-8")


def write_json(path: Path, _: Source, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def write_parquet(path: Path, _: Source, rows: list[dict[str, Any]]) -> None:
    typed = [
        {**row, "paid": Decimal(row["paid"]), "at": datetime.fromisoformat(row["at"]).replace(tzinfo=UTC)}
        for row in rows
    ]
    types = {"id": pa.string(), "who": pa.string(), "at": pa.timestamp("us", "UTC"), "paid": pa.decimal128(38, 4)}
    pq.write_table(pa.Table.from_pylist(typed, pa.schema(list(types.items()))), path)


KEYS = {"events": "event_id", "customers": "customer_id", "places": "place_id"}
Silver = dict[str, dict[str, dict[str, Any]]]
WRITERS = {"csv": write_csv, "json": write_json, "parquet": write_parquet}


@pytest.fixture(scope="module")
def taken(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Corner, IngestReport]:
    shop = Corner(
        spark, tmp_path_factory.mktemp("bad") / "corner", {name: feed["source"] for name, feed in FEEDS.items()}
    )
    for source in shop.project.sources:
        path = shop.folder / "landing" / f"{source.name}.{source.read.format}"
        WRITERS[source.read.format](path, source, rows_to_deliver(source.name, source))
    return shop, shop.ingest(JANUARY)


@pytest.fixture(scope="module")
def reasons(taken: tuple[Corner, IngestReport]) -> dict[tuple[str, int], list[str]]:
    """Source and number of a row -> the reasons in quarantine."""
    return {(r["source"], r["row_number"]): r["reasons"] for r in rows_of(taken[0].read(quarantine))}


@pytest.fixture(scope="module")
def raw(taken: tuple[Corner, IngestReport]) -> dict[tuple[str, int], str]:
    return {(r["source"], r["row_number"]): r["raw_row"] for r in rows_of(taken[0].read(rejected_rows))}


@pytest.fixture(scope="module")
def silver(taken: tuple[Corner, IngestReport]) -> dict[str, dict[str, dict[str, Any]]]:
    """Source -> key in silver -> row."""
    shop, found = taken[0], {}
    for source in shop.project.sources:
        rows = [r for r in rows_of(shop.read(FED_TABLES[source.feeds])) if r["source"] == source.name]
        found[source.name] = {r[KEYS[source.feeds]]: r for r in rows}
    return found


def key_in_silver(feeds: str, name: str, delivered: str) -> str:
    """What silver knows a delivered id by."""
    if feeds == "places":
        return delivered
    text = {"customers": delivered, "events": f"{name}|{len(delivered)}:{delivered}"}[feeds]
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize(("name", "i"), CASES)
def test_a_row_is_taken_or_quarantined_with_every_reason(
    taken: tuple[Corner, IngestReport],
    reasons: dict[tuple[str, int], list[str]],
    raw: dict[tuple[str, int], str],
    silver: Silver,
    name: str,
    i: int,
) -> None:
    case, place, delivered = FEEDS[name]["cases"][i], (name, i + 1), f"{name}-{i}"
    feeds = next(s.feeds for s in taken[0].project.sources if s.name == name)
    found = silver[name].get(key_in_silver(feeds, name, delivered), {})
    assert sorted(reasons.get(place, [])) == sorted(case.get("reasons", []))
    assert bool(found) == ("reasons" not in case)
    assert (place in raw) == ("reasons" in case)
    if "reasons" in case:
        assert json.loads(raw[place])["id"] == delivered
    for column, value in case.get("silver", {}).items():
        is_money = isinstance(found[column], Decimal)
        assert found[column] == (Decimal(value) if is_money else value), column


@pytest.mark.parametrize("name", FEEDS)
def test_nothing_is_lost_and_every_reason_is_counted(
    taken: tuple[Corner, IngestReport], silver: Silver, name: str
) -> None:
    cases = FEEDS[name]["cases"]
    told = [reason for case in cases for reason in case.get("reasons", [])]
    report = report_of(taken[1], name)
    good = sum("reasons" not in case for case in cases)
    assert (report.records, report.accepted, report.rejected) == (len(cases), good, len(cases) - good)
    assert report.reasons == {reason: told.count(reason) for reason in told}
    assert len(silver[name]) == good


def test_amounts_in_silver_are_all_in_the_currency_of_the_project(silver: Silver) -> None:
    assert {row["currency"] for row in silver["calls"].values()} == {"UAH"}


def test_a_batch_with_bad_days_reaches_no_further_than_its_good_ones(taken: tuple[Corner, IngestReport]) -> None:
    assert report_of(taken[1], "calls").complete_through == date(2023, 12, 31)
