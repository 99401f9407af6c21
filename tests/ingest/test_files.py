import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strata.contract.columns import Type
from strata.errors import InputError, Location, ProjectError
from strata.ingest.files import Delivered, check_unchanged, find_files
from strata.ingest.landing import bronze_table
from strata.ingest.parquet import delivered_types
from strata.project.sources import Deliver, Read, Source

HERE = Location("sources/sales.yml", 1, 1)


def source(path: str, ready_when: str | None = None, **schema: Type) -> Source:
    return Source(
        name="sales", description="", feeds="events", read=Read("csv", path, {}, HERE), schema=schema,
        delivery=Deliver("append", ready_when, None, "latest"), key=(), event_type=None, columns=(), extra=(),
        reject=(), unpivot=None, where=HERE,
    )  # fmt: skip


def test_files_are_found_by_pattern_in_order_and_hashed(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "note.txt", "_a.csv", ".a.csv"):
        (tmp_path / name).write_text(name)
    found = find_files(source("*.csv"), tmp_path)
    assert [Path(f.path).name for f in found] == ["a.csv", "b.csv"]
    assert found[0].sha256 == hashlib.sha256(b"a.csv").hexdigest()
    assert (found[0].size, found[0].head) == (5, b"a.csv")


def test_a_folder_means_all_files_below_it(tmp_path: Path) -> None:
    (tmp_path / "in" / "day").mkdir(parents=True)
    (tmp_path / "in" / "day" / "a.csv").write_text("a")
    (tmp_path / "in" / "_SUCCESS").write_text("")
    assert len(find_files(source("in"), tmp_path)) == 1


def test_the_head_of_a_compressed_file_is_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,name\n" + bytes(200_000)))
    assert find_files(source("a.csv.gz"), tmp_path)[0].head.startswith(b"id,name\n")
    (tmp_path / "a.csv.gz").write_bytes(b"id,name\n")
    with pytest.raises(InputError, match=r"a\.csv\.gz: cannot be unpacked"):
        find_files(source("a.csv.gz"), tmp_path)


def test_nothing_delivered_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sales: nothing to read at .*in/\*\.csv"):
        find_files(source("in/*.csv"), tmp_path)


def test_a_delivery_without_its_marker_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    with pytest.raises(InputError, match=f"waiting for {tmp_path}/_SUCCESS") as error:
        find_files(source("*.csv", "_SUCCESS"), tmp_path)
    assert error.value.exit_code == 3
    (tmp_path / "_SUCCESS").write_text("")
    assert len(find_files(source("*.csv", "_SUCCESS"), tmp_path)) == 1


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    sales = source("*.csv")
    found = find_files(sales, tmp_path)
    check_unchanged(sales, found)
    (tmp_path / "a.csv").write_text("ab")
    with pytest.raises(InputError, match=r"a\.csv changed while it was read"):
        check_unchanged(sales, found)
    (tmp_path / "a.csv").unlink()
    with pytest.raises(InputError, match="changed while"):
        check_unchanged(sales, found)


def test_a_source_cannot_take_the_place_of_the_books() -> None:
    with pytest.raises(ProjectError, match=r"bronze\.files is strata's own"):
        bronze_table(replace(source(""), name="files"))
    with pytest.raises(ProjectError, match="would have row_number twice"):
        bronze_table(source("", row_number=Type.BIGINT))


def delivered(path: Path, **columns: pa.Array) -> Delivered:
    pq.write_table(pa.table(columns), path)
    return Delivered(str(path), path.stat().st_size, "0" * 64)


def types(*files: Delivered, **schema: Type) -> tuple[dict[str, str], dict[str, Type]]:
    return delivered_types(replace(source(""), schema=schema), files)


def test_money_lands_in_the_type_that_keeps_its_digits(tmp_path: Path) -> None:
    file = delivered(
        tmp_path / "a.parquet",
        double=pa.array([1.5]),
        exact=pa.array([1], pa.decimal128(10, 2)),
        fine=pa.array([1], pa.decimal128(20, 4)),
        whole=pa.array([1], pa.int32()),
    )
    read, landed = types(file, double=Type.MONEY, exact=Type.MONEY, fine=Type.MONEY, whole=Type.MONEY)
    assert read == {"double": "double", "exact": "decimal(10,2)", "fine": "decimal(20,4)", "whole": "bigint"}
    assert landed == {"double": Type.DOUBLE, "exact": Type.MONEY, "fine": Type.STRING, "whole": Type.BIGINT}


def test_every_parquet_file_with_a_problem_is_named_at_once(tmp_path: Path) -> None:
    good = delivered(tmp_path / "a.parquet", id=pa.array([1]), sum=pa.array([1.5]))
    lacking = delivered(tmp_path / "b.parquet", id=pa.array([1]))
    wrong = delivered(tmp_path / "c.parquet", id=pa.array(["1"]), sum=pa.array([1.5]), more=pa.array([1]))
    differing = delivered(tmp_path / "d.parquet", id=pa.array([1]), sum=pa.array([1], pa.decimal128(10, 2)))
    cut = delivered(tmp_path / "e.parquet", id=pa.array(list(range(1000))), sum=pa.array([0.5] * 1000))
    Path(cut.path).write_bytes(Path(cut.path).read_bytes()[:-20])
    nanos = delivered(tmp_path / "f.parquet", id=pa.array([1], pa.timestamp("ns")), sum=pa.array([1.5]))
    with pytest.raises(InputError) as error:
        types(good, lacking, wrong, differing, cut, nanos, id=Type.BIGINT, sum=Type.MONEY)
    said = str(error.value)
    assert "b.parquet: missing sum: found id, expected id, sum" in said
    assert "c.parquet: unexpected more" in said
    assert "c.parquet: column id holds string, expected integer for BIGINT" in said
    assert "d.parquet: column sum holds decimal(10,2), in" in said
    assert "e.parquet: is no whole parquet file" in said
    assert "f.parquet: column id holds timestamp in nanoseconds" in said
    assert "a.parquet:" not in said
