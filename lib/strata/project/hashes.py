"""Hashes of what definitions mean: other spelling, comments or labels leave them, another threshold changes them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from strata.expression import Expression
from strata.project.audiences import Audience, Likeness, Size
from strata.project.checks.audiences import matching
from strata.project.clusterings import SMALLEST, ClusterFeature
from strata.project.measures import Growth, Measure
from strata.project.models import Feature, Kpi, Project, Score, Segment, Segmentation
from strata.project.names import column_names
from strata.project.order import depends_on, order_features
from strata.project.policies import History
from strata.project.recommendations import Recommendation
from strata.project.references import AUDIENCE, generations, key_of, named_columns
from strata.project.sources import Lookup, Mapped, Read, Source
from strata.project.words import Text

_PLACES = frozenset({"url", "user", "password_env", "driver"})
_DIGITS = 32
Compiled = Mapping[Text, Expression]


def digest(value: object) -> str:
    """32 hex digits of SHA-256 over canonical JSON."""
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(written.encode()).hexdigest()[:_DIGITS]


def definition_hashes(project: Project, compiled: Compiled) -> dict[str, str]:
    """Hash of the meaning of every definition: `features`, `units`, `kpis`, `<kind>.<name>` of the others.

    A definition's hash covers the hashes of the features it uses, and so all they are computed from.
    """
    everything = (*project.features, *project.unit_features)
    features = feature_hashes(everything, compiled)
    by_column = {column: f.name for f in everything for column in column_names(f)}
    used = {column: features[name] for column, name in by_column.items()}
    units = {u.name: digest([u.of.words, _canonical(u.condition, compiled), u.days]) for u in project.units}
    definitions: list[Segmentation | Audience] = [*project.segmentations, *project.audiences]
    for definition in (d for group in generations(definitions) for d in group):
        if isinstance(definition, Segmentation):
            said = _segmentation(definition, compiled, used, units)
        else:
            said = _audience(definition, compiled, used, _learnt(definition, project.features, features))
        used[key_of(definition)] = digest(said)
    return {
        "features": digest(features),
        **{f"sources.{s.name}": digest(_source(s, compiled)) for s in project.sources},
        **({"units": digest(units)} if units else {}),
        **{f"segmentation.{s.name}": used[s.name] for s in project.segmentations},
        **{key_of(a): used[key_of(a)] for a in project.audiences},
        **{f"recommendation.{r.name}": digest(_recommendation(r, compiled)) for r in project.recommendations},
        **({"kpis": digest([_kpi(k, compiled) for k in project.kpis])} if project.kpis else {}),
    }


def config_hash(project: Project) -> str:
    """Hash over all that can change a published value: definitions, words that are published, floors, checks.

    Left out: where things lie (storage, paths and addresses of sources, where the identity key is found), retention
    and what is kept, and descriptions of sources. `project` carries its definition_hashes already.
    """
    return digest(
        {
            "project": [project.name, project.currency, project.time_zone, str(project.starts_on)],
            "key": project.identity.key_id,
            "definitions": dict(project.definition_hashes),
            "features": {f.name: [f.unit, f.description] for f in project.features},
            "published": project.published_features,
            "segmentations": {
                s.name: [s.technique, s.owner, s.task, [_words(p) for p in s.segments]] for s in project.segmentations
            },
            "audiences": {a.name: a.owner for a in project.audiences},
            **({"recommendations": _words_of(project.recommendations)} if project.recommendations else {}),
            "offers": dict(project.offers),
            "checks": {c.name: [c.table, c.expect, dict(c.arguments), c.severity] for c in project.checks},
            **({"history": _history(project.history)} if project.history != History() else {}),
            "purposes": {p.name: [p.basis, p.description] for p in project.privacy.purposes},
            "protected": sorted(project.privacy.protected),
            "floors": [project.privacy.cell_floor, project.privacy.audience_floor, project.privacy.seed_floor],
        }
    )


def _history(history: History) -> list[Any]:
    days = {kind: sorted(days) for kind, days in history.days.items()}
    return [history.drift, history.gross, dict(history.tolerance), sorted(history.leave), *([days] if days else [])]


def feature_hashes(features: Iterable[Feature], compiled: Compiled) -> dict[str, str]:
    """Feature name -> hash of how it is computed, including the features it is computed from."""
    ordered = order_features(features)
    by_column = {column: f for f in ordered for column in column_names(f)}
    done: dict[str, str] = {}
    for f in ordered:
        needs = {name: done[name] for name in depends_on(f, by_column)}
        of = _canonical(f.of, compiled) if f.of in compiled else f.of and f.of.words
        condition = _canonical(f.condition, compiled)
        parts = [f.name, f.kind, f.type, f.nullable, of, condition, f.days, f.offset, f.by, f.keep, f.values, needs]
        more = {
            "table": f.table if f.table != "events" else None,
            "numbers": [f.share_at_least, f.before, f.periods, f.at_least, f.within],
            "then": _canonical(f.then, compiled),
            "to": _canonical(f.to, compiled),
            "per": f.per,
        }
        said = {key: value for key, value in more.items() if value not in (None, [None] * 5)}
        done[f.name] = digest([*parts, said] if said else parts)
    return done


def _source(s: Source, compiled: Compiled) -> dict[str, Any]:
    return {
        "feeds": s.feeds,
        "read": _read(s.read),
        "schema": dict(s.schema),
        "delivery": [s.delivery.mode, s.delivery.ready_when, s.delivery.late_days, str(s.delivery.complete_through)],
        "key": s.key,
        "event_type": _canonical(s.event_type, compiled),
        **({"event_types": sorted(s.event_types)} if s.event_types else {}),
        "columns": {m.name: _mapped(m, compiled) for m in s.columns},
        "extra": {m.name: [_mapped(m, compiled), declared.type, declared.unit] for m, declared in s.extra},
        "reject": [[rule.reason, _canonical(rule.when, compiled)] for rule in s.reject],
        "unpivot": s.unpivot and [sorted(s.unpivot.columns), s.unpivot.name, s.unpivot.value],
        **({"lookups": {lookup.name: _lookup(lookup) for lookup in s.lookups}} if s.lookups else {}),
    }


def _read(read: Read) -> list[Any]:
    return [read.format, {key: value for key, value in read.options.items() if key not in _PLACES}]


def _lookup(lookup: Lookup) -> list[Any]:
    return [_read(lookup.read), dict(lookup.schema), dict(lookup.on), lookup.several]


def _mapped(m: Mapped, compiled: Compiled) -> list[Any]:
    return [m.source, _canonical(m.value, compiled), m.moment, m.zone, m.pattern, m.recode, m.identity]


def _segmentation(
    s: Segmentation, compiled: Compiled, used: Mapping[str, str], units: Mapping[str, str]
) -> dict[str, Any]:
    scores = {score.score for score in s.scores}
    named = named_columns(s) | {name for text in s.conditions for name in compiled[text].names} - scores
    return {
        "version": s.version,
        "kind": s.kind,
        "segments": [[p.segment, _canonical(p.when, compiled)] for p in s.segments],
        "otherwise": s.otherwise,
        "scores": [[score.score, score.of, *_cuts(score), score.better] for score in s.scores],
        "clusters": _clusters(s),
        "uses": {name: used.get(name, "previous") for name in named},
        **({"base": [_canonical(s.base, compiled), s.purpose]} if s.base or s.purpose else {}),
        **({"of": [s.of, [p.values for p in s.segments], s.unknown, s.floor]} if s.of else {}),
        **({"measure": _measure(s.measure, s.segments)} if s.measure else {}),
        **({"per": [s.per, units[s.per], s.roll_up.by, s.roll_up.without]} if s.per and s.roll_up else {}),
    }


def _clusters(s: Segmentation) -> list[Any]:
    # Not what only words depend on, nor when to fit anew. What is as usual is left out: hashes stay what they were.
    features = [[f.feature, f.transform, *_unusual(f)] for f in s.features]
    return [s.search or s.clusters, s.seed, features, *([s.smallest] if s.smallest != SMALLEST else [])]


def _unusual(f: ClusterFeature) -> list[Any]:
    asked = [f.weight, f.zeros, f.unknown]
    return asked if asked != [1.0, "plain", "median"] else []


def _measure(measure: Measure, segments: Sequence[Segment]) -> list[Any]:
    limits = [[s.segment, s.at_least, s.at_most] for s in segments]
    of = ["growth"] if isinstance(measure, Growth) else ["index", measure.share_at_most]
    return [*of, list(measure.features), limits]


def _cuts(score: Score) -> list[Any]:
    return [["quantiles", score.quantiles, score.covers]] if score.is_relative else [score.thresholds]


def _audience(a: Audience, compiled: Compiled, used: Mapping[str, str], learnt: Mapping[str, str]) -> dict[str, Any]:
    texts = a.texts
    named = {name for text in texts for name in compiled[text].names}.union(AUDIENCE + name for name in a.ahead)
    return {
        "kind": a.kind,
        "purpose": a.purpose,
        "include": _canonical(a.include, compiled),
        "likeness": None if a.likeness is None else _likeness(a.likeness, compiled, learnt),
        "list": None if a.list_file is None else [a.list_file.digest, a.list_file.column, a.list_file.identity],
        "exclude": sorted(compiled[text].canonical for text in a.exclude),
        "size": None if a.size is None else [*_size(a.size), _canonical(a.order, compiled)],
        "limits": [a.publish_at_least, a.holdout, _period(a), str(a.band), str(a.pressure)],
        "ahead": a.ahead,
        "uses": {name: used.get(name, "previous") for name in named.union(_learning(a))},
    }


def _likeness(likeness: Likeness, compiled: Compiled, learnt: Mapping[str, str]) -> list[Any]:
    against = likeness.learn_against
    return [
        _canonical(likeness.seed, compiled),
        _canonical(likeness.candidates, compiled),
        _canonical(against, compiled) if isinstance(against, Text) else against,
        [sorted(likeness.learn_from), sorted(likeness.leave_out), learnt],
        [likeness.activity, likeness.backtest_days, likeness.penalty],
    ]


def _learning(a: Audience) -> set[str]:
    return {a.likeness.activity} if a.likeness else set()


def _size(size: Size) -> list[Any]:
    return [size.customers, size.share, size.score, size.best]


def _period(a: Audience) -> list[Any]:
    return [a.expires.after_days, str(a.expires.on)] if a.expires else []


def _recommendation(r: Recommendation, compiled: Compiled) -> dict[str, Any]:
    return {
        "purpose": r.purpose,
        "of": r.of,
        "where": _canonical(r.condition, compiled),
        "days": [r.days, r.holdout_days],
        "lists": [sorted(r.targets), r.top],
        "als": [r.seed, r.als.rank, r.als.reg, r.als.alpha, r.als.iterations],
    }


def _words_of(recommendations: Iterable[Recommendation]) -> dict[str, list[str]]:
    return {r.name: [r.owner, r.task] for r in recommendations}


def _kpi(k: Kpi, compiled: Compiled) -> list[str | None]:
    expressions = (k.revenue, k.revenue_before, k.active, k.active_before, k.asked, k.converted)
    return [k.period, *(_canonical(text, compiled) for text in expressions)]


def _learnt(a: Audience, features: tuple[Feature, ...], hashes: Mapping[str, str]) -> dict[str, str]:
    patterns = a.likeness.learn_from if a.likeness else ()
    return {f.name: hashes[f.name] for pattern in patterns for f in matching(pattern, features)}


def _words(p: Any) -> list[str | None]:
    return [p.segment, p.label, p.description, p.offer]


def _canonical(text: Text | None, compiled: Compiled) -> str | None:
    return None if text is None else compiled[text].canonical
