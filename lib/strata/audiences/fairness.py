"""Who an audience is made of by protected features: a look-alike that learns nothing of sex may still choose by it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from strata.audiences.definition import Lookalike
from strata.audiences.sample import holds, is_candidate

UNKNOWN = "unknown"
_TEN = 10
_CELL, _OF = "~cell", "~of"


@dataclass(frozen=True, slots=True)
class Cell:
    """Customers who have a value: among the members of an audience, its seed and its candidates."""

    attribute: str
    value: str
    members: int
    seed: int
    candidates: int

    @property
    def counts(self) -> tuple[int, ...]:
        """The customers that a figure about it tells of; who could be a member and is not can be had by subtraction."""
        return self.members, self.seed, self.candidates, max(0, self.candidates - self.members)


def count_protected(customers: DataFrame, attributes: Iterable[str], groups: Mapping[str, Column]) -> DataFrame:
    """How many customers of each group have which value of protected features; one aggregate for all groups.

    Args:
        customers: of one date, with the features and what the groups need.
        attributes: protected features; those that `customers` lacks are left aside.
        groups: name -> who belongs to it, never NULL.

    Returns:
        attribute, value (numbers in tens: `30-39`; `unknown` for NULL), and for each group a BIGINT of its name.
    """
    found = [a for a in sorted(attributes) if a in customers.columns]
    cells = [F.struct(F.lit(a).alias("attribute"), _in_words(customers, a).alias("value")) for a in found]
    if not cells:
        cells = [F.struct(F.lit(None).cast("string").alias("attribute"), F.lit(None).cast("string").alias("value"))]
    flags = [group.alias(name) for name, group in groups.items()]
    rows = customers.select(F.explode(F.array(*cells)).alias(_CELL), *flags)
    return (
        rows.where(F.col(f"`{_CELL}`.attribute").isNotNull())
        .groupBy(F.col(f"`{_CELL}`.attribute").alias("attribute"), F.col(f"`{_CELL}`.value").alias("value"))
        .agg(*[F.count_if(F.col(f"`{name}`")).alias(name) for name in groups])
    )


def beside_members(
    customers: DataFrame, audiences: Sequence[tuple[Lookalike, DataFrame]]
) -> tuple[DataFrame, dict[str, Column]]:
    """The groups of `count_protected` for several look-alikes: `members:<audience>`, `seed:…` and `candidates:…`.

    Args:
        customers: of one date, with all that conditions name.
        audiences: look-alikes and their members (customer_id), at least one.

    Returns:
        The customers with what the groups need, and the groups.
    """
    listed = [members.select("customer_id", F.lit(a.audience.name).alias(_OF)) for a, members in audiences]
    of = reduce(DataFrame.unionByName, listed).groupBy("customer_id").agg(F.collect_set(_OF).alias(_OF))
    groups: dict[str, Column] = {}
    for lookalike, _ in audiences:
        name = lookalike.audience.name
        groups[f"members:{name}"] = F.coalesce(F.array_contains(F.col(f"`{_OF}`"), name), F.lit(False))
        groups[f"seed:{name}"] = holds(lookalike.seed)
        groups[f"candidates:{name}"] = is_candidate(lookalike)
    return customers.join(of, "customer_id", "left"), groups


def cells_of(counted: Iterable[Mapping[str, Any]], audience: str) -> list[Cell]:
    """What `count_protected` counted of the groups of one audience."""
    groups = ("members", "seed", "candidates")
    return [Cell(row["attribute"], row["value"], *(row[f"{g}:{audience}"] for g in groups)) for row in counted]


def fairness_rows(cells: Sequence[Cell], floor: int, audience: str, as_of: date) -> list[dict[str, Any]]:
    """Rows of `publish.audience_fairness`, without release_id: attributes and values in alphabetical order.

    Cells of 1 ... floor - 1 customers are withheld, and with them others, the smallest first, until what is withheld
    of an attribute is at least two cells and `floor` customers in every group it touches: sums are known.

    Args:
        cells: of one audience; a value nobody of its groups has tells nothing and is left out.
        floor: fewest customers that a figure may be about.
        audience: its name.
        as_of: the as-of date.
    """
    there = [cell for cell in cells if any(cell.counts)]
    return [
        row
        for attribute in sorted({cell.attribute for cell in there})
        for row in _rows_of([c for c in there if c.attribute == attribute], floor, audience, as_of)
    ]


def withheld_cells(counts: Sequence[Sequence[int]], floor: int) -> frozenset[int]:
    """Which cells of one attribute are not told, by place; columns of `counts` are groups whose sums are known."""
    hidden = {i for i, cell in enumerate(counts) if any(0 < count < floor for count in cell)}
    order = sorted(range(len(counts)), key=lambda i: (*counts[i], i))
    while any(
        _lies_open([counts[i][group] for i in hidden], floor) for group in range(len(counts[0]) if counts else 0)
    ):
        more = next((i for i in order if i not in hidden and any(counts[i])), None)
        if more is None:
            break
        hidden.add(more)
    return frozenset(hidden)


def _lies_open(hidden: Sequence[int], floor: int) -> bool:
    some = [count for count in hidden if count]
    return bool(some) and (len(some) < 2 or sum(some) < floor)


def _rows_of(cells: Sequence[Cell], floor: int, audience: str, as_of: date) -> Iterator[dict[str, Any]]:
    ordered = sorted(cells, key=lambda cell: cell.value)
    hidden = withheld_cells([cell.counts for cell in ordered], floor)
    sums = [sum(group) for group in zip(*(c.counts for c in ordered), strict=True)]
    for place, cell in enumerate(ordered):
        members, seed, candidates = (
            count / total if total and place not in hidden else None
            for count, total in zip(cell.counts[:3], sums[:3], strict=True)
        )
        yield {
            "as_of_date": as_of,
            "audience": audience,
            "attribute": cell.attribute,
            "value": cell.value,
            "members_share": members,
            "seed_share": seed,
            "candidates_share": candidates,
            "is_suppressed": place in hidden,
        }


def _in_words(customers: DataFrame, attribute: str) -> Column:
    value = F.col(f"`{attribute}`")
    if isinstance(customers.schema[attribute].dataType, NumericType):
        ten = (F.floor(value / _TEN) * _TEN).cast("bigint")
        value = F.concat(ten.cast("string"), F.lit("-"), (ten + (_TEN - 1)).cast("string"))
    return F.coalesce(value.cast("string"), F.lit(UNKNOWN))
