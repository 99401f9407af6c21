"""The segment ids of clusters; published, so said in one place. A number is given once and never again."""

import re
from collections.abc import Iterable

_FORM = re.compile(r"c([1-9][0-9]*)")


def cluster_ids(count: int) -> tuple[str, ...]:
    """The first `count` ids: c1, the largest cluster of the first fit, to c<count>."""
    return tuple(f"c{number}" for number in range(1, count + 1))


POSSIBLE_IDS = cluster_ids(999)
"""Which numbers a clustering will come to, nobody knows before its fits: splits and new clusters take the next."""


def next_cluster_ids(count: int, used: Iterable[str]) -> tuple[str, ...]:
    """The next `count` segment ids, numbered on from the highest ever used."""
    highest = max(map(cluster_number, used), default=0)
    return tuple(f"c{highest + step}" for step in range(1, count + 1))


def cluster_number(segment: str) -> int:
    """3 of c3; 0 of what is no id of a cluster, as where the segmentation was of another kind before."""
    found = _FORM.fullmatch(segment)
    return int(found.group(1)) if found else 0
