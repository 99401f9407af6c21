"""The share of customers below a value as straight pieces between a few steps. Pure rules on numpy arrays.

That is the empirical distribution function with mid-ranks: of customers on a value itself, half are counted.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STEPS = 20
"""At most; the lowest and the highest value are steps."""
Step = tuple[float, float]
"""A value, and the share of customers below it."""


class Piece(NamedTuple):
    """Values under `below`, and of no piece before, have the rank (value - start) * slope + share."""

    below: float
    start: float
    slope: float
    share: float


def steps_of(values: NDArray[np.float64]) -> tuple[Step, ...]:
    """Steps at some of the values, evenly by share, ascending.

    Args:
        values: of at least one customer; none is NaN, and no two differ so little that a piece would be too steep.
    """
    distinct, counts = np.unique(values, return_counts=True)
    shares = (np.cumsum(counts) - counts / 2) / len(values)
    if len(distinct) > STEPS:
        kept = np.unique(np.searchsorted(shares, np.linspace(shares[0], shares[-1], STEPS)))
        distinct, shares = distinct[kept], shares[kept]
    return tuple(zip(distinct.tolist(), shares.tolist(), strict=True))


def pieces_of(steps: Sequence[Step]) -> tuple[Piece, ...]:
    """Pieces that rise from step to step and are level outside, in the order in which they are tried."""
    (first, lowest), (last, highest) = steps[0], steps[-1]
    rising = [Piece(end, at, (then - share) / (end - at), share) for (at, share), (end, then) in pairwise(steps)]
    return (Piece(first, first, 0.0, lowest), *rising, Piece(math.inf, last, 0.0, highest))


def ranks_of(values: NDArray[np.float64], steps: Sequence[Step]) -> NDArray[np.float64]:
    """Ranks, from 0 to 1; NaN of NaN. They rise with the value to the last bit but one."""
    pieces = pieces_of(steps)
    ranks = [(values - p.start) * p.slope + p.share for p in pieces]
    return np.select([values < p.below for p in pieces], ranks, np.nan)
