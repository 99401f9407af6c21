"""SQL expressions, the language of a project's authors: parsed by sqlglot, checked, compiled; never passed on as text.

    words → parse (allowed tokens) → check (allowed nodes, types) → nulls (the rule about `not`) → Expression
                                                                    → `duckdb`, `spark` and `canonical` render it

Rules beside those of SQL:

- Types are BOOLEAN, BIGINT, MONEY (DECIMAL(18,2)), DOUBLE, STRING and DATE; `types` says how numbers widen.
- `/` is DOUBLE, and NULL at zero. `sqrt` of a negative number is NULL. `round` takes halves away from zero.
- What does not fit its type (BIGINT beyond 2^63, MONEY beyond 10^16) is NULL. Nothing raises at run time.
- `least` and `greatest` look at what is not NULL. NaN equals itself and is the largest DOUBLE.
- Strings compare by their UTF-8 bytes, lengths count code points, `trim` takes spaces, `lower` has no context.
- `not`, `!=` and `not in` over something that can be NULL are refused until the author says what is meant (`nulls`).
- Names are matched with their case; `"..."` quotes a name that is not a plain word; `previous.rfm` is one name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from strata.contract.columns import Type
from strata.expression import duckdb
from strata.expression.canonical import canonical
from strata.expression.check import check
from strata.expression.checker import Name
from strata.expression.nulls import Unknowns
from strata.expression.parse import Problems, Refused, Written, parse
from strata.expression.tree import Node, columns_of, renamed

__all__ = ["Expression", "Name", "compile_expression"]
_AS_NAMED: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        tree: the checked form that back ends render.
        nullable: whether it can give NULL (numbers too large for their type aside, see `nulls`).
        names: the columns it reads.
        canonical: one spelling for all ways to write it; the same words give the same hash.
    """

    tree: Node
    nullable: bool
    names: frozenset[str]
    canonical: str

    @property
    def type(self) -> Type:
        """What it gives."""
        return self.tree.type or Type.STRING

    def to_duckdb(self, columns: Mapping[str, str] = _AS_NAMED) -> str:
        """The expression as DuckDB SQL over columns of its names, or of what `columns` says for a name."""
        return duckdb.to_duckdb(renamed(self.tree, columns) if columns else self.tree)


def compile_expression(text: Written, names: Mapping[str, Name], expect: Type | None = None) -> Expression:
    """Read, check and compile an expression.

    Args:
        text: the words and the place of their first character (`project.models.Text`).
        names: the columns it may use.
        expect: the type it must have, or widen to without loss.

    Raises:
        ProjectError: it cannot be used; every problem found, each with file, line and column.
    """
    problems = Problems(text)
    parsed = parse(problems, names)
    try:
        tree = check(problems, names, parsed, expect)
    except Refused:
        problems.stop_if_any()
        raise
    problems.stop_if_any()
    unknowns = Unknowns(problems, names).of(tree)
    problems.stop_if_any()
    return Expression(tree, bool(unknowns), columns_of(tree), canonical(tree))
