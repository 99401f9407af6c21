"""What a reader can find out by subtraction: the auditor of disclosure control, which knows nothing of its rule."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def found_out(counts: Mapping[K, int], suppressed: Iterable[K], sums: Iterable[Iterable[K]]) -> dict[K, int]:
    """The suppressed cells whose counts can be computed, each from a sum of which everything else is known by then.

    Args:
        counts: every cell.
        suppressed: those that are not published.
        sums: the cells of each sum whose total the reader knows.
    """
    hidden, found, groups = set(suppressed), dict[K, int](), [list(group) for group in sums]
    progress = True
    while progress:
        progress = False
        for group in groups:
            unknown = [cell for cell in group if cell in hidden and cell not in found]
            known = sum(found.get(cell, counts[cell]) for cell in group if cell not in unknown)
            total = sum(counts[cell] for cell in group)
            # counts are not negative: what adds up to nothing is nothing, each of it
            if unknown and (len(unknown) == 1 or total == known):
                found |= {cell: (total - known if len(unknown) == 1 else 0) for cell in unknown}
                progress = True
    return found


def bounded(counts: Mapping[K, int], suppressed: Iterable[K], group: Iterable[K]) -> int:
    """How many customers a sum leaves to its suppressed cells: the total less what is published."""
    hidden = set(suppressed)
    return sum(counts[cell] for cell in group if cell in hidden)
