"""A segmentation as DuckDB SQL: the second, independent evaluator beside the Spark columns. Text in, text out.

It looks into stored snapshots without a JVM, and tests hold both evaluators against each other. As in Spark, helper
columns come in layers, each reading those before it: scores or prepared values, then what every rule says, then
the segment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from strata.contract.columns import Type
from strata.errors import Problem, ProjectError
from strata.expression import Name, compile_expression
from strata.project.models import Segmentation
from strata.project.names import names_of_scores
from strata.project.shapes.segmentations import ERROR
from strata.segments.duckdb_columns import known_sql, on_grid_sql, prepared_sql, ranked_sql, score_sql
from strata.segments.literals import quoted, text
from strata.segments.model import ClusterModel

NO_MODELS: Mapping[str, ClusterModel] = {}
NO_SCORE = "CAST(NULL AS DOUBLE)"
Layer = Mapping[str, str]
"""Column -> the SQL that computes it from the columns before."""


@dataclass(frozen=True, slots=True)
class SegmentSQL:
    """How DuckDB computes a segmentation.

    Attributes:
        segment: the SQL of the segment, over the layers; of customers outside of the base it says nothing.
        score: the SQL of the score of the membership, DOUBLE.
        layers: helper columns.
        rules: segment -> the helper column that says whether its rule holds: true, false or NULL.
        reads: the features and segmentations that it is computed from.
        base: the SQL of who is split, true, false or NULL; None: everybody.
    """

    segment: str
    score: str = NO_SCORE
    layers: tuple[Layer, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    reads: frozenset[str] = frozenset()
    base: str | None = None


def segment_sql(
    segmentation: Segmentation, names: Mapping[str, Name], models: Mapping[str, ClusterModel] = NO_MODELS
) -> SegmentSQL:
    """The SQL of one segmentation over a relation with a column for each of `names`.

    Args:
        segmentation: cuts of the population have been filled in (`cuts.resolve`).
        names: features, and the segmentations that conditions may name.
        models: for kind clusters.

    Raises:
        ProjectError: conditions that do not compile, all of them.
        KeyError: a clustering has no model.
    """
    made = _of_kind(segmentation, names, models)
    parts, reads = [], set(made.reads)
    if segmentation.base is not None:
        condition = compile_expression(segmentation.base, names, Type.BOOLEAN)
        parts.append(condition.to_duckdb())
        reads |= condition.names
    if segmentation.purpose is not None:
        parts.append(quoted(permission_column(segmentation.purpose)))
    return replace(made, base=" AND ".join(parts) or None, reads=frozenset(reads))


def _of_kind(segmentation: Segmentation, names: Mapping[str, Name], models: Mapping[str, ClusterModel]) -> SegmentSQL:
    match segmentation.kind:
        case "attribute":
            return _by_attribute(segmentation)
        case "rules":
            return _by_rules(segmentation, names, {}, ())
        case "scores":
            cuts = {helper(segmentation, s.score): score_sql(s) for s in segmentation.scores}
            scores = {s.score: helper(segmentation, s.score) for s in segmentation.scores}
            ruled = _by_rules(segmentation, names_of_scores(segmentation, names), scores, (cuts,))
            return replace(ruled, reads=frozenset(s.of for s in segmentation.scores))
        case "clusters":
            return _by_clusters(segmentation, models[segmentation.name])


def select_segments(relation: str, groups: Sequence[Mapping[str, SegmentSQL]]) -> str:
    """A query for all columns of `relation`, a column per segmentation and its helpers; one scan of the relation.

    Args:
        relation: a table or a query in parentheses, with a column per feature.
        groups: segmentations by name; a group may read the columns of those before it.

    Returns:
        The segment in the column of the segmentation's name, its score in `score_column(name)`, whether it splits
        the customer in `base_column(name)`.
    """
    layers: list[dict[str, str]] = []
    for group in groups:
        for side_by_side in zip_longest(*(s.layers for s in group.values()), fillvalue={}):
            layers.append({name: sql for layer in side_by_side for name, sql in layer.items()})
        layers.append({base_column(name): f"coalesce({s.base or 'true'}, false)" for name, s in group.items()})
        outcomes = {name: {name: s.segment, score_column(name): s.score} for name, s in group.items()}
        layers.append(
            {
                column: f"CASE WHEN {quoted(base_column(name))} THEN {sql} END" if group[name].base else sql
                for name, found in outcomes.items()
                for column, sql in found.items()
            }
        )
    return layered(relation, layers)


def layered(relation: str, layers: Sequence[Layer]) -> str:
    """A query for all columns of `relation` and those of `layers`, each layer reading those before it."""
    query = f"SELECT * FROM {relation}"
    for layer in layers:
        if layer:
            columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in layer.items())
            query = f"SELECT *, {columns} FROM ({query})"
    return query


def score_column(name: str) -> str:
    """The column in which `select_segments` gives the score of a segmentation's memberships."""
    return f"~{name}:score of membership"


def base_column(name: str) -> str:
    """The BOOLEAN column, never NULL, in which `select_segments` says who is in the base of a segmentation."""
    return f"~{name}:is in base"


def permission_column(purpose: str) -> str:
    """The BOOLEAN column that says who may be addressed for a purpose."""
    return f"~may:{purpose}"


def helper(segmentation: Segmentation, part: str | int) -> str:
    """Name of a helper column that no feature and no other segmentation uses."""
    return f"~{segmentation.name}:{part}"


def _by_rules(
    segmentation: Segmentation, names: Mapping[str, Name], renamed: Mapping[str, str], layers: tuple[Layer, ...]
) -> SegmentSQL:
    flags: dict[str, str] = {}
    reads: set[str] = set()
    problems: list[Problem] = []
    for place, segment in enumerate(segmentation.segments, 1):
        if segment.when is None:
            continue
        try:
            condition = compile_expression(segment.when, names, Type.BOOLEAN)
            flags[helper(segmentation, f"rule {place}")] = condition.to_duckdb(renamed)
            reads |= condition.names
        except ProjectError as error:
            problems.extend(error.problems)
    if problems:
        raise ProjectError(problems)
    ruled = [s.segment for s in segmentation.segments if s.when is not None]
    rules = dict(zip(ruled, flags, strict=True))
    otherwise = _otherwise(segmentation)
    branches = " ".join(f"WHEN {quoted(flag)} THEN {text(segment)}" for segment, flag in rules.items())
    chosen = f"CASE {branches} ELSE {otherwise} END" if branches else otherwise
    return SegmentSQL(chosen, layers=(*layers, flags), rules=rules, reads=frozenset(reads))


def _by_attribute(segmentation: Segmentation) -> SegmentSQL:
    of = str(segmentation.of)
    value = f"CAST({quoted(of)} AS VARCHAR)"
    listed = " ".join(f"WHEN {text(v)} THEN {text(s.segment)}" for s in segmentation.segments for v in s.values)
    rest = _otherwise(segmentation)
    found = f"CASE {value} {listed} ELSE {rest} END" if listed else rest
    chosen = f"CASE WHEN {quoted(of)} IS NULL THEN {text(segmentation.unknown)} ELSE {found} END"
    return SegmentSQL(chosen, reads=frozenset([of]))


def _otherwise(segmentation: Segmentation) -> str:
    return "CAST(NULL AS VARCHAR)" if segmentation.otherwise == ERROR else text(segmentation.otherwise)


def _by_clusters(segmentation: Segmentation, model: ClusterModel) -> SegmentSQL:
    dimensions = model.preparation.dimensions
    known = {d.feature: helper(segmentation, f"known {d.feature}") for d in dimensions}
    point = {helper(segmentation, i): prepared_sql(d, quoted(known[d.feature])) for i, d in enumerate(dimensions)}
    ranked = helper(segmentation, "centres")
    own, second = (f"sqrt({quoted(ranked)}[{place}].distance)" for place in (1, 2))
    ids = ", ".join(map(text, model.segments))
    return SegmentSQL(
        segment=f"[{ids}][{quoted(ranked)}[1].index]",
        score=f"CASE WHEN {quoted(ranked)}[2].distance > 0 THEN {on_grid_sql(f'1e0 - {own} / {second}')} END",
        layers=(
            {column: known_sql(feature) for feature, column in known.items()},
            point,
            {ranked: ranked_sql(list(point), model.centres)},
        ),
        reads=frozenset(known),
    )
