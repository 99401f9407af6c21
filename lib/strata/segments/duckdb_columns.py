"""Scores, prepared features and nearest centres as DuckDB SQL: the twin of `columns`. Text in, text out."""

from collections.abc import Callable, Mapping, Sequence

from strata.project.models import Score
from strata.segments.literals import number, quoted
from strata.segments.preparation import GRID, LARGEST, Dimension
from strata.segments.ranks import Step, pieces_of


def score_sql(score: Score) -> str:
    """The score of the feature it cuts, BIGINT from 1, NULL where the feature is; the twin of `scores.score_of`."""
    sign = "<=" if score.better == "low" else ">="
    value = f"CAST({quoted(score.of)} AS DOUBLE)"
    return " + ".join(
        ["CAST(1 AS BIGINT)", *(f"CAST({value} {sign} {number(cut)} AS BIGINT)" for cut in score.thresholds)]
    )


def known_sql(feature: str) -> str:
    """The feature as DOUBLE, NULL where it is not known, NaN, infinite or too large; the twin of `is_known`."""
    value = f"CAST({quoted(feature)} AS DOUBLE)"
    return f"CASE WHEN abs({value}) <= {number(LARGEST)} THEN {value} END"


def prepared_sql(dimension: Dimension, known: str) -> str:
    """A dimension, DOUBLE and never NULL, of a column of `known_sql`; the twin of `Dimension.prepare`."""
    filled = f"coalesce({known}, 0e0)" if dimension.zero_if_unknown else known
    measured = _TRANSFORMS[dimension.transform](_PARTS[dimension.part](filled), dimension)
    scaled = f"({measured} - {number(dimension.centre)}) / {number(dimension.scale)}"
    return f"coalesce({on_grid_sql(scaled)} + 0e0, 0e0)"


def ranked_sql(point: Sequence[str], centres: Sequence[Sequence[float]]) -> str:
    """The centres by distance from the point of these columns: a list of distance (squared) and index from 1."""
    ranked = (
        f"{{'distance': {_squared_distance(point, centre)}, 'index': {index}}}"
        for index, centre in enumerate(centres, 1)
    )
    return f"list_sort([{', '.join(ranked)}])"


def on_grid_sql(value: str) -> str:
    """`value` on the grid of prepared values and distances."""
    return f"(round_even(({value}) * {number(GRID)}, 0) / {number(GRID)})"


def _squared_distance(point: Sequence[str], centre: Sequence[float]) -> str:
    gaps = [f"({quoted(value)} - {number(at)})" for value, at in zip(point, centre, strict=True)]
    return on_grid_sql("(" + " + ".join(f"{gap} * {gap}" for gap in gaps) + ")")


def _signed_log1p(value: str) -> str:
    # DuckDB has no log1p; W. Kahan's identity keeps the digits that 1 + x loses, and the grid hides the last one
    size = f"abs({value})"
    plus_one = f"(1e0 + {size})"
    log1p = f"CASE WHEN {plus_one} = 1e0 THEN {size} ELSE ln{plus_one} * ({size} / ({plus_one} - 1e0)) END"
    return f"sign({value}) * {log1p}"


def _along(value: str, steps: Sequence[Step]) -> str:
    branches = (
        f"WHEN {value} < {number(p.below)} THEN ({value} - {number(p.start)}) * {number(p.slope)} + {number(p.share)}"
        for p in pieces_of(steps)
    )
    return f"CASE {' '.join(branches)} END"


_PARTS: Mapping[str, Callable[[str], str]] = {
    "value": lambda known: known,
    "amount": lambda known: f"nullif({known}, 0e0)",
    "has": lambda known: f"CAST({known} <> 0e0 AS DOUBLE)",
    "known": lambda known: f"CAST({known} IS NOT NULL AS DOUBLE)",
}
_TRANSFORMS: Mapping[str, Callable[[str, Dimension], str]] = {
    "none": lambda value, _: value,
    "log1p": lambda value, _: _signed_log1p(value),
    "rank": lambda value, dimension: _along(value, dimension.steps),
}
