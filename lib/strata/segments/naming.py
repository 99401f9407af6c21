"""Names of clusters: what tells their members from the rest, in words. Pure rules."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strata.project.clusterings import ClusterFeature
from strata.segments.portraits import Effect

STABLE = 0.6
"""Bootstrap Jaccard below which a cluster is not to be trusted (Hennig, fpc::clusterboot)."""
SHORTEST, LONGEST = 2, 4
"""Features in a name: as few as possible, more where two clusters would share it."""
NOTHING = "close to average"

_WINDOW = re.compile(r"_([0-9]+)d(?=_|$)")


@dataclass(frozen=True, slots=True)
class Name:
    """What people call a cluster, and the figures behind it; None where nothing stands out."""

    label: str
    description: str | None


def name_clusters(
    portraits: Mapping[str, Sequence[Effect]],
    features: Sequence[ClusterFeature],
    *,
    kept: Mapping[str, str],
    overrides: Mapping[str, str],
    stability: Mapping[str, float | None],
) -> dict[str, Name]:
    """A unique name per cluster.

    The definition's name wins; then an unstable cluster gets none; then a kept cluster keeps its name; any other is
    called after its two strongest effects, more where others are called so too, at last with its id.

    Args:
        portraits: segment id -> what stands out in it, strongest first, as `portraits.strongest_effects` finds it.
        features: all of the clustering, as two of them may differ in nothing but their window.
        kept: segment id -> label in the last release, of the kept clusters. "Cluster c3" there is no name.
        overrides: segment id -> name, as the definition has it.
        stability: segment id -> bootstrap Jaccard; None or missing: not measured.

    Returns:
        Segment id -> name. Two overrides that are equal stay so.
    """
    unstable = {s for s in portraits if (jaccard := stability.get(s)) is not None and jaccard < STABLE}
    given = {s: f"Cluster {s} (unstable)" for s in unstable} | dict(overrides)
    taken = set(map(_words_in, given.values()))
    names = {s: label for s, label in kept.items() if s not in given and not _is_number(s, label)}
    given |= {s: label for s, label in names.items() if _words_in(label) not in taken}
    words = _words_of([f.feature for f in features])
    free = {s: _in_words(effects, words) for s, effects in portraits.items() if s not in given}
    labels = {**given, **_unique(free, set(map(_words_in, given.values())))}
    return {s: Name(labels[s], _describe(portraits[s], stability[s] if s in unstable else None)) for s in portraits}


def _words_of(names: Sequence[str]) -> dict[str, str]:
    """Feature -> words; the window is said only where it tells two of them apart."""
    stems = {name: _WINDOW.sub("", name).replace("_", " ") for name in names}
    alike = Counter(stems.values())
    return {name: stem + _windows(name) if alike[stem] > 1 else stem for name, stem in stems.items()}


def _windows(name: str) -> str:
    days = _WINDOW.findall(name)
    return f" ({', '.join(days)} days)" if days else ""


def _in_words(effects: Sequence[Effect], words: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(_side(effect, words[effect.feature.feature]) for effect in effects)) or [NOTHING]


def _side(effect: Effect, words: str) -> str:
    declared, side = (effect.feature.high, "high") if effect.size > 0 else (effect.feature.low, "low")
    return declared or f"{side} {words}"


def _unique(words: Mapping[str, Sequence[str]], taken: set[frozenset[str]]) -> dict[str, str]:
    length = dict.fromkeys(words, SHORTEST)
    while True:
        labels = {s: ", ".join(words[s][: length[s]]) for s in words}
        often = Counter(map(_words_in, labels.values()))
        clashing = [s for s, label in labels.items() if _words_in(label) in taken or often[_words_in(label)] > 1]
        longer = [s for s in clashing if length[s] < min(LONGEST, len(words[s]))]
        if not longer:
            return {s: _capital(f"{label} ({s})" if s in clashing else label) for s, label in labels.items()}
        for segment in longer:
            length[segment] += 1


def _words_in(label: str) -> frozenset[str]:
    # the same words in another order are no other name
    return frozenset(label.casefold().split(", "))


def _is_number(segment: str, label: str) -> bool:
    return label in (f"Cluster {segment}", f"Cluster {segment} (unstable)")


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _describe(effects: Sequence[Effect], doubtful: float | None) -> str | None:
    figures = [effect.in_figures for effect in effects[:LONGEST]]
    warning = [] if doubtful is None else [f"unstable, bootstrap Jaccard {doubtful:.2f}"]
    return "; ".join([*warning, *figures]) or None
