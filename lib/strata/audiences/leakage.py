"""Features that are a seed's own rule in other words, as far as definitions tell.

A look-alike that learns from them finds the rule again, and nobody new. What definitions do not tell is judged on the
sample (`matrix.separating`, `matrix.one_sided`): another measure of the same events, `wine_spend_28d` for a seed by
`wine_days_182d`. What neither finds: many features that only together make up the rule, as the spend by category makes
up all spend; and other measures of the same events just outside of the rule's window.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from strata.project.audiences import Audience
from strata.project.models import Feature, Project
from strata.project.names import column_names
from strata.project.references import (
    audiences_in,
    closure,
    looks_back_at,
    mentioned_in,
    named_columns,
)
from strata.project.words import Text

PROTECTED = "as they are protected"
NAMED = "as its conditions name them"
BEHIND = "as the segments or audiences that it names are made by them"
PARTS = "as what its conditions name is computed from them"
COMPUTED = "as they are computed from what its conditions name"
SAME = "as they count over other days what its conditions name"


@dataclass(frozen=True, slots=True)
class Judged:
    """What definitions say of columns.

    Attributes:
        kept_from: what a look-alike may not learn from, and why: the first reason that holds.
        sent: what is counted from communications, or computed from that.
    """

    kept_from: Mapping[str, str] = field(default_factory=dict)
    sent: frozenset[str] = frozenset()


def judge_columns(audience: Audience, project: Project, columns: Iterable[str]) -> Judged:
    """What the definitions of a project say of the columns a look-alike may learn from.

    Args:
        audience: of kind lookalike.
        project: its definitions of features, segmentations and audiences; its protected features.
        columns: the columns there are.
    """
    there = sorted(columns)
    rules = list(audience.looks_like.conditions)
    exclusions = _features_in(audience.exclude, project)
    named = _features_in(rules, project)
    rule = named | _behind(rules, project)
    reasons = {
        PROTECTED: frozenset(project.privacy.protected),
        NAMED: named | exclusions,
        BEHIND: rule,
        PARTS: _parts_of(rule, project.features),
        COMPUTED: _computed_from(rule, project.features),
        SAME: _same_over_other_days(rule, project.features, there),
    }
    kept_from = {
        column: next(why for why, found in reasons.items() if column in found)
        for column in there
        if any(column in found for found in reasons.values())
    }
    return Judged(kept_from, _sent(project.features, there))


def _sent(features: Sequence[Feature], columns: Iterable[str]) -> frozenset[str]:
    made = {column: made for column in columns if (made := _made_by(column, features))}
    counted = {column for column, (feature, _) in made.items() if feature.table == "communications"}
    return _computed_from(frozenset(counted), features)


def _behind(rules: Iterable[Text], project: Project) -> frozenset[str]:
    """The features that make the segments and audiences which conditions name, now or in the release before."""
    pending, seen, found = list(rules), set[str](), set[str]()
    while pending:
        wanted = mentioned_in(pending, [s.name for s in project.segmentations]) | looks_back_at(pending)
        segmentations = closure(wanted, project.segmentations)
        found |= {name for s in segmentations for name in named_columns(s)}
        named = audiences_in([*pending, *(text for s in segmentations for text in s.conditions)]) - seen
        seen |= named
        pending = [text for a in project.audiences if a.name in named for text in a.conditions]
        found |= _features_in([*pending, *(text for s in segmentations for text in s.conditions)], project)
    return frozenset(found) & _columns(project)


def _features_in(texts: Iterable[Text], project: Project) -> frozenset[str]:
    return mentioned_in(texts, _columns(project))


def _columns(project: Project) -> frozenset[str]:
    return frozenset(column for f in project.features for column in column_names(f))


def _parts_of(rule: frozenset[str], features: Iterable[Feature]) -> frozenset[str]:
    uses = _uses(features)
    found, pending = set[str](), list(rule)
    while pending:
        new = uses.get(pending.pop(), frozenset()) - found
        found |= new
        pending += new
    return frozenset(found)


def _computed_from(rule: frozenset[str], features: Iterable[Feature]) -> frozenset[str]:
    """Not of the parts of what is named: much is a share of all spend, and says something else than the rule."""
    uses = _uses(features)
    found = set(rule)
    while new := {name for name, used in uses.items() if name not in found and used & found}:
        found |= new
    return frozenset(found)


def _uses(features: Iterable[Feature]) -> Mapping[str, frozenset[str]]:
    """Of each feature of kind expression, the columns that it is computed from."""
    declared = list(features)
    columns = [column for f in declared for column in column_names(f)]
    return {f.name: mentioned_in([f.of], columns) for f in declared if f.kind == "expression" and f.of}


def _same_over_other_days(rule: frozenset[str], features: Iterable[Feature], columns: Iterable[str]) -> frozenset[str]:
    declared = list(features)
    measured = {column: made for column in {*columns, *rule} if (made := _made_by(column, declared))}
    rules = [measured[column] for column in rule if column in measured]
    return frozenset(
        column
        for column, (feature, value) in measured.items()
        if any(value == of and _overlap(feature, other) for other, of in rules)
    )


def _made_by(column: str, features: Iterable[Feature]) -> tuple[Feature, str] | None:
    """The windowed feature that a column belongs to, and for which value of `by`."""
    for feature in features:
        pattern = re.escape(feature.name).replace(re.escape("{value}"), "(.+)")
        if feature.kind not in ("attribute", "expression") and (found := re.fullmatch(pattern, column)):
            return feature, "".join(found.groups())
    return None


def _overlap(one: Feature, other: Feature) -> bool:
    """Whether two features measure the same of the same rows, over days of which some are the same."""
    if tuple(_measure(one)) != tuple(_measure(other)):
        return False
    return one.offset < other.offset + _days(other) and other.offset < one.offset + _days(one)


def _measure(feature: Feature) -> Iterator[object]:
    yield from (feature.table, feature.kind, feature.by)
    for text in (feature.of, feature.condition, feature.then, feature.to):
        yield text and " ".join(text.words.split())


def _days(feature: Feature) -> float:
    return inf if feature.days is None else feature.days * (feature.periods or 1) + (feature.before or 0)
