"""What if: one feature of a customer at a time set to the values at which a comparison changes its truth. Pure.

The values are those that conditions compare a feature with, and their neighbours one step of the type away: 1, a
cent, a day, the next DOUBLE. Features that are computed from the changed one follow it; others stay as they are.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from strata.contract.columns import Type
from strata.expression import Expression
from strata.expression.duckdb import to_duckdb
from strata.expression.tree import COMPARISONS, Node, columns_of
from strata.project.models import Score
from strata.segments.duckdb import Layer, layered
from strata.segments.literals import number, quoted, text

Value = Any
YEAR = 365
STEPS = {Type.BIGINT: (Decimal(1), Decimal(2**63)), Type.MONEY: (Decimal("0.01"), Decimal(10**16))}
"""One step of a type, and what its values stay below."""
_COMPARING = COMPARISONS | {"between", "in", "not in"}
PLACE = "place"


@dataclass(frozen=True, slots=True)
class Bound:
    """A feature, the SQL of what a condition compares it with, and what that reads."""

    feature: str
    against: str
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Variant:
    """A feature at another value; `distance`: how far that is, relative to what it is compared with."""

    feature: str
    old: Value
    new: Value
    distance: float


def bounds_of(condition: Expression) -> frozenset[Bound]:
    """What the comparisons of a condition hold a bare feature against."""
    return frozenset(_bounds(condition.tree))


def bounds_of_score(score: Score) -> frozenset[Bound]:
    """The thresholds of a score."""
    return frozenset(Bound(score.of, number(cut)) for cut in score.thresholds)


def variants_of(bound: Bound, at: Value, old: Value, kind: Type) -> list[Variant]:
    """A feature that is `old` now, at the value `at` of a bound and one step beside it."""
    candidates = _around(at, kind) if at is not None else []
    return [Variant(bound.feature, old, new, distance(old, new, at, kind)) for new in candidates if new != old]


def distance(old: Value, new: Value, bound: Value, kind: Type) -> float:
    """How far a change goes: for numbers relative to the bound (to 1 where that is 0), for days in years, else 1."""
    if old is None or kind in (Type.STRING, Type.BOOLEAN):
        return 1.0
    if kind is Type.DATE:
        return float(abs((new - old).days)) / YEAR
    gap = abs(float(new) - float(old)) / (abs(float(bound)) or 1.0)
    return gap if math.isfinite(gap) else math.inf


def variants_query(
    customer: str, layers: Sequence[Layer], variants: Sequence[Variant], kinds: Mapping[str, Type]
) -> str:
    """The customer as it is (place 0) and once per variant (1, 2, ...), features in `layers` computed for each.

    Args:
        customer: one row with the stored columns, in parentheses.
        layers: features of kind expression over them.
        variants: in the order of their places.
        kinds: type of each feature that varies.
    """
    computed = {name for layer in layers for name in layer}
    varied: dict[str, dict[int, str]] = {}
    for place, variant in enumerate(variants, 1):
        value = value_sql(variant.new, kinds[variant.feature])
        varied.setdefault(variant.feature, {})[place] = value
    stored = [f"{_varying(quoted(f), varied[f])} AS {quoted(f)}" for f in sorted(varied.keys() - computed)]
    replaced = f" REPLACE ({', '.join(stored)})" if stored else ""
    rows = f"(SELECT *{replaced} FROM {customer} CROSS JOIN range({len(variants) + 1}) AS t({PLACE}))"
    return layered(rows, [{f: _varying(sql, varied.get(f, {})) for f, sql in layer.items()} for layer in layers])


def value_sql(value: Value, kind: Type) -> str:
    """A value of a feature as DuckDB SQL."""
    if kind is Type.DOUBLE:
        return number(value)
    written = value.isoformat() if isinstance(value, date) else str(value)
    return f"CAST({text(written)} AS {'VARCHAR' if kind is Type.STRING else kind.value})"


def _varying(sql: str, values: Mapping[int, str]) -> str:
    branches = " ".join(f"WHEN {place} THEN {value}" for place, value in values.items())
    return f"CASE {PLACE} {branches} ELSE {sql} END" if branches else sql


def _bounds(node: Node) -> Iterable[Bound]:
    if node.op == "column" and node.type is Type.BOOLEAN:
        yield from (Bound(str(node.value), flag) for flag in ("true", "false"))
    if node.op in _COMPARING:
        for place, side in enumerate(map(_bare, node.args)):
            if side.op == "column":
                others = (arg for other, arg in enumerate(node.args) if other != place)
                free = (arg for arg in others if side.value not in columns_of(arg))
                yield from (Bound(str(side.value), to_duckdb(arg), columns_of(arg)) for arg in free)
    for arg in node.args:
        yield from _bounds(arg)


def _bare(node: Node) -> Node:
    """Without widening to another type."""
    return _bare(node.args[0]) if node.op in ("money", "double") else node


def _around(at: Value, kind: Type) -> list[Value]:
    match kind:
        case Type.DATE:
            return [at + timedelta(days=n) for n in (-1, 0, 1)]
        case Type.DOUBLE:
            value = float(at)
            return [math.nextafter(value, -math.inf), value, math.nextafter(value, math.inf)]
        case Type.BIGINT | Type.MONEY:
            return _whole_steps(Decimal(str(at)), kind)
        case _:
            return [at]


def _whole_steps(at: Decimal, kind: Type) -> list[Value]:
    step, limit = STEPS[kind]
    if not abs(at) < limit:
        return []
    low = (at / step).to_integral_value(ROUND_FLOOR)
    high = (at / step).to_integral_value(ROUND_CEILING)
    found = [(n * step).quantize(step) for n in sorted({low - 1, low, high, high + 1}) if abs(n * step) < limit]
    return [int(value) if kind is Type.BIGINT else value for value in found]
