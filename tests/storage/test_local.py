"""Delta tables without a JVM: the rows of a version and a slice, and no other file is opened."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from strata.contract.feature_tables import snapshot
from strata.contract.published import segment_membership
from strata.errors import InputError
from strata.project.models import Storage
from strata.storage.local import LocalTables, open_local

JUNE, JULY = date(2017, 6, 30), date(2017, 7, 31)


def members(day: date, *ids: str) -> pa.Table:
    names = ["as_of_date", "customer_id", "segmentation", "segment"]
    return pa.table([pa.array([day] * len(ids)), [*ids], ["rfm"] * len(ids), ["it's"] * len(ids)], names)


@pytest.fixture
def tables(tmp_path: Path) -> LocalTables:
    opened = open_local(Storage(str(tmp_path / "ware house's")))
    place = opened.root / "members" / "segment_membership"
    write_deltalake(place, members(JUNE, "a", "b"), partition_by=["as_of_date"])
    write_deltalake(place, members(JULY, "c"), mode="append")
    write_deltalake(place, members(JULY, "d", "e"), mode="overwrite", predicate=f"as_of_date = '{JULY}'")
    return opened


def ids(tables: LocalTables, version: int | None, day: date | None) -> list[str]:
    relation = tables.relation(segment_membership, version, day)
    return sorted(row["customer_id"] for row in tables.rows(f"SELECT customer_id FROM {relation}"))


@pytest.mark.parametrize(
    ("version", "day", "expected"),
    [(None, JULY, ["d", "e"]), (None, JUNE, ["a", "b"]), (1, JULY, ["c"]), (0, JULY, []), (1, None, ["a", "b", "c"])],
)
def test_a_version_and_a_slice(tables: LocalTables, version: int | None, day: date | None, expected: list[str]) -> None:
    assert ids(tables, version, day) == expected


def test_columns_have_their_types_the_partition_too(tables: LocalTables) -> None:
    (row,) = tables.rows(f"FROM {tables.relation(segment_membership, 1, JULY)}")
    assert row == {"as_of_date": JULY, "customer_id": "c", "segmentation": "rfm", "segment": "it's"}
    empty = tables.relation(segment_membership, 0, JULY)
    assert tables.rows(f"SELECT customer_id || 'x' AS y, as_of_date + 1 AS z FROM {empty}") == []


def test_files_of_other_slices_are_not_opened(tables: LocalTables) -> None:
    for file in (tables.root / "members" / "segment_membership" / f"as_of_date={JUNE}").iterdir():
        file.write_bytes(b"spoilt")
    assert ids(tables, None, JULY) == ["d", "e"]


def test_what_cannot_be_read_is_said(tables: LocalTables) -> None:
    with pytest.raises(InputError, match=r"features.snapshot: there is no such table under .*; `strata run` makes it"):
        tables.relation(snapshot)
    with pytest.raises(InputError, match=r"members.segment_membership: version 9 cannot be read"):
        tables.relation(segment_membership, 9)
    opened = DeltaTable(tables.root / "members" / "segment_membership")
    opened.vacuum(0, dry_run=False, enforce_retention_duration=False)
    with pytest.raises(InputError, match="release that date again first; else bring the file back"):
        ids(tables, 1, JULY)


def test_a_table_of_another_reader_version_is_refused(tables: LocalTables) -> None:
    place = tables.root / "features" / "snapshot"
    write_deltalake(place, members(JULY, "a"), configuration={"delta.enableDeletionVectors": "true"})
    with pytest.raises(InputError, match=r"features.snapshot: found Delta reader version 3, expected 1"):
        tables.relation(snapshot)


def test_existence_and_columns(tables: LocalTables) -> None:
    assert tables.exists(segment_membership)
    assert not tables.exists(snapshot)
    assert tables.columns(segment_membership) == {"as_of_date", "customer_id", "segmentation", "segment"}
