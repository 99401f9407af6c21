"""Why a customer is in an audience or not, as one more column beside those of `audience_sql`. Pure."""

from collections.abc import Iterable, Mapping

from strata.contract.columns import Type
from strata.expression import Expression, Name, compile_expression
from strata.expression.canonical import canonical
from strata.expression.duckdb import to_duckdb
from strata.expression.tree import Node, columns_of
from strata.preview.audiences import AudienceSQL, column_of, seed_column
from strata.preview.variants import Bound, bounds_of
from strata.project.audiences import Audience
from strata.project.words import Text
from strata.segments.literals import number, quoted, text

MEMBER, BELOW, UNKNOWN = "member", "below the cut", "not learned yet"
SEED = "of the seed, whom nobody returns"
MISSED = {"rule": "does not meet the rule", "list": "not in the list", "lookalike": "not a candidate"}


def outcome_column(audience: Audience) -> str:
    """The column of `outcome_sql`."""
    return column_of(audience, "outcome")


def outcome_sql(audience: Audience, sql: AudienceSQL) -> str:
    """`MEMBER`, or the first reason why not: STRING.

    Who is refused consent and who never gave it are told by the same words. A look-alike's candidates whom the release
    does not have are below its cut, so what refuses them is told before.
    """
    steps = {f"NOT {quoted(sql.meets)}": MISSED[audience.kind]}
    if audience.likeness is not None:
        steps = {quoted(seed_column(audience)): SEED, **steps}
    else:
        steps[f"NOT {quoted(sql.found)}"] = BELOW
    steps |= {quoted(column): reason for reason, column in sql.refusals.items()}
    steps |= {f"{quoted(sql.found)} IS NULL": UNKNOWN, f"NOT {quoted(sql.found)}": BELOW}
    branches = " ".join(f"WHEN {condition} THEN {text(outcome)}" for condition, outcome in steps.items())
    return f"CASE {branches} ELSE {text(MEMBER)} END"


def bounds_of_audience(audience: Audience, sql: AudienceSQL, names: Mapping[str, Name]) -> frozenset[Bound]:
    """What its conditions hold a feature against, and the last value that is still found."""
    found: set[Bound] = set()
    for condition in audience.conditions:
        found |= bounds_of(compile_expression(condition, names, Type.BOOLEAN))
    if audience.order is not None and sql.cut is not None and sql.cut.value is not None:
        ordered = _bare(compile_expression(audience.order, names).tree)
        sign = -1 if audience.size and audience.size.best == "low" else 1
        if ordered.op == "column":
            found.add(Bound(str(ordered.value), number(sign * sql.cut.value)))
    return frozenset(found)


def deciding_text(audience: Audience, outcome: str) -> Text | None:
    """The condition that an outcome is about; None: none is."""
    if outcome in (MEMBER, BELOW, UNKNOWN):
        return audience.include or (audience.likeness.candidates if audience.likeness else None)
    if audience.likeness is not None and outcome in (SEED, MISSED["lookalike"]):
        return audience.likeness.seed if outcome == SEED else audience.likeness.candidates
    if outcome == MISSED["rule"]:
        return audience.include
    return next((t for t in audience.exclude if outcome == f"excluded: {t.words}"), None)


def parts_of(condition: Expression) -> list[tuple[str, str, frozenset[str]]]:
    """Words, SQL and names of what `and` joins at the top of a condition."""
    parts = condition.tree.args if condition.tree.op == "and" else (condition.tree,)
    return [(canonical(part), to_duckdb(part), columns_of(part)) for part in _flat(parts)]


def _flat(parts: Iterable[Node]) -> Iterable[Node]:
    for part in parts:
        yield from _flat(part.args) if part.op == "and" else (part,)


def _bare(node: Node) -> Node:
    """Without widening to another type."""
    return _bare(node.args[0]) if node.op in ("money", "double") else node
