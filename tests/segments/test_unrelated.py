"""A customer more changes nobody's segment, but where the catalogue says `population_relative`."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from tests.expression.test_agreement import ARROW
from tests.segments.definitions import AS_OF, customer
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.contract.columns import Type
from strata.project.load import load_project
from strata.project.models import Project, Segmentation
from strata.project.names import names_of_features
from strata.project.references import closure, generations, looks_back_at
from strata.publish.catalog import catalog_rows
from strata.segments.assign import assign_all
from strata.segments.cuts import needs_cuts, resolve
from strata.segments.cutting import measure_cuts

CUSTOMERS = 60
RARE, FLOOR = "Kharkiv", 10
WORDS = ["Kyiv", "Lviv", "female", "male", "app", "web", "shop", "couple", "family", "smartphone", "en", "25-34"]
RICH: dict[str, Any] = {"revenue_364d": Decimal(10**7), "home_city": RARE}
"""The newcomer has more than all others together, and is the tenth of a city."""


def drawn(dice: Random, kind: Type, *, nullable: bool) -> Any:
    if nullable and dice.random() < 0.15:
        return None
    return {
        Type.BIGINT: lambda: dice.choice([0, 0, 1, 2, 3, 5, 9, 26, 40, 90, 400]),
        Type.MONEY: lambda: Decimal(dice.choice([0, 100, 5_000, 20_000, 90_000])) / 100,
        Type.DOUBLE: lambda: dice.choice([0.0, 0.1, 0.3, 0.6, 1.0, 2.5]),
        Type.STRING: lambda: dice.choice(WORDS),
        Type.BOOLEAN: lambda: dice.random() < 0.5,
        Type.DATE: lambda: AS_OF - timedelta(days=dice.randint(0, 400)),
    }[kind]()


def customers(project: Project) -> list[dict[str, Any]]:
    """Random ones, and behind them the newcomer."""
    dice, names = Random(11), names_of_features(project)
    rows = [
        {
            "as_of_date": AS_OF,
            "customer_id": customer(i),
            **{name: drawn(dice, found.type, nullable=found.nullable) for name, found in names.items()},
        }
        for i in range(CUSTOMERS + 1)
    ]
    for row in rows[: FLOOR - 1]:
        row["home_city"] = RARE
    return [*rows[:-1], {**rows[-1], **RICH}]


def whole(project: Project) -> tuple[Segmentation, ...]:
    """Without clusters and measured groups, which every customer moves, and units, which are within one customer."""
    left_out = {s.name for s in project.segmentations if s.kind == "clusters" or s.measure or s.per}
    kept = [
        s
        for s in project.segmentations
        if left_out.isdisjoint(n.name for n in closure([s.name], project.segmentations))
    ]
    return tuple(kept)


def segments(spark: SparkSession, project: Project, rows: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    names = names_of_features(project)
    fields = {"as_of_date": pa.date32(), "customer_id": pa.string(), **{n: ARROW[f.type] for n, f in names.items()}}
    past = looks_back_at(text for s in project.segmentations for text in s.conditions)
    fields |= {f"previous.{name}": pa.string() for name in past}
    frame = spark.createDataFrame(pa.Table.from_pylist(rows, pa.schema(list(fields.items())))).coalesce(1)
    made = [s for group in generations(whole(project)) for s in group]
    made = [resolve(s, measure_cuts(frame, s)) if needs_cuts(s) else s for s in made]
    found = assign_all(frame, made, names).toArrow().to_pylist()
    newcomer = customer(CUSTOMERS)
    return {(r["segmentation"], r["customer_id"]): r["segment"] for r in found if r["customer_id"] != newcomer}


def test_a_customer_more_moves_nobody_but_where_the_catalogue_says_so(interpreted: SparkSession) -> None:  # noqa: F811
    project = load_project(Path("conf/telco"))
    rows = customers(project)
    before, after = (segments(interpreted, project, some) for some in (rows[:-1], rows))
    assert before.keys() == after.keys()
    moved = {name for name, who in before if before[name, who] != after[name, who]}
    catalog = catalog_rows(project.segmentations, project.offers, project.definition_hashes, date(2017, 12, 31))
    relative = {row["segmentation"] for row in catalog if row["population_relative"]}
    assert moved <= relative
    assert {"value_tier", "cooling", "city"} <= moved, "else this test could not fail"
    steady = {name for name, _ in before} - relative
    assert len(steady) > 20
    assert sum(len({before[key] for key in before if key[0] == name}) > 1 for name in steady) > 15
