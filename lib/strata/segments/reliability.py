"""Does a segmentation repeat? Agreement of two assignments of the same customers, and Cohen's kappa. Pure rules."""

from collections.abc import Mapping
from dataclasses import dataclass

ENOUGH = 0.6
"""Kappa below which a segmentation is warned about: substantial agreement begins at .61 (Landis and Koch 1977)."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """How often two assignments agree; kappa is None where only one segment ever occurs."""

    customers: int
    agreement: float | None
    kappa: float | None

    @property
    def is_doubtful(self) -> bool:
        """Whether the segments hardly repeat."""
        return self.kappa is not None and self.kappa < ENOUGH


def repetition(crossed: Mapping[tuple[str, str], int]) -> Repetition:
    """Agreement and kappa of a cross table.

    Args:
        crossed: (segment by the one, segment by the other) -> customers.

    Returns:
        agreement: the share on the diagonal; kappa = (agreement - chance) / (1 - chance), where chance is the
        agreement of two independent assignments with the same shares (Cohen 1960).
    """
    total = sum(crossed.values())
    if not total:
        return Repetition(0, None, None)
    agreed = sum(n for (one, other), n in crossed.items() if one == other)
    ones, others = _margin(crossed, 0), _margin(crossed, 1)
    by_chance = sum(n * others.get(segment, 0) for segment, n in ones.items())
    left = total * total - by_chance
    kappa = (agreed * total - by_chance) / left if left else None
    return Repetition(total, agreed / total, kappa)


def _margin(crossed: Mapping[tuple[str, str], int], side: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair, customers in crossed.items():
        found[pair[side]] = found.get(pair[side], 0) + customers
    return found
