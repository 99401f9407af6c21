"""Which audiences share customers: every pair of a release, as far as it tells of no handful."""

from collections.abc import Mapping
from datetime import date
from itertools import combinations
from typing import Any

Pair = tuple[str, str]
"""Two audiences, in the order of their names."""


def overlap_rows(
    sizes: Mapping[str, int], shared: Mapping[Pair, int], base: int, floor: int, as_of: date
) -> list[dict[str, Any]]:
    """Rows of `publish.audience_overlap`, without release_id: one per pair of audiences.

    Who reads a pair knows both sizes and the base, so that one count more gives all four cells of the table: in both,
    in either one only, in neither. Where one of the four is of 1 ... floor - 1 customers, none is told.

    Args:
        sizes: audience -> its members, at least one.
        shared: members of both; a pair that shares nobody may be missing.
        base: customers that audiences are drawn from.
        floor: fewest customers that a figure may be about.
        as_of: the as-of date.
    """
    return [
        {
            "as_of_date": as_of,
            "audience": one,
            "other_audience": other,
            "customers": sizes[one],
            "other_customers": sizes[other],
            **_figures(sizes[one], sizes[other], shared.get((one, other), 0), base, floor),
        }
        for one, other in combinations(sorted(sizes), 2)
    ]


def _figures(one: int, other: int, both: int, base: int, floor: int) -> dict[str, Any]:
    either = one + other - both
    if any(0 < cell < floor for cell in (both, one - both, other - both, base - either)):
        return {"shared_customers": None, "jaccard": None, "lift": None, "is_suppressed": True}
    return {
        "shared_customers": both,
        "jaccard": both / either,
        "lift": both * base / (one * other),
        "is_suppressed": False,
    }
