"""The search on the driver: which numbers of clusters to look at, centres and evidence of each, the one to take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from strata.errors import InputError, Problem
from strata.project.models import Segmentation
from strata.segments.choice import in_words, ranked, reason
from strata.segments.evidence import Evidence, draw_more, measure
from strata.segments.kmeans import Points, many_starts
from strata.segments.preparation import Matrix
from strata.segments.threads import in_threads

LOOKED_AT = 5_000
"""Customers that silhouette and stability are measured on: the one costs their square, the other hundreds of fits."""
STARTS = 10
"""Of scikit-learn's k-means, for each number of clusters."""
DRAWS, MORE_DRAWS, BEST = 20, 100, 3
"""Bootstrap draws of every number of clusters, and of the best ones."""
TELL_APART = "declare fewer clusters, or features that tell more customers apart"


@dataclass(frozen=True, eq=False, slots=True)
class Search:
    """What was found.

    Attributes:
        points: what was searched.
        sample: what was looked at for the evidence.
        segmentation: the definition.
        evidence: of every number of clusters, ascending.
        taken: that of the number that is taken.
        centres: of that number, largest cluster first.
    """

    points: Points
    sample: Matrix
    segmentation: Segmentation
    evidence: tuple[Evidence, ...]
    taken: Evidence
    centres: Matrix

    @property
    def reason(self) -> str:
        """Why this number was taken, for people."""
        is_declared = self.segmentation.clusters is not None
        return reason(self.evidence, self.taken, self.segmentation.smallest, is_declared=is_declared)

    def replaced(self, centres: Matrix) -> "Search":
        """The same with other centres, as many, and their evidence."""
        found = {self.taken.clusters: centres}
        [taken] = measure(self.points, self.sample, found, MORE_DRAWS, self.segmentation.seed)
        evidence = tuple(taken if e.clusters == taken.clusters else e for e in self.evidence)
        return replace(self, evidence=evidence, taken=taken, centres=centres)


def search(points: Points, sample: Matrix, customers: int, segmentation: Segmentation) -> Search:
    """Look at the declared number of clusters and its neighbours, or at all from which to choose.

    Args:
        points: the customers, or those that stand for them.
        sample: prepared values of customers drawn alike, a row each; the first `LOOKED_AT` are looked at.
        customers: how many there are.
        segmentation: of kind clusters.

    Raises:
        InputError: fewer customers or fewer distinct ones than the clusters need, or no number of clusters whose
            smallest has enough customers.
    """
    numbers, looked_at = _numbers(points, customers, segmentation), sample[:LOOKED_AT]
    found = _centres(points, numbers, segmentation)
    evidence = _evidence(points, looked_at, found, segmentation)
    taken = _take(evidence, segmentation)
    return Search(points, looked_at, segmentation, evidence, taken, found[taken.clusters])


def refused(segmentation: Segmentation, what: str, next_step: str) -> InputError:
    """The error that says what is wrong with customers for this definition."""
    return InputError([Problem(segmentation.where, f"segmentation {segmentation.name} {what}", next_step)])


def _numbers(points: Points, customers: int, segmentation: Segmentation) -> list[int]:
    """The numbers of clusters to look at; a declared one with its neighbours where they are possible."""
    declared, smallest = segmentation.clusters, segmentation.smallest
    first, last = (declared, declared) if declared else segmentation.search or (2, 2)
    asked = f"asks for {first} clusters" if declared else f"asks for {first} to {last} clusters"
    distinct = len(np.unique(points.at, axis=0)) if points.at.shape[1] else 1
    if distinct < first:
        what = f"{asked}, but its {customers:,} customers lie on {_counted(distinct, 'distinct point')}"
        raise refused(segmentation, what + (": every feature is constant" if distinct == 1 else ""), TELL_APART)
    if customers < first * smallest:
        needed = f"{first} x {smallest} = {first * smallest:,} customers"
        what = f"{asked} of at least {smallest} customers: expected {needed}, found {customers:,}"
        raise refused(segmentation, what, "declare fewer clusters or a lower `smallest`, or widen the base")
    around = range(first - 1, last + 2) if declared else range(first, last + 1)
    most = min(distinct, customers // smallest)
    return [number for number in around if number == first or 2 <= number <= most]


def _centres(points: Points, numbers: Sequence[int], segmentation: Segmentation) -> dict[int, Matrix]:
    """Number of clusters -> the best centres of many starts."""
    start = partial(many_starts, points, seed=segmentation.seed, starts=STARTS)
    found = dict(zip(numbers, in_threads(start, numbers), strict=True))
    apart = {number: centres for number, centres in found.items() if len(centres) == number}
    needed = segmentation.clusters or numbers[0]
    if needed not in apart:
        what = f"asks for {needed} clusters, but k-means tells only {len(found[needed])} apart"
        raise refused(segmentation, what, TELL_APART)
    return apart


def _evidence(
    points: Points, sample: Matrix, found: Mapping[int, Matrix], segmentation: Segmentation
) -> tuple[Evidence, ...]:
    """The evidence of every number of clusters; from more draws for the best, or for the declared one."""
    evidence = {e.clusters: e for e in measure(points, sample, found, DRAWS, segmentation.seed)}
    declared = segmentation.clusters
    best = [evidence[declared]] if declared else ranked([*evidence.values()], segmentation.smallest)[:BEST]
    again = draw_more(best, sample, found, MORE_DRAWS, segmentation.seed)
    closer = evidence | {e.clusters: e for e in again}
    return tuple(closer[number] for number in sorted(closer))


def _take(evidence: Sequence[Evidence], segmentation: Segmentation) -> Evidence:
    if segmentation.clusters:
        return next(e for e in evidence if e.clusters == segmentation.clusters)
    best = ranked(evidence, segmentation.smallest)
    if not best:
        figures = "; ".join(f"k = {e.clusters}: {in_words(e)}" for e in evidence)
        what = f"asks for clusters of at least {segmentation.smallest} customers, but found {figures}"
        raise refused(segmentation, what, "declare a lower `smallest` or fewer clusters, or tame the features' tails")
    return best[0]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
