"""The readers of the sweep see what they are there to see. No Spark."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from tests.sweep.contents import contents, differing
from tests.sweep.readers import BY_NAME, Readers, digest

OLD, NEW = date(2024, 1, 31), date(2024, 2, 29)
CATALOG, MEMBERS = "publish.segment_catalog", "members.segment_membership"
TABLES = {name: BY_NAME[name] for name in (CATALOG, MEMBERS, "publish.segment_kpi")}


def put(root: Path, table: str, rows: list[dict]) -> None:
    write_deltalake(root / table.replace(".", "/"), pl.DataFrame(rows).to_arrow(), mode="overwrite")


def rows_of(name: str, day: date, release: str, count: int) -> list[dict]:
    dated = {"as_of_date": day} if TABLES[name].slice_by else {}
    return [{**dated, "release_id": release, "n": n} for n in range(count)]


def book(day: date, release: str, counts: dict[str, int], version: int) -> list[dict]:
    return [
        {"release_id": release, "sequence": version + 1, "table_name": name, "delta_version": version,
         "as_of_date": day, "row_count": count, "is_current": True}
        for name, count in counts.items()
    ]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Every table with the rows of one release, which is current."""
    for name in TABLES:
        put(tmp_path, name, rows_of(name, OLD, "old", 3))
    put(tmp_path, "publish.releases", book(OLD, "old", dict.fromkeys(TABLES, 3), 0))
    return tmp_path


def seen(root: Path) -> list[str]:
    readers = Readers(root, TABLES)
    readers.follow()
    readers.look()
    assert readers.seen["sets"] == 1
    assert readers.seen["slices"] >= len(TABLES)
    return readers.wrong


def test_a_whole_set_is_a_whole_set(root: Path) -> None:
    assert seen(root) == []


def test_before_the_first_release_there_is_nothing_to_see(tmp_path: Path) -> None:
    readers = Readers(tmp_path, TABLES)
    readers.follow()
    readers.look()
    assert (readers.wrong, readers.seen.total()) == ([], 0)


def test_a_slice_that_nobody_has_promised_is_torn(root: Path) -> None:
    both = [*rows_of(MEMBERS, OLD, "old", 3), *rows_of(MEMBERS, NEW, "new", 2)]
    put(root, MEMBERS, both)
    assert [w.split(" {")[0] for w in seen(root)] == [f"torn slice: {MEMBERS}"]
    put(root, "staging.promotions", [{"release_id": "new", "table_name": MEMBERS, "row_count": 2}])
    assert seen(root) == []
    put(root, "staging.promotions", [{"release_id": "new", "table_name": MEMBERS, "row_count": 3}])
    assert len(seen(root)) == 1


def test_rows_of_two_releases_in_one_slice_are_torn(root: Path) -> None:
    put(root, MEMBERS, [*rows_of(MEMBERS, OLD, "old", 3), *rows_of(MEMBERS, OLD, "new", 3)])
    put(root, "staging.promotions", [{"release_id": "new", "table_name": MEMBERS, "row_count": 3}])
    assert seen(root) == [f"torn slice: {MEMBERS} slices of two releases"]


def test_a_set_is_mixed_when_a_pinned_version_is_of_another_release(root: Path) -> None:
    put(root, CATALOG, rows_of(CATALOG, NEW, "new", 3))
    put(root, "staging.promotions", [{"release_id": "new", "table_name": CATALOG, "row_count": 3}])
    assert seen(root) == []
    counts = dict.fromkeys(TABLES, 3)
    pinned = [{**r, "delta_version": int(r["table_name"] == CATALOG)} for r in book(OLD, "old", counts, 0)]
    put(root, "publish.releases", pinned)
    assert seen(root) == [f"mixed set: old {CATALOG}"]


def test_a_set_is_mixed_when_it_lacks_a_table_or_rows_or_changes_under_its_name(root: Path) -> None:
    readers = Readers(root, TABLES)
    readers.follow()
    put(root, "publish.releases", book(OLD, "old", dict.fromkeys(list(TABLES)[1:], 3), 0))
    readers.follow()
    assert readers.wrong == [f"mixed set: releases: {len(TABLES) - 1} tables, 1 releases"]
    put(root, "publish.releases", book(OLD, "old", {**dict.fromkeys(TABLES, 3), MEMBERS: 4}, 0))
    readers.follow()
    assert readers.wrong[1:] == [f"mixed set: old {MEMBERS}"]
    put(root, MEMBERS, [{**r, "n": 7} for r in rows_of(MEMBERS, OLD, "old", 3)])
    again = book(OLD, "old", dict.fromkeys(TABLES, 3), 0)
    put(root, "publish.releases", [{**r, "delta_version": int(r["table_name"] == MEMBERS)} for r in again])
    readers.follow()
    assert readers.wrong[2:] == [f"mixed set: old {MEMBERS}"]
    assert readers.seen["mixed sets"] == 3


def test_contents_are_rows_whatever_their_order_but_not_less_than_rows(tmp_path: Path) -> None:
    rows = [{"n": n, "s": None if n else "", "run_id": "a", "l": [1.5, n]} for n in range(3)]
    for name, changed in {
        "same": [{**r, "run_id": "b"} for r in reversed(rows)],
        "fewer": rows[1:],
        "twice": [*rows, rows[0]],
        "empty": [{**rows[0], "s": None}, *rows[1:]],
        "another": [{**rows[0], "s": "x"}, *rows[1:]],
        "a list": [*rows[:2], {**rows[2], "l": [1.5, 3.0]}],
    }.items():
        put(tmp_path / "rows", "publish.t", rows)
        put(tmp_path / name, "publish.t", changed)
        found = differing(contents(tmp_path / name), contents(tmp_path / "rows"))
        assert found == ([] if name == "same" else [f"publish.t: {len(changed)} rows, expected 3"]), name
    assert differing({}, contents(tmp_path / "rows")) == ["publish.t: no rows, expected 3"]
    assert digest(pl.DataFrame({"a": [1], "b": [2]})) == digest(pl.DataFrame({"b": [2], "a": [1]}))
