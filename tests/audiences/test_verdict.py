"""Whether an audience is published, and what is said of it: sizes, refusals, bands."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audiences.definitions import AS_OF, audience

from strata.audiences.sampled import Counts
from strata.audiences.verdict import (
    Defined,
    Delivered,
    Tally,
    Verdict,
    catalog_row,
    last_published,
    tallies,
    verdict,
)
from strata.project.audiences import Band

BANDED = replace(audience(), band=Band(0.5, 2.0))
DEFINED = Defined("0" * 32, ())


@pytest.mark.parametrize(
    ("withheld", "notes", "tally", "expected"),
    [
        ((), (), Tally(100), Verdict("published", None)),
        ((), ("small seed", "3 ids"), Tally(211), Verdict("published", "small seed; 3 ids")),
        ((), ("small seed",), Tally(99),
         Verdict("withheld", "99 customers are left after exclusions, expected at least 100")),
        (("beaten",), ("small seed",), None, Verdict("withheld", "beaten")),
        (("beaten", "lapsed"), (), Tally(7), Verdict("withheld", "beaten; lapsed")),
        ((), (), Tally(0), Verdict("withheld", "0 customers are left after exclusions, expected at least 100")),
        ((), (), Tally(0, {"not eligible": 400, "excluded: messages > 3": 1_200, "expired": 400}),
         Verdict("withheld", "nobody is left of the 2,000 customers found: 1,200 excluded: messages > 3,"
                             " 400 expired, 400 not eligible")),
    ],
)  # fmt: skip
def test_verdicts(
    withheld: tuple[str, ...], notes: tuple[str, ...], tally: Tally | None, expected: Verdict
) -> None:  # fmt: skip
    assert verdict(audience(), withheld, notes, tally, 100) == expected


def test_the_higher_floor_counts() -> None:
    assert not verdict(audience(publish_at_least=100), (), (), Tally(150), audience_floor=200).published
    assert not verdict(audience(publish_at_least=200), (), (), Tally(150), audience_floor=100).published


@pytest.mark.parametrize(
    ("members", "last", "published"),
    [(150, 300, True), (149, 300, False), (600, 300, True), (601, 300, False), (900, None, True)],
)
def test_a_size_outside_of_the_band_of_the_last_one_is_withheld(
    members: int, last: int | None, published: bool
) -> None:
    found = verdict(BANDED, (), (), Tally(members), 100, last)
    assert found.published == published
    if not published:
        assert found.reason == (
            f"{members} customers, when last published 300, and its band expects at least 150 and at most 600:"
            " if this is right, widen `band` or leave it out for this release"
        )


def test_a_band_may_have_one_end() -> None:
    upper = replace(audience(), band=Band(at_most=1.1))
    assert verdict(upper, (), (), Tally(110), 100, 100).published
    reason = verdict(upper, (), (), Tally(1_111), 100, 1_000).reason or ""
    assert "expects at most 1,100:" in reason
    assert "at least" not in reason
    assert verdict(audience(), (), (), Tally(100), 100, 1_000_000).published


@given(
    st.integers(100, 10**6), st.integers(1, 10**6), st.floats(0.01, 1, allow_nan=False), st.floats(1, 50)
)  # fmt: skip
def test_who_is_published_lies_within_the_band(members: int, last: int, low: float, high: float) -> None:
    found = verdict(replace(audience(), band=Band(low, high)), (), (), Tally(members), 100, last)
    assert found.published == (low * last <= members <= high * last)


def test_the_last_published_size_is_carried_over_releases_in_which_it_was_withheld() -> None:
    assert last_published(None) is None
    assert last_published({"status": "published", "customers": 120}) == 120
    assert last_published({"status": "withheld", "customers": 90, "published_customers": 120}) == 120
    assert last_published({"status": "withheld", "customers": 90}) is None, "a line of an earlier version of strata"


def test_counts_of_the_judged_become_tallies() -> None:
    rows = [
        {"audience": "wine", "stale": False, "reason": None, "customers": 5, "holdout": 2, "asked": 1},
        {"audience": "wine", "stale": False, "reason": "expired", "customers": 3, "holdout": 1, "asked": 1},
        {"audience": "wine", "stale": True, "reason": "not eligible", "customers": 4, "holdout": 0, "asked": 0},
    ]
    assert tallies(rows, asked_is_known=True) == {
        ("wine", False): Tally(5, {"expired": 3}, 2, 1),
        ("wine", True): Tally(0, {"not eligible": 4}, 0, 0),
    }
    assert tallies(rows, asked_is_known=False)["wine", False].asked is None


def test_the_catalogue_tells_of_the_members_and_of_those_refused_now() -> None:
    now, last = Tally(0, {"expired": 8}), Tally(120, {"not eligible": 2}, 12, None)
    line = catalog_row(audience(), DEFINED, AS_OF, Counts(300, 8), Verdict("withheld", "x"), Delivered(now, last, 140))
    assert {name: line[name] for name in ("customers", "refused_customers", "holdout_customers")} == {
        "customers": 120, "refused_customers": 8, "holdout_customers": 12,
    }  # fmt: skip
    assert (line["asked_customers_84d"], line["published_customers"]) == (None, 140)
    unlooked = catalog_row(audience(), DEFINED, AS_OF, Counts(), Verdict("withheld", "x"), Delivered(None, Tally()))
    assert (unlooked["refused_customers"], unlooked["published_customers"]) == (None, None)
