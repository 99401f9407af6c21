"""Independent commits side by side: each waits for the driver more than for the cluster."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 4


def concurrently(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`work` on every item, a few at a time; results in the order of the items.

    The first error is raised when all that had begun is done.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, items))
