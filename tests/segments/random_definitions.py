"""Random definitions of every kind, and random customers with NULL, NaN and the largest numbers; from Hypothesis."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.expression.test_agreement import BOOLEAN, NAMES, NUMBERS, VALUES, expressions, tables
from tests.segments.definitions import AS_OF, HERE, cluster_model, customer, score, segment, segmentation

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.expression import Name, compile_expression
from strata.project.clusterings import ClusterFeature
from strata.project.models import Score, Segment, Segmentation, Text
from strata.segments.model import ClusterModel
from strata.segments.preparation import Dimension, Preparation

KNOWN_AT = datetime(2018, 1, 1, tzinfo=UTC)
NUMERIC = sorted(name for name, found in NAMES.items() if found.type in NUMBERS)
WORDS = ["true", "false", "0", "7", "-3", "a", "it's", "", "ß é", "z"]
OF_ATTRIBUTE = {Type.STRING, Type.BOOLEAN, Type.BIGINT}
COORDINATES = st.sampled_from([-3.0, -0.25, 0.0, 0.1, 1.0, 7.5])
CUTS = [-1e9, -9.0, -1.75, -0.05, 0.0, 0.1, 0.5, 1.0, 2.5, 7.0, 1e9, 1e16]

AUDIENCES = {"audience.wine": Name(Type.BOOLEAN, False)}
ON_CUTS = VALUES | {
    Type.BIGINT: st.sampled_from([-9, 0, 1, 7, 10**9]),
    Type.MONEY: st.sampled_from([Decimal(str(cut)).quantize(Decimal("0.01")) for cut in CUTS[:-1]]),
    Type.DOUBLE: st.sampled_from([*CUTS, math.inf, -math.inf, math.nan]),
    Type.STRING: st.sampled_from(WORDS),
}
"""Values that thresholds cut at and that are segments of their own."""


def conditions(scores: Sequence[Score]) -> st.SearchStrategy[str]:
    """Over scores, every one of which may be unknown."""
    of = st.sampled_from([s.score for s in scores])
    one = st.tuples(of, st.sampled_from([">=", "<=", "=", "<", ">"]), st.integers(0, 5)).map(
        lambda parts: f"{parts[0]} {parts[1]} {parts[2]}"
    )
    one |= of.map(lambda name: f"{name} is null")
    two = st.tuples(one, st.sampled_from(["and", "or"]), one).map(lambda parts: f"({' '.join(parts)})")
    return one | two | st.tuples(two, st.sampled_from(["and", "or"]), one).map(" ".join)


def segments(words: Sequence[str], is_open: bool) -> tuple[list[Segment], str]:
    made = [segment(f"s{place}", when) for place, when in enumerate(words)]
    return (made, "error") if is_open else ([*made, segment("rest")], "rest")


@st.composite
def scorings(draw: st.DrawFn) -> tuple[str, dict[str, Any], list[str], bool]:
    features = draw(st.lists(st.sampled_from(NUMERIC), min_size=1, max_size=3, unique=True))
    cuts = st.lists(st.sampled_from(CUTS), min_size=1, max_size=4, unique=True).map(sorted)
    scores = tuple(
        score(f"x{i}", of, draw(cuts), draw(st.sampled_from(["low", "high"]))) for i, of in enumerate(features)
    )
    told_apart = [f"{scores[0].score} = 1", f"{scores[0].score} = 2", f"{scores[0].score} >= 3"]
    words = draw(st.just(told_apart) | st.lists(conditions(scores), min_size=1, max_size=4))
    return "scores", {"scores": scores}, words, draw(st.booleans())


def rulings() -> st.SearchStrategy[tuple[str, dict[str, Any], list[str], bool]]:
    one = (expressions(BOOLEAN, 1) | expressions(BOOLEAN, 2)).filter(is_allowed)
    words = st.lists(one, min_size=1, max_size=4)
    return st.tuples(st.just("rules"), st.just({}), words, st.booleans())


@st.composite
def dimensions(draw: st.DrawFn, feature: str) -> Dimension:
    """Any, with the values that thresholds cut at among the breakpoints of a rank."""
    transform = draw(st.sampled_from(["none", "log1p", "rank"]))
    breakpoints = sorted(draw(st.lists(st.sampled_from(CUTS), min_size=1, max_size=6, unique=True)))
    return Dimension(
        feature,
        draw(st.sampled_from(["value", "amount", "has", "known"])),
        transform,
        centre=draw(COORDINATES),
        scale=draw(st.sampled_from([0.3, 1.0, 9.0])),
        zero_if_unknown=draw(st.booleans()),
        steps=tuple((at, (i + 0.5) / len(breakpoints)) for i, at in enumerate(breakpoints) if transform == "rank"),
    )


@st.composite
def preparations(draw: st.DrawFn, features: Sequence[str]) -> Preparation:
    """Of some of the features; the others were dropped."""
    listed = draw(st.lists(st.sampled_from(features).flatmap(dimensions), min_size=1, max_size=5))
    return Preparation(tuple(features), tuple(sorted(listed, key=lambda d: features.index(d.feature))))


@st.composite
def clusterings(draw: st.DrawFn) -> tuple[tuple[ClusterFeature, ...], ClusterModel]:
    features = draw(st.lists(st.sampled_from(NUMERIC), min_size=1, max_size=3, unique=True))
    preparation = draw(preparations(features))
    points = st.tuples(*(COORDINATES for _ in preparation.dimensions))
    centres = draw(st.lists(points, min_size=1, max_size=4, unique=True))
    model = cluster_model(preparation, *centres)
    return tuple(ClusterFeature(feature, "none", HERE) for feature in features), model


def is_allowed(words: str) -> bool:
    try:
        compile_expression(Text(words, HERE), NAMES, BOOLEAN)
    except ProjectError:
        return False
    return True


def attributes() -> st.SearchStrategy[dict[str, Any]]:
    """Of a feature whose values may be segments, with some of them listed."""
    of = st.sampled_from(sorted(name for name, found in NAMES.items() if found.type in OF_ATTRIBUTE))
    listed = st.lists(st.sampled_from(WORDS), max_size=4, unique=True)
    return st.fixed_dictionaries({"of": of, "listed": listed, "otherwise": st.sampled_from(["other", "error"])})


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """So many values, no two alike, the same every time."""
    found: dict[str, Any] = {}

    @settings(
        max_examples=count + count // 3 + 20,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: Any) -> None:
        found.setdefault(repr(value), value)

    draw()
    if len(found) < count:
        raise AssertionError(f"found {len(found)} different values, expected {count}")
    return list(found.values())[-count:]


def random_definitions(count: int) -> tuple[list[Segmentation], dict[str, ClusterModel]]:
    """So many definitions: rules and scores in turn, every tenth clusters; and the models of these."""
    clusters, values = drawn(clusterings(), count // 10), drawn(attributes(), count // 10)
    bases = drawn((expressions(BOOLEAN, 1) | expressions(BOOLEAN, 2)).filter(is_allowed), count // 10)
    rest = count - len(clusters) - len(values) - len(bases)
    others = drawn(st.booleans().flatmap(lambda is_ruled: rulings() if is_ruled else scorings()), rest)
    models = {f"clusters{place}": model for place, (_, model) in enumerate(clusters)}
    made = [
        segmentation(f"clusters{place}", "clusters", features=features, clusters=len(model.centres))
        for place, (features, model) in enumerate(clusters)
    ]
    for place, (kind, more, words, is_open) in enumerate(others):
        listed, otherwise = segments(words, is_open)
        made.append(segmentation(f"{kind}{place}", kind, listed, otherwise=otherwise, **more))
    for place, parts in enumerate(values):
        groups = [replace(segment(f"v{n}"), values=(value,)) for n, value in enumerate(parts["listed"])]
        of, otherwise = parts["of"], parts["otherwise"]
        made.append(segmentation(f"values{place}", "attribute", groups, of=of, otherwise=otherwise))
    made.sort(key=lambda s: s.name[::-1])  # kinds mixed
    return [*_read_by_others(made, bases)], models


def _read_by_others(made: list[Segmentation], bases: list[str]) -> Iterator[Segmentation]:
    """The definitions, and behind some of them one that is about them and an audience, split by a base."""
    every = max(len(made) // len(bases), 1)
    for place, read in enumerate(made):
        yield read
        if place % every == 0 and place // every < len(bases):
            base = bases[place // every]
            named = [f"{read.name} = 's0'", f"{read.name} is null and not audience.wine", "audience.wine"]
            rules = [*(segment(f"s{n}", words) for n, words in enumerate(named)), segment("rest")]
            yield segmentation(f"about_{read.name}", "rules", rules, otherwise="rest", base=Text(base, HERE))


def random_customers(count: int) -> pa.Table:
    """Rows with a column of every type, known of everybody and not."""
    often = [*drawn(tables(VALUES, 1), count // 2), *drawn(tables(ON_CUTS, 1), count - count // 2)]
    table = pa.concat_tables(often)
    ids = pa.array([customer(i) for i in range(count)])
    # as of the date of a backtest nobody knows who would be a member
    table = table.append_column("audience.wine", pa.array([[True, False, None][i % 3] for i in range(count)]))
    return table.append_column("customer_id", ids).append_column("as_of_date", pa.array([AS_OF] * count))
