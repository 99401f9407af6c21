"""What lands in bronze: every row once, with its number in its file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.ingest.test_files import source

from strata.contract.columns import Type
from strata.contract.spark import rows_of
from strata.errors import InputError
from strata.ingest.deliveries import find
from strata.ingest.files import find_files
from strata.project.sources import Read, Source

COLUMNS = {"id": Type.BIGINT, "text": Type.STRING}


def of(format_name: str, path: str, **options: str) -> Source:
    read = Read(format_name, path, options, source("").where)  # type: ignore[arg-type]
    return replace(source(path, **COLUMNS), read=read)


def landed(spark: SparkSession, declared: Source, folder: Path) -> DataFrame:
    found = find(spark, declared, folder, {})
    return found.land(found.files, 1).rows


def told(frame: DataFrame) -> list[tuple[str, int, str | None, str | None]]:
    rows = rows_of(frame)
    return sorted((Path(r["file_path"]).name, r["row_number"], r["id"], r["text"]) for r in rows)


@pytest.fixture
def small_blocks(spark: SparkSession) -> Iterator[None]:
    """Files are read in blocks of some hundred bytes."""
    spark.conf.set("spark.sql.files.maxPartitionBytes", "300")
    spark.conf.set("spark.sql.files.openCostInBytes", "1")
    yield
    spark.conf.unset("spark.sql.files.maxPartitionBytes")
    spark.conf.unset("spark.sql.files.openCostInBytes")


def test_a_file_name_is_no_pattern(spark: SparkSession, tmp_path: Path) -> None:
    names = ["a[1].csv", "a1.csv", "b*.csv", "bb.csv", "c{x,y}?.csv", "d\\e.csv", "de.csv", "f\u202f\u2028 12.30.csv",
             "g\x1b[31m\n.csv"]  # fmt: skip
    for name in names:
        (tmp_path / name).write_text(f"id,text\n1,{name[0]}{len(name)}\n")
    found = told(landed(spark, of("csv", "*.csv"), tmp_path))
    assert found == [(name, 1, "1", f"{name[0]}{len(name)}") for name in sorted(names)]
    pq.write_table(pa.table({"id": [1], "text": ["x"]}), tmp_path / "p[1].parquet")
    assert told(landed(spark, of("parquet", "*.parquet"), tmp_path)) == [("p[1].parquet", 1, 1, "x")]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("format_name", ["csv", "json"])
def test_rows_are_numbered_per_file_whatever_the_blocks(spark: SparkSession, tmp_path: Path, format_name: str) -> None:
    for name, rows in (("a b#%+Ї", 97), ("b", 1), ("c", 41)):
        lines = [f"{i},{name} {i}\n" if format_name == "csv" else f'{{"id": {i}, "text": "{name} {i}"}}\n'
                 for i in range(1, rows + 1)]  # fmt: skip
        blank = ["\n"] if name == "c" else []
        head = ["id,text\n"] if format_name == "csv" else []
        (tmp_path / f"{name}.{format_name}").write_text("".join([*head, *blank, *lines]))
    frame = landed(spark, of(format_name, f"*.{format_name}"), tmp_path)
    assert frame.rdd.getNumPartitions() > 5
    found = told(frame)
    assert [(number, int(i or 0)) for _, number, i, _ in found] == [
        (n, n) for rows in (97, 1, 41) for n in range(1, rows + 1)
    ]
    hashes = {f.sha256 for f in find_files(of(format_name, f"*.{format_name}"), tmp_path)}
    assert {r["file_hash"] for r in rows_of(frame)} == hashes


def test_a_line_that_does_not_fit_is_kept_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\n1,a\n2\n3,b,c\n"4","say ""hi"", twice"\n5,\n6,""\n7,\x00\n')
    frame = landed(spark, of("csv", "a.csv"), tmp_path)
    assert {r["row_number"]: (r["text"], r["unreadable_row"]) for r in rows_of(frame)} == {
        1: ("a", None),
        2: (None, "2"),
        3: ("b", "3,b,c"),
        4: ('say "hi", twice', None),
        5: (None, None),
        6: (None, None),
        7: ("\x00", None),
    }


def test_a_line_break_in_quotes_needs_multi_line(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\n1,"two\nlines"\n2,b\n')
    assert told(landed(spark, of("csv", "a.csv", multiLine="true"), tmp_path)) == [
        ("a.csv", 1, "1", "two\nlines"), ("a.csv", 2, "2", "b"),
    ]  # fmt: skip
    torn = rows_of(landed(spark, of("csv", "a.csv"), tmp_path))
    assert [r["unreadable_row"] for r in torn if r["unreadable_row"]] == ['lines"']


def test_windows_1251_with_semicolons(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id;text\n1;Їжак\n".encode("cp1251"))
    declared = of("csv", "a.csv", delimiter=";", encoding="windows-1251")
    assert told(landed(spark, declared, tmp_path)) == [("a.csv", 1, "1", "Їжак")]


def test_a_byte_order_mark_belongs_to_no_column(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfid,text\n1,a\n")
    assert told(landed(spark, of("csv", "a.csv"), tmp_path)) == [("a.csv", 1, "1", "a")]


def test_swapped_columns_are_refused_before_anything_is_read(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("id,text\n1,a\n")
    (tmp_path / "swapped.csv").write_text("text,id\na,1\n")
    with pytest.raises(InputError) as error:
        landed(spark, of("csv", "*.csv"), tmp_path)
    assert "swapped.csv: columns in another order: found text, id, expected id, text" in str(error.value)
    assert "good.csv" not in str(error.value)


def test_a_header_alone_is_a_delivery_of_no_rows(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n")
    assert told(landed(spark, of("csv", "a.csv"), tmp_path)) == []


def test_parquet_rows_keep_their_place_in_the_file(spark: SparkSession, tmp_path: Path) -> None:
    for name, rows in (("a", 250), ("b", 3)):
        ids = pa.array(range(1, rows + 1), pa.int32())
        table = pa.table({"text": [f"{name}{i}" for i in range(rows)], "id": ids})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=100)
    rows = rows_of(landed(spark, of("parquet", "*.parquet"), tmp_path))
    assert len(rows) == 253
    assert all(r["row_number"] == r["id"] for r in rows)


def test_numbers_in_json_keep_their_digits(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"id": 12345678901234567890.12, "text": {"a": [1]}}\n{"text": "x"}\n{oops\n')
    rows = rows_of(landed(spark, of("json", "a.json"), tmp_path))
    assert [(r["id"], r["text"], r["unreadable_row"]) for r in rows] == [
        ("12345678901234567890.12", '{"a": [1]}', None), (None, "x", None), (None, None, "{oops"),
    ]  # fmt: skip


def test_a_table_counts_as_one_file_whose_hash_is_over_its_rows(spark: SparkSession, tmp_path: Path) -> None:
    def write(rows: list[int | None], partitions: int) -> str:
        table = pa.table({"text": ["a"] * len(rows), "id": pa.array(rows, pa.int64())})
        frame = spark.createDataFrame(table).repartition(partitions)
        frame.write.format("delta").mode("overwrite").save(str(tmp_path / "t"))
        return find(spark, of("delta", "t"), tmp_path, {}).files[0].sha256

    first = write([1, 2, 3, None], 1)
    assert write([3, None, 2, 1], 3) == first
    assert write([1, 2, 3], 1) != first
    assert write([1, 2, 3, 3, None], 1) != first
    found = find(spark, of("delta", "t"), tmp_path, {})
    rows = rows_of(found.land(found.files, 1).rows)
    found.verify()
    assert sorted(r["row_number"] for r in rows) == [1, 2, 3, 4, 5]
    assert {r["file_path"] for r in rows} == {str(tmp_path / "t")}


def test_a_table_with_other_columns_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.format("delta").save(str(tmp_path / "t"))
    with pytest.raises(InputError, match="missing text: found id, expected id, text"):
        find(spark, of("delta", "t"), tmp_path, {})
    with pytest.raises(InputError, match="sales: cannot be opened"):
        find(spark, of("delta", "nowhere"), tmp_path, {})
