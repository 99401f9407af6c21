"""What fits on bootstrap samples make of the clusters of a fit: how stable they are, and whether they keep their id."""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
from tests.segments.shoppers import centres_of, nearest, prepared, shoppers
from threadpoolctl import threadpool_limits

from strata.segments.lineage import match_clusters
from strata.segments.model import Line


@dataclass(frozen=True)
class Refits:
    """Attributes:
    stability: cluster -> mean Jaccard of what the bootstrap samples found of it (Hennig 2007).
    labels: per sample, the new cluster of everybody.
    lines: per sample, what lineage says.
    """

    stability: np.ndarray
    labels: list[np.ndarray]
    lines: list[tuple[Line, ...]]

    def of_stable(self, at_least: float) -> list[tuple[str, bool]]:
        """Of every stable cluster and every sample: its id and whether it was kept."""
        stable = [f"c{i + 1}" for i in np.flatnonzero(self.stability >= at_least)]
        return [
            (s, any(line.segment == s and line.verdict == "kept" for line in lines))
            for lines in self.lines
            for s in stable
        ]


@cache
def refits_of_shoppers(clusters: int) -> Refits:
    """Twenty bootstrap samples of the households."""
    with threadpool_limits(1):
        return refit(prepared(shoppers()), clusters, samples=20)


def refit(points: np.ndarray, clusters: int, samples: int) -> Refits:
    """Clusters of `points` (c1, c2 ...), fitted again on bootstrap samples and matched over everybody."""
    rng = np.random.default_rng(0)
    before = nearest(points, centres_of(points, clusters))
    segments = [f"c{i + 1}" for i in range(clusters)]
    found, labels, lines = [], [], []
    for _ in range(samples):
        drawn = rng.integers(0, len(points), len(points))
        after = nearest(points, centres_of(points[drawn], clusters, seed=int(rng.integers(1 << 30))))
        shared = {(segments[o], int(n)): c for (o, n), c in Counter(zip(before, after, strict=True)).items()}
        found.append(_best_jaccard(before[np.unique(drawn)], after[np.unique(drawn)], clusters))
        labels.append(after)
        lines.append(match_clusters(shared, np.bincount(after, minlength=clusters).tolist(), segments, segments))
    return Refits(np.mean(found, axis=0), labels, lines)


def _best_jaccard(before: np.ndarray, after: np.ndarray, clusters: int) -> np.ndarray:
    both = np.zeros((clusters, clusters))
    np.add.at(both, (before, after), 1)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    return (both / np.maximum(union, 1)).max(axis=1)
