"""What is appended without a JVM is for Spark the table of the contract."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession

from strata.contract.exports import audience_exports
from strata.contract.spark import frame_of, struct_type
from strata.errors import InputError, WriteConflict
from strata.project.models import Storage
from strata.storage import appending
from strata.storage.appending import append_rows
from strata.storage.local import open_local
from strata.storage.tables import Lakehouse

ROW: dict[str, Any] = {
    "exported_at": datetime(2018, 1, 1, 12, tzinfo=UTC), "exported_by": "o", "audience": "wine", "recipient": "crm",
    "as_of_date": date(2017, 12, 31), "release_id": "a" * 32, "export_kind": "members", "id_kind": "source",
    "row_count": 3, "file_name": "x.csv", "content_hash": "f" * 64,
}  # fmt: skip


def test_spark_and_deltalake_write_the_same_table(spark: SparkSession, tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    append_rows(open_local(storage), audience_exports, [ROW], retention_days=30)
    lakehouse = Lakehouse(spark, storage, "run")
    lakehouse.append(audience_exports, frame_of(spark, audience_exports, [{**ROW, "audience": "beer"}]))
    append_rows(open_local(storage), audience_exports, [{**ROW, "audience": "tea"}], retention_days=30)
    rows = lakehouse.read(audience_exports).orderBy("audience").collect()
    assert [row.asDict() | {"exported_at": ROW["exported_at"]} for row in rows] == [
        {**ROW, "audience": name} for name in ("beer", "tea", "wine")
    ]
    assert {r["exported_at"].timestamp() for r in rows} == {ROW["exported_at"].timestamp()}
    found = lakehouse.read(audience_exports).schema
    assert [(f.name, f.dataType, f.metadata) for f in found] == [
        (f.name, f.dataType, f.metadata) for f in struct_type(audience_exports)
    ]
    assert DeltaTable(str(tmp_path / "restricted" / "audience_exports")).protocol().min_reader_version == 1


def test_a_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415

    write_deltalake(str(tmp_path / "restricted" / "audience_exports"), pa.table({"other": [1]}))
    with pytest.raises(InputError, match=r"restricted\.audience_exports: a row could not be added"):
        append_rows(open_local(Storage(str(tmp_path))), audience_exports, [ROW], retention_days=30)


def test_a_folder_that_cannot_be_written_is_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "restricted").mkdir()
    (tmp_path / "restricted" / "audience_exports").touch()
    with pytest.raises(OSError, match=r"restricted\.audience_exports: a row could not be added: .*Not a directory"):
        append_rows(open_local(Storage(str(tmp_path))), audience_exports, [ROW], retention_days=30)


def test_another_writer_is_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise CommitFailedError("version 1 is there")

    monkeypatch.setattr(appending, "write_deltalake", lost)
    with pytest.raises(WriteConflict, match="version 1 is there; try again"):
        append_rows(open_local(Storage(str(tmp_path))), audience_exports, [ROW], retention_days=30)


def test_a_row_that_lacks_what_may_not_be_null_is_refused(tmp_path: Path) -> None:
    tables = open_local(Storage(str(tmp_path)))
    with pytest.raises(Exception, match=r"(?i)null"):
        append_rows(tables, audience_exports, [{**ROW, "recipient": None}], retention_days=30)
