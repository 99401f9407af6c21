"""Work on all cores whose every piece keeps to one thread, so that no result hangs on how many cores there are."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_threads(work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """`work` of each item, in the order of the items.

    Sums that OpenMP or BLAS split over threads differ in their last bits from one run to the next, and a start of
    k-means that differs in its last bit may end elsewhere.
    """
    # The limit of OpenMP is one of the calling thread, that of BLAS one of the process
    limited = ThreadPoolExecutor(os.cpu_count(), initializer=threadpool_limits, initargs=(1,))
    with threadpool_limits(1), limited as pool:
        return list(pool.map(work, items))
