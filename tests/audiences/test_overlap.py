"""Pairs of audiences: figures by hand, and what nobody can find out of few."""

import pytest
from tests.audiences.definitions import AS_OF

from strata.audiences.overlap import overlap_rows
from strata.contract.lists import audience_overlap

BASE = 1000


def test_every_pair_is_there_once_and_its_figures_are_those_of_the_four_cells() -> None:
    rows = overlap_rows({"wine": 200, "beer": 100, "tea": 100}, {("beer", "wine"): 50}, BASE, 10, AS_OF)
    assert all([*row] == [str(c) for c in audience_overlap.columns if c != "release_id"] for row in rows)
    assert [(r["audience"], r["other_audience"]) for r in rows] == [("beer", "tea"), ("beer", "wine"), ("tea", "wine")]
    both = rows[1]
    assert (both["customers"], both["other_customers"], both["shared_customers"]) == (100, 200, 50)
    assert (both["jaccard"], both["lift"]) == (50 / 250, 2.5), "20 a piece by chance"
    assert (rows[0]["shared_customers"], rows[0]["jaccard"], rows[0]["lift"]) == (0, 0.0, 0.0)
    assert not any(row["is_suppressed"] for row in rows)


@pytest.mark.parametrize(
    ("one", "other", "shared", "told"),
    [
        (100, 200, 9, False),
        (100, 200, 10, True),
        (100, 200, 91, False),
        (100, 200, 90, True),
        (200, 100, 91, False),
        (100, 200, 100, True),
        (500, 591, 100, False),
        (500, 590, 100, True),
        (500, 600, 100, True),
    ],
    ids=[
        "few in both",
        "enough in both",
        "few in one only",
        "enough in one only",
        "few in the other only",
        "one within the other",
        "few in neither",
        "enough in neither",
        "nobody in neither",
    ],
)
def test_a_pair_tells_nothing_where_one_of_its_cells_is_of_few(one: int, other: int, shared: int, told: bool) -> None:
    (row,) = overlap_rows({"a": one, "b": other}, {("a", "b"): shared}, BASE, 10, AS_OF)
    assert row["is_suppressed"] is not told
    assert {row[name] is not None for name in ("shared_customers", "jaccard", "lift")} == {told}
    assert (row["customers"], row["other_customers"]) == (one, other), "the catalogue says them anyway"


def test_one_audience_has_no_pair() -> None:
    assert overlap_rows({"wine": 200}, {}, BASE, 10, AS_OF) == overlap_rows({}, {}, BASE, 10, AS_OF) == []
