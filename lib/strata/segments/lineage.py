"""Which cluster of a new fit continues which segment of the last release. Pure rules on counts of customers.

Clusters are matched by their members, as their centres say nothing once features or their scales have changed. The
verdicts are those of MONIC (Spiliopoulou, Ntoutsi, Theodoridis and Schult 2006), with the Jaccard coefficient in
place of the one-sided overlap, so that a cluster that swallows another one does not count as unchanged.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from strata.contract.cluster_ids import cluster_number, next_cluster_ids
from strata.segments.model import Line, Verdict

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

MOST = 0.5
"""Jaccard from which a cluster is still the same, and the share of members that counts as most of them."""
SUBSTANTIAL = 0.2
"""Share of a former cluster that makes another new cluster a second part of it, and not the place of a few strays."""
TIE = 1e-6
"""More than rounding, less than any difference worth a verdict."""


def match_clusters(
    shared: Mapping[tuple[str, int], int], sizes: Sequence[int], earlier: Collection[str], used: Collection[str]
) -> tuple[Line, ...]:
    """Permanent ids and verdicts of the clusters of a new fit, and what became of the earlier ones.

    A pair with a Jaccard coefficient of at least `MOST` is kept, found by the Hungarian method. Below it no pair
    competes: else two poor pairs could outweigh a good one and neither would be kept. Of a cluster that falls into
    two exact halves, the larger new one keeps the id; of two that join as exact halves, the lower id stays.

    Of the others, one that took most of two or more earlier clusters and consists mostly of them is merged; one that
    comes mostly from a single earlier cluster, of which another takes a substantial part too, is split from it; any
    other is new. The first two may both hold: then a whole cluster came in, so merged says more.

    Args:
        shared: (segment of the last release, index of the new cluster) -> customers; only those in both bases.
        sizes: customers of each new cluster, all of them.
        earlier: segments of the last release; empty for a first fit.
        used: every id that the segmentation ever published, retired ones too.

    Returns:
        A line per new cluster, in the order of `sizes`, then one per gone segment, in the order of their numbers.
        Ids of clusters not kept are numbered on from the highest used, the largest first.

    Raises:
        KeyError: `shared` names a segment that is not in `earlier`.
    """
    before = sorted(earlier, key=lambda segment: (cluster_number(segment), segment))
    by_size = sorted(range(len(sizes)), key=lambda new: (-sizes[new], new))
    counts = _table(shared, before, len(sizes))
    jaccard = _jaccard(counts)
    kept = _kept_pairs(jaccard, by_size)
    unnamed = [new for new in by_size if new not in kept]
    fresh = dict(zip(unnamed, next_cluster_ids(len(unnamed), {*used, *earlier}), strict=True))
    segments = [before[kept[new]] if new in kept else fresh[new] for new in range(len(sizes))]

    lines = []
    for new, segment in enumerate(segments):
        verdict, old = ("kept", kept[new]) if new in kept else _origin(counts, new)
        lines.append(Line(segment, verdict) if old is None else _from(segment, verdict, before[old], jaccard[old, new]))
    gone = [old for old in range(len(before)) if old not in kept.values()]
    return (*lines, *(_gone(before[old], counts[old], jaccard[old], segments) for old in gone))


def kept_clusters(shared: Mapping[tuple[str, int], int], segments: Sequence[str]) -> tuple[Line, ...]:
    """A line per cluster of a model that stays: each is kept, with the Jaccard coefficient of its members.

    Args:
        shared: (segment of the last release, index of the cluster) -> customers; only those in both bases.
        segments: ids of the clusters, in the order of their indices.
    """
    counts = _table({**dict.fromkeys(((s, 0) for s in segments), 0), **shared}, segments, len(segments))
    alike = np.diag(_jaccard(counts))
    return tuple(Line(s, "kept", s, float(j) if shared else None) for s, j in zip(segments, alike, strict=True))


def _table(shared: Mapping[tuple[str, int], int], before: Sequence[str], clusters: int) -> Counts:
    row = {segment: i for i, segment in enumerate(before)}
    counts = np.zeros((len(before), clusters), dtype=np.int64)
    for (segment, new), customers in shared.items():
        counts[row[segment], new] = customers
    return counts


def _jaccard(counts: Counts) -> Shares:
    union = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :] - counts
    return np.asarray(counts / np.maximum(union, 1), dtype=np.float64)


def _kept_pairs(jaccard: Shares, by_size: Sequence[int]) -> dict[int, int]:
    rank = np.argsort(by_size)
    preferred = jaccard - TIE * (np.arange(len(jaccard))[:, None] + rank[None, :]) / max(1, sum(jaccard.shape))
    pairs = zip(*linear_sum_assignment(np.where(jaccard >= MOST, preferred, 0.0), maximize=True), strict=True)
    return {int(new): int(old) for old, new in pairs if jaccard[old, new] >= MOST}


def _origin(counts: Counts, new: int) -> tuple[Verdict, int | None]:
    taken, members = counts[:, new], counts[:, new].sum()
    if not members:
        return "new", None
    main = int(taken.argmax())
    given_up = (taken > 0) & (taken >= MOST * counts.sum(axis=1))
    if given_up.sum() > 1 and taken[given_up].sum() >= MOST * members:
        return "merged", int(np.where(given_up, taken, 0).argmax())
    second_part = np.delete(counts[main], new).max(initial=0)
    if taken[main] >= MOST * members and second_part >= SUBSTANTIAL * counts[main].sum():
        return "split", main
    return "new", None


def _from(segment: str, verdict: Verdict, origin: str, jaccard: float) -> Line:
    return Line(segment, verdict, matched_from=origin, jaccard=float(jaccard))


def _gone(segment: str, went: Counts, jaccard: Shares, segments: Sequence[str]) -> Line:
    if not went.any() or went.max() < MOST * went.sum():
        return Line(segment, "gone")
    into = int(went.argmax())
    return Line(segment, "gone", jaccard=float(jaccard[into]), continued_in=segments[into])
