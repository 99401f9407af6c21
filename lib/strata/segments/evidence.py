"""What speaks for a number of clusters: how well they are apart, how well they come back, how small the smallest is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_chunked
from threadpoolctl import threadpool_limits

from strata.segments.kmeans import Labels, Points, inertia, nearest, sizes
from strata.segments.preparation import Matrix
from strata.segments.threads import in_threads

STARTS = 3
"""Of k-means on a draw. From one start clusters that are there come back less often, as it often ends poorly: the rule
of `choice` then finds the planted number in 62 data sets, from two in 73, from three in 78 of 90."""
MEMORY_MIB = 64
"""Of distances at one time; 5,000 points have 200 MB of them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figures of one number of clusters.

    Attributes:
        clusters: how many.
        inertia: sum over all customers of the squared distance to the nearest centre, in prepared units.
        silhouette: mean over the looked-at points, -1 to 1; None where all lie in one cluster.
        calinski_harabasz: of all customers; None of one cluster, and where every customer lies on a centre.
        jaccards: of each cluster, in the order of the centres: how much of it comes back in a bootstrap draw, 0 to 1.
        draws: how many draws `jaccards` are means of.
        smallest: customers of the smallest cluster.
    """

    clusters: int
    inertia: float
    silhouette: float | None
    calinski_harabasz: float | None
    jaccards: tuple[float, ...]
    draws: int
    smallest: int

    @property
    def stability(self) -> float:
        """The mean of `jaccards`."""
        return round(sum(self.jaccards) / len(self.jaccards), 6)


def measure(points: Points, sample: Matrix, found: Mapping[int, Matrix], draws: int, seed: int) -> list[Evidence]:
    """The figures of several numbers of clusters.

    Args:
        points: all customers, or those that stand for them; inertia, Calinski-Harabasz and sizes are of these.
        sample: prepared values of customers drawn alike, a row each; silhouette and stability are of these.
        found: number of clusters -> centres.
        draws: of the bootstrap.
        seed: of the draws; the same draws for every number of clusters.
    """
    labels = {clusters: nearest(sample, centres) for clusters, centres in found.items()}
    apart = silhouettes(sample, labels)
    stable = stability(sample, labels, draws, seed)
    within = {clusters: inertia(points, centres) for clusters, centres in found.items()}
    return [
        Evidence(
            clusters=clusters,
            inertia=within[clusters],
            silhouette=apart[clusters],
            calinski_harabasz=calinski_harabasz(points, clusters, within[clusters]),
            jaccards=stable[clusters],
            draws=draws,
            smallest=round(sizes(points, centres).min()),
        )
        for clusters, centres in found.items()
    ]


def draw_more(
    evidence: Iterable[Evidence], sample: Matrix, found: Mapping[int, Matrix], draws: int, seed: int
) -> list[Evidence]:
    """The same figures with stability from so many draws; arguments as for `measure`."""
    again = list(evidence)
    stable = stability(sample, {e.clusters: nearest(sample, found[e.clusters]) for e in again}, draws, seed)
    return [replace(e, jaccards=stable[e.clusters], draws=draws) for e in again]


def calinski_harabasz(points: Points, clusters: int, within: float) -> float | None:
    """Spread between the clusters by spread within, each by its degrees of freedom (Calinski and Harabasz 1974).

    Args:
        points: customers.
        clusters: how many, each centre the mean of its members.
        within: their inertia.
    """
    customers = points.weights.sum()
    if clusters < 2 or within == 0 or customers <= clusters:
        return None
    middle = np.average(points.at, axis=0, weights=points.weights)
    between = inertia(points, middle[None, :]) - within
    return round(float(between / (clusters - 1) * (customers - clusters) / within), 6)


def silhouettes(sample: Matrix, labels: Mapping[int, Labels]) -> dict[int, float | None]:
    """Mean silhouette (Rousseeuw 1987) of each labelling, by Euclidean distance; distances are computed once.

    Args:
        sample: a row per point.
        labels: number of clusters -> cluster of each point.

    Returns:
        To 6 decimals; None where all points lie in one cluster. Equal to `sklearn.metrics.silhouette_score`.
    """
    members = np.hstack([np.eye(clusters)[of] for clusters, of in labels.items()])
    with threadpool_limits(1):
        sums = pairwise_distances_chunked(sample, reduce_func=lambda far, _: far @ members, working_memory=MEMORY_MIB)
        to_members = np.split(np.vstack(list(sums)), np.cumsum([*labels])[:-1], axis=1)
    return {clusters: _silhouette(far, labels[clusters]) for clusters, far in zip(labels, to_members, strict=True)}


def _silhouette(to_members: Matrix, labels: Labels) -> float | None:
    """Mean silhouette from the summed distances of each point (row) to the members of each cluster (column)."""
    counts = np.bincount(labels, minlength=to_members.shape[1])
    if np.count_nonzero(counts) < 2:
        return None
    rows = np.arange(len(labels))
    own = to_members[rows, labels] / np.maximum(counts[labels] - 1, 1)
    others = np.where(counts > 0, to_members / np.maximum(counts, 1), np.inf)
    others[rows, labels] = np.inf
    other, is_alone = others.min(axis=1), counts[labels] == 1
    widest = np.maximum(own, other)
    widths = np.where(is_alone | (widest == 0), 0.0, (other - own) / np.where(widest > 0, widest, 1.0))
    return round(float(widths.mean()), 6)


def stability(sample: Matrix, labels: Mapping[int, Labels], draws: int, seed: int) -> dict[int, tuple[float, ...]]:
    """Bootstrap Jaccard of each cluster (Hennig 2007; `fpc::clusterboot`, scheme "boot").

    As many points as there are are drawn with replacement, those drawn are clustered anew, and each
    old cluster, as far as it was drawn, is compared with the new one most like it: common points by points of either.

    Args:
        sample: a row per point.
        labels: number of clusters -> cluster of each point.
        draws: how many.
        seed: of draws and starts.

    Returns:
        Number of clusters -> the mean over the draws of each cluster, to 6 decimals; 0 where none of it was drawn.
    """
    kinds = np.unique(sample, axis=0, return_inverse=True)[1]
    again = partial(_drawn_again, sample, kinds, seed)
    pieces = list(product(labels.items(), range(draws)))
    found = iter(in_threads(lambda piece: again(*piece), pieces))
    return {clusters: _means(np.array([next(found) for _ in range(draws)])) for clusters in labels}


def _drawn_again(sample: Matrix, kinds: Labels, seed: int, labels: tuple[int, Labels], draw: int) -> Matrix:
    """Of one draw, the Jaccard of each cluster with the one most like it; NaN of one that was not drawn."""
    clusters, old = labels
    drawn = np.unique(np.random.default_rng((seed, draw)).integers(len(sample), size=len(sample)))
    new = _clustered(sample[drawn], kinds[drawn], clusters, draw)
    common = np.bincount(old[drawn] * clusters + new, minlength=clusters * clusters).reshape(clusters, clusters)
    before, after = common.sum(axis=1), common.sum(axis=0)
    either = before[:, None] + after[None, :] - common
    return np.where(before > 0, (common / np.maximum(either, 1)).max(axis=1), np.nan)


def _clustered(sample: Matrix, kinds: Labels, clusters: int, seed: int) -> Labels:
    apart, own = np.unique(kinds, return_inverse=True)
    if len(apart) <= clusters:  # each point a cluster; k-means would warn, or refuse
        return own
    return np.asarray(KMeans(clusters, n_init=STARTS, random_state=seed).fit(sample).labels_)


def _means(found: Matrix) -> tuple[float, ...]:
    counts = np.count_nonzero(~np.isnan(found), axis=0)
    return tuple(round(float(mean), 6) for mean in np.nansum(found, axis=0) / np.maximum(counts, 1))
