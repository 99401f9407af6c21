"""The segment ids of clusters; published, so said in one place. A number is given once and never again."""

from collections.abc import Iterable


def cluster_ids(count: int) -> tuple[str, ...]:
    """The first `count` ids: c1, the largest cluster of the first fit, to c<count>."""
    return tuple(f"c{number}" for number in range(1, count + 1))


POSSIBLE_IDS = cluster_ids(999)
"""Which numbers a clustering will come to, nobody knows before its fits: splits and new clusters take the next."""


def free_ids(count: int, used: Iterable[str]) -> tuple[str, ...]:
    """The next `count` ids behind all of those in use or used once."""
    last = max((int(segment[1:]) for segment in used), default=0)
    return tuple(f"c{number}" for number in range(last + 1, last + count + 1))
