"""The space of score combinations, enumerated: which segment gets what, and what no segment gets.

DuckDB evaluates the compiled conditions: the same NULL logic as in Spark, without Spark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from strata.contract.columns import Type
from strata.expression import Expression, Name
from strata.expression.duckdb import literal_sql
from strata.expression.tree import Value
from strata.project.models import Segmentation

LARGEST_SPACE = 200_000
EXAMPLES = 3
ALL_BIGINT: Mapping[str, Type] = {}


@dataclass(frozen=True, slots=True)
class Coverage:
    """`reached`: segments that some combination falls into; `uncovered`: how many fall into none, and examples."""

    reached: frozenset[str]
    uncovered: int
    examples: tuple[str, ...]


def score_values(segmentation: Segmentation, names: Mapping[str, Name]) -> dict[str, tuple[int | None, ...]]:
    """Every value each score can take, best first; unknown (None) last where its feature may be unknown."""
    return {
        score.score: (*range(score.best, 0, -1), *((None,) if names[score.score].nullable else ()))
        for score in segmentation.scores
    }


def space_size(values: Mapping[str, Sequence[int | None]]) -> int:
    """How many combinations there are."""
    return prod(len(options) for options in values.values())


def cover(
    values: Mapping[str, Sequence[Value]],
    rules: Sequence[tuple[str, Expression]],
    types: Mapping[str, Type] = ALL_BIGINT,
) -> Coverage:
    """Where every combination falls: into the first of `rules` (segment, condition) that holds, or into none.

    `types`: those of the columns that are not BIGINT.
    """
    import duckdb  # noqa: PLC0415 - only projects with scores pay for it

    space = " cross join ".join(
        f'(select unnest([{", ".join(literal_sql(v, types.get(column, Type.BIGINT)) for v in options)}]) as "{column}")'
        for column, options in values.items()
    )
    branches = " ".join(f"when {rule.to_duckdb()} then {number}" for number, (_, rule) in enumerate(rules))
    hits = f"select *, {f'case {branches} else -1 end' if branches else '-1'} as hit from {space}"
    order = ", ".join(f'"{score}" desc nulls last' for score in values)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        counts = dict(connection.execute(f"select hit, count(*) from ({hits}) group by hit").fetchall())
        uncovered = connection.execute(
            f"select * exclude (hit) from ({hits}) where hit = -1 order by {order} limit {EXAMPLES}"
        ).fetchall()
    return Coverage(
        frozenset(segment for number, (segment, _) in enumerate(rules) if number in counts),
        counts.get(-1, 0),
        tuple(_in_words(values, combination) for combination in uncovered),
    )


def _in_words(scores: Mapping[str, object], combination: Sequence[Value]) -> str:
    return ", ".join(f"{s} {'is null' if v is None else f'= {v}'}" for s, v in zip(scores, combination, strict=True))
