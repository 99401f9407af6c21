from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.ingest.test_files import source

from strata.errors import InputError, StrataError
from strata.ingest.books import Counts, check_clock, complete_through, incomplete_sources, new_files, reconcile
from strata.ingest.files import Delivered
from strata.ingest.numbering import shifts
from strata.project.sources import Deliver

BALANCED = Counts(rows={"a": 5}, landed=5, records={"a": 5}, rejected={"a": 1}, unchanged={"a": 1}, gained=4, closed=1)


def test_accounts_that_balance_are_taken() -> None:
    reconcile("sales", BALANCED)


@pytest.mark.parametrize("wrong", [{"gained": 3}, {"rejected": {}}, {"unchanged": {}}, {"landed": 4}])
def test_accounts_that_do_not_balance_stop_the_batch(wrong: dict[str, object]) -> None:
    with pytest.raises(StrataError, match="sales: the accounts of the batch do not balance"):
        reconcile("sales", replace(BALANCED, **wrong))


NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("declared", "latest", "through"),
    [
        ("latest", date(2024, 1, 7), date(2024, 1, 7)),
        ("latest", date(2024, 1, 10), date(2024, 1, 9)),  # the day of the batch is not whole
        ("latest", date(2999, 1, 1), date(2024, 1, 9)),  # an event of the future says nothing
        ("latest", None, None),
        ("always", date(2024, 1, 7), None),
        (date(2024, 1, 31), date(2024, 1, 7), date(2024, 1, 31)),
    ],
)
def test_a_source_vouches_for_whole_days(declared: object, latest: date | None, through: date | None) -> None:
    sales = replace(source(""), delivery=Deliver("append", None, None, declared))  # type: ignore[arg-type]
    assert complete_through(sales, latest, NOON, "Europe/Kyiv") == through


def test_the_last_whole_day_ends_at_midnight_in_the_zone_of_the_project() -> None:
    sales, latest = source(""), date(2024, 1, 10)
    late = datetime(2024, 1, 10, 22, 30, tzinfo=UTC)
    assert complete_through(sales, latest, late, "Europe/Kyiv") == date(2024, 1, 10)
    assert complete_through(sales, latest, late, "America/New_York") == date(2024, 1, 9)


def test_a_source_that_feeds_no_events_sets_no_limit() -> None:
    assert complete_through(replace(source(""), feeds="products"), date(2024, 1, 1), NOON, "UTC") is None


SALES = source("")


def file(name: str, through: date | None, at: datetime = NOON) -> dict[str, object]:
    return {"source": name, "complete_through": through, "ingested_at": at}


def test_every_source_must_reach_the_as_of_date() -> None:
    files = [file("sales", date(2024, 1, 5)), file("sales", date(2024, 1, 3)), file("shops", None)]
    shops = replace(SALES, name="shops", feeds="places")
    assert incomplete_sources([SALES, shops], files, date(2024, 1, 5)) == []
    problems = incomplete_sources([SALES, shops, replace(SALES, name="visits")], files, date(2024, 1, 6))
    said = "\n".join(map(str, problems))
    assert "sales: complete through 2024-01-05, the as-of date is 2024-01-06" in said
    assert "visits: nothing has been ingested" in said
    assert "shops" not in said


def test_what_came_after_known_at_completes_nothing() -> None:
    files = [file("sales", date(2024, 1, 5)), file("sales", date(2024, 1, 9), NOON.replace(month=2))]
    assert incomplete_sources([SALES], files, date(2024, 1, 9)) == []
    assert len(incomplete_sources([SALES], files, date(2024, 1, 9), NOON)) == 1


def test_events_of_which_none_is_good_complete_nothing() -> None:
    nothing = [file("sales", None)]
    (problem,) = incomplete_sources([SALES], nothing, date(2024, 1, 5))
    assert "sales: not one good event has been ingested" in str(problem)
    always = replace(SALES, delivery=Deliver("append", None, None, "always"))
    assert incomplete_sources([always], nothing, date(2024, 1, 5)) == []
    assert incomplete_sources([SALES], [*nothing, file("sales", date(2024, 1, 5))], date(2024, 1, 5)) == []


def read_before(path: str, content: str, batch_id: int, source: str = "sales") -> dict[str, object]:
    return {"source": source, "file_path": path, "file_hash": content, "batch_id": batch_id}


@pytest.mark.parametrize(
    ("offered", "new"),
    [
        ({"p": "A"}, []),  # as it was last read
        ({"p": "B"}, ["p"]),  # its content of two batches ago is back
        ({"renamed": "B"}, []),
        ({"x": "C", "y": "C"}, ["x"]),
        ({"p": "D"}, ["p"]),  # another source's content
    ],
)
def test_a_file_is_known_by_what_was_last_read_at_its_path(offered: dict[str, str], new: list[str]) -> None:
    books = [
        read_before("p", "A", 3),
        read_before("p", "A", 1),
        read_before("p", "B", 2),
        read_before("p", "D", 4, "?"),
    ]
    files = [Delivered(path, 1, content) for path, content in reversed(offered.items())]
    assert [f.path for f in new_files("sales", files, books)] == new


def test_a_batch_cannot_end_before_the_one_before_it() -> None:
    check_clock(NOON, None)
    check_clock(NOON, NOON.replace(hour=11))
    with pytest.raises(InputError, match="the newest batch ended at"):
        check_clock(NOON, NOON)


def test_rows_of_a_block_start_after_those_of_the_blocks_before_it() -> None:
    blocks = [
        {"_file": "b", "_block": 0, "first": 8_589_934_592, "row_count": 2},
        {"_file": "a", "_block": 64, "first": 3, "row_count": 4},
        {"_file": "a", "_block": 0, "first": 100, "row_count": 7},
    ]
    assert shifts(blocks) == [("a", 0, 1 - 100), ("a", 64, 8 - 3), ("b", 0, 1 - 8_589_934_592)]
    assert shifts([]) == []
