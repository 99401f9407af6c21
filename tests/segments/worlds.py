"""Generated customers whose groups split, merge, appear and disperse between two fits; people keep their row."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from sklearn.cluster import KMeans

from strata.segments.lineage import match_clusters
from strata.segments.model import Line

Labels = np.ndarray
Claim = tuple[str, int, str]
"""Which side (a group of "before" that is gone, a group of "after"), which group, what is said of it."""
APART = 9.0
"""Distance of neighbouring groups, in their standard deviations."""


@dataclass
class World:
    """Groups before and after, and the verdicts that a lineage should give."""

    rng: np.random.Generator
    before: Labels
    after: Labels
    truth: set[Claim] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)

    def pick(self, count: int) -> list[int]:
        """Groups that nothing has happened to yet."""
        free = [int(g) for g in np.unique(self.before) if g >= 0 and g not in self.touched]
        chosen = [int(g) for g in self.rng.choice(free, count, replace=False)]
        self.touched.update(chosen)
        return chosen

    def fresh(self) -> int:
        return int(max(self.before.max(), self.after.max())) + 1


def split(*shares: float) -> Callable[[World], None]:
    def happen(world: World) -> None:
        (group,) = world.pick(1)
        members = world.rng.permutation(np.flatnonzero(world.before == group))
        ends = (np.cumsum(shares)[:-1] * len(members)).astype(int)
        for i, part in enumerate(np.split(members, ends)):
            stays = i == 0 and shares[0] > 0.5
            world.after[part] = target = group if stays else world.fresh()
            world.truth.add(("after", target, "kept" if stays else "split"))
        if shares[0] <= 0.5:
            world.truth.add(("before", group, "gone"))

    return happen


def merge(*shares: float) -> Callable[[World], None]:
    def happen(world: World) -> None:
        groups = world.pick(len(shares))
        members = [np.flatnonzero(world.before == group) for group in groups]
        total = min(len(m) / share for m, share in zip(members, shares, strict=True))
        for of_one, share in zip(members, shares, strict=True):
            surplus = of_one[int(share * total) :]
            world.before[surplus] = world.after[surplus] = -1  # taken out of the world, so that sizes are as asked for
        into = groups[0] if shares[0] > 0.5 else world.fresh()
        world.after[np.isin(world.before, groups)] = into
        world.truth.add(("after", into, "kept" if shares[0] > 0.5 else "merged"))
        gone = groups[1:] if shares[0] > 0.5 else groups
        world.truth.update(("before", group, "gone") for group in gone)

    return happen


def emerge(world: World) -> None:
    into = world.fresh()
    world.after[world.rng.random(len(world.after)) < 0.12] = into
    world.truth.add(("after", into, "new"))


def disperse(world: World) -> None:
    (group,) = world.pick(1)
    members = np.flatnonzero(world.after == group)
    others = np.setdiff1d(world.after[world.after >= 0], [group])
    world.after[members] = world.rng.choice(others, len(members))
    world.truth.add(("before", group, "gone"))


EVENTS: dict[str, Callable[[World], None]] = {
    "two-way split": split(0.65, 0.35),
    "three-way split": split(0.4, 0.35, 0.25),
    "merge of two": merge(0.6, 0.4),
    "merge of three": merge(0.4, 0.33, 0.27),
    "new group": emerge,
    "dispersal": disperse,
    "nothing": lambda _: None,
}


def world(seed: int, events: Iterable[str]) -> World:
    """Seven to nine groups of 200 to 400 people; the events; then 5 to 10 % change to any group at random."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(200, 401, rng.integers(7, 10))
    before = np.repeat(np.arange(len(sizes)), sizes)
    made = World(rng, before, before.copy())
    for event in sorted(events, key=list(EVENTS).index):  # dispersal late: people scatter over the groups of afterwards
        EVENTS[event](made)
    made.truth |= {("after", int(g), "kept") for g in np.unique(made.before) if g >= 0 and g not in made.touched}
    there = made.before >= 0
    made.before, made.after = made.before[there], made.after[there]
    strays = rng.random(len(made.after)) < rng.uniform(0.05, 0.1)
    made.after[strays] = rng.choice(np.unique(made.after), strays.sum())
    return made


def verdicts(made: World) -> tuple[Counter[Claim], tuple[Line, ...]]:
    """What lineage says of two fits of k-means, each cluster called by the group that most of its members are of."""
    places = made.rng.permutation(np.array(list(product(range(3), repeat=3)))) * APART
    old, new = (_fit(made.rng, places[groups]) for groups in (made.before, made.after))
    segments = [f"c{i + 1}" for i in range(old.max() + 1)]
    shared = {(f"c{o + 1}", int(n)): int(c) for (o, n), c in Counter(zip(old, new, strict=True)).items()}
    lines = match_clusters(shared, np.bincount(new).tolist(), segments, segments)
    after = [("after", _mostly(made.after[new == i]), line.verdict) for i, line in enumerate(lines[: new.max() + 1])]
    ended = lines[new.max() + 1 :]
    before = [("before", _mostly(made.before[old == int(e.segment[1:]) - 1]), e.verdict) for e in ended]
    return Counter([*after, *before]), lines


def f1(pairs: Iterable[tuple[set[Claim], Counter[Claim]]]) -> dict[str, float]:
    """Verdict -> 2 TP / (2 TP + FP + FN)."""
    right: Counter[str] = Counter()
    said_or_true: Counter[str] = Counter()
    for truth, said in pairs:
        right.update(claim[2] for claim in truth if said[claim])
        said_or_true.update(claim[2] for claim in [*truth, *said.elements()])
    return {verdict: 2 * right[verdict] / count for verdict, count in said_or_true.items()}


def _fit(rng: np.random.Generator, places: np.ndarray) -> Labels:
    points = places + rng.normal(size=places.shape)
    clusters = len(np.unique(places, axis=0))
    return KMeans(clusters, n_init=10, random_state=int(rng.integers(1 << 30))).fit(points).labels_


def _mostly(groups: Labels) -> int:
    return int(np.bincount(groups).argmax())
