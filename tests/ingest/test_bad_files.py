"""Files that cannot be taken, or not wholly, fed to the real ingest; the cases are in `bad_files/*.yml`."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession
from tests.ingest.kit import FEBRUARY, JANUARY, PURCHASES, Corner, report_of

from strata.contract.bronze import files
from strata.contract.silver import events, quarantine
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.pipeline import ingest as pipeline
from strata.pipeline.ingest import read_books

CASES = Path(__file__).parent / "bad_files"
REFUSED = yaml.safe_load((CASES / "refused.yml").read_text("utf-8"))
TAKEN = yaml.safe_load((CASES / "taken.yml").read_text("utf-8"))
TINY = 300
SOURCE = """
source: {name}
description: A delivery
feeds: events
read: {{format: {format}, path: "${{landing}}/{name}/*.{ending}"{options}}}
schema: {{id: STRING, who: STRING, at: INSTANT, paid: MONEY}}
delivery: {{mode: append{ready}}}
key: [id]
event_type: "'purchase'"
columns:
  customer_id: {{from: who, identity: {identity}}}
  occurred_at: {{from: at, type: instant}}
  amount:      {{from: paid}}
"""


def source(name: str, ending: str, options: str = "", ready: str = "", identity: str = "plain") -> str:
    kind = ending.split(".", maxsplit=1)[0].removesuffix("*")
    return SOURCE.format(name=name, format=kind, ending=ending, options=options, ready=ready, identity=identity)


def source_of(case: dict[str, Any]) -> str:
    ready = f", ready_when: {case['ready_when']}" if "ready_when" in case else ""
    ending = next(iter(case["files"]), "a.csv").partition(".")[2]
    return source(case["name"], ending, ready=ready, identity=case.get("identity", "plain"))


def content(file: dict[str, Any], name: str) -> bytes:
    """A file's bytes, as the heads of the YAML files say."""
    if "columns" in file:
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(file["columns"]), sink)
        made = sink.getvalue().to_pybytes()
    else:
        lines = [
            f"{name}-{i},w{i % 7},2023-12-30 10:00:00,{i * 7919 % 100000}.5\n" for i in range(file.get("lines", 0))
        ]
        text = "".join([file["text"], *lines, file.get("end", "")])
        if "long" in file:
            text += f"{name},{'x' * file['long']},2023-12-30 10:00:00,1\n"
        made = text.encode(file.get("encoding", "utf-8"))
    made = gzip.compress(made, mtime=0) if file.get("gzip") else made
    return made[: -file["cut"]] if "cut" in file else made


def refusal(spark: SparkSession, folder: Path, cases: list[dict[str, Any]]) -> tuple[Corner, InputError]:
    """One ingest of these cases, and of a source without fault beside them."""
    sources = {case["name"]: source_of(case) for case in cases}
    shop = Corner(spark, folder, {**sources, "purchases": PURCHASES})
    for case in cases:
        for name, file in case["files"].items():
            shop.deliver(f"{case['name']}/{name}", content(file, name))
    shop.deliver("purchases.csv", "receipt,shopper,at,paid\nr1,anna,2023-12-30 10:00:00,1\n")
    with pytest.raises(InputError) as error:
        shop.ingest(JANUARY)
    return shop, error.value


@pytest.fixture(scope="module")
def refusals(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Corner, InputError]]:
    """Those that are told when files are listed, and those that are told when they are read."""
    place = tmp_path_factory.mktemp("refused")
    return [
        refusal(spark, place / str(opened), [c for c in REFUSED if c.get("opened", False) is opened])
        for opened in (True, False)
    ]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['case']}-{case['name']}")
def test_a_delivery_is_refused_by_its_name_and_file(
    refusals: list[tuple[Corner, InputError]], case: dict[str, Any]
) -> None:
    told = [p.what for _, error in refusals for p in error.problems if p.what.startswith(f"{case['name']}: ")]
    assert len(told) == 1 or (told and case["case"] == 4)
    assert any(case["says"] in what for what in told), told
    assert any(name in what for name in [*case["files"], case.get("ready_when", case["name"])] for what in told), told
    assert "good.csv" not in " ".join(told)


def test_nothing_counts_of_a_batch_with_a_refused_delivery(refusals: list[tuple[Corner, InputError]]) -> None:
    for (shop, error), opened in zip(refusals, (True, False), strict=True):
        assert error.exit_code == 3
        assert len({p.what.split(":")[0] for p in error.problems}) == sum(
            c.get("opened", False) is opened for c in REFUSED
        )
        assert read_books(shop.lakehouse) == []


def deliver_all(shop: Corner) -> None:
    for case in TAKEN:
        shop.deliver(f"sales/{case['file']}", content(case, case["file"]))
    for i in range(TINY):
        shop.deliver(f"tiny/{i}.json", f'{{"id": "t{i}", "who": "anna", "at": "2023-12-30T10:00:00Z", "paid": {i}}}\n')
    shop.deliver("tiny/empty.json", "")
    lines = [f"s{i},{'anna' if i % 10 < 3 else f'w{i}'},2023-12-{1 + i % 30:02} 10:00:00,1\n" for i in range(6_000)]
    shop.deliver("skewed/a.csv", "".join(["id,who,at,paid\n", *lines]))


@pytest.fixture(scope="module")
def taken(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Corner:
    sources = {
        "sales": source("sales", "csv*", ', multiLine: "true"'),
        "tiny": source("tiny", "json"),
        "skewed": source("skewed", "csv"),
    }
    shop = Corner(spark, tmp_path_factory.mktemp("taken") / "corner", sources)
    deliver_all(shop)
    shop.ingest(JANUARY)
    return shop


@pytest.fixture(scope="module")
def books(taken: Corner) -> dict[str, dict[str, Any]]:
    return {Path(b["file_path"]).name: b for b in read_books(taken.lakehouse)}


@pytest.fixture(scope="module")
def reasons(taken: Corner) -> dict[str, dict[int, list[str]]]:
    found: dict[str, dict[int, list[str]]] = {}
    for row in rows_of(taken.read(quarantine)):
        found.setdefault(Path(row["file_path"]).name, {})[row["row_number"]] = row["reasons"]
    return found


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: f"{case['case']}-{case['file']}")
def test_a_file_is_taken_row_by_row_or_known_already(
    books: dict[str, dict[str, Any]], reasons: dict[str, dict[int, list[str]]], case: dict[str, Any]
) -> None:
    told = books.get(case["file"], {})
    counts = [told.get(name) for name in ("accepted_count", "unchanged_count", "rejected_count")]
    assert counts == case.get("rows", [None] * 3)
    assert reasons.get(case["file"], {}) == case.get("reasons", {})


def test_many_tiny_files_are_one_batch_and_an_empty_one_has_no_rows(books: dict[str, dict[str, Any]]) -> None:
    counts = Counter(b["accepted_count"] for b in books.values() if b["source"] == "tiny")
    assert counts == {1: TINY, 0: 1}


def test_a_customer_with_a_third_of_all_rows_has_them_all(taken: Corner) -> None:
    rows = [r for r in rows_of(taken.read(events)) if r["source"] == "skewed"]
    assert Counter(r["customer_id"] for r in rows).most_common(1)[0][1] == 1_800
    assert (len(rows), len({r["event_id"] for r in rows})) == (6_000, 6_000)


def test_the_same_deliveries_again_change_no_table(taken: Corner) -> None:
    before = {t: taken.lakehouse.last_commit(t) for t in (files, events, quarantine)}
    assert taken.ingest(FEBRUARY).batch_id is None
    assert {t: taken.lakehouse.last_commit(t) for t in before} == before


@pytest.mark.parametrize("becomes", [None, "receipt,shopper,at,paid\nr1,anna,2023-12-30 10:00:00,99\n"])
def test_a_file_that_goes_or_changes_between_list_and_read_is_refused(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str | None
) -> None:
    shop = Corner(spark, tmp_path / "corner", {"purchases": PURCHASES})
    path = shop.deliver("purchases.csv", "receipt,shopper,at,paid\nr1,anna,2023-12-30 10:00:00,1\n")

    def meanwhile(*_: object) -> None:
        path.unlink() if becomes is None else path.write_text(becomes)

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "check_clock", meanwhile)
        with pytest.raises(InputError, match=r"purchases: .*purchases\.csv"):
            shop.ingest(JANUARY)
    assert read_books(shop.lakehouse) == []
    if becomes is not None:
        assert report_of(shop.ingest(FEBRUARY), "purchases").accepted == 1
        assert [r["amount"] for r in rows_of(shop.read(events))] == [99]
