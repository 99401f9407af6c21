"""What must not change a snapshot: the future, company, the layout of the input."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from tests.features.worlds import Made, World, frames, make, plan_of, plus, random_world, world

from strata.features.cells import build_cells, build_daily
from strata.features.halves import halve, of_halves
from strata.features.snapshot import build_snapshot
from strata.features.tiles import TilePlan

AS_OF = date(2017, 12, 31)
FEATURES = """
- {name: events, kind: count}
- {name: spend_84d, kind: sum, of: amount, days: 84}
- {name: points, kind: mean, of: value_number}
- {name: lowest, kind: min, of: value_number}
- {name: gap, kind: mean_gap, where: "category = 'a'"}
- {name: own_share, kind: share, of: amount, where: "brand_type = 'own'", days: 84}
- {name: since_last, kind: days_since, of: last, where: "channel = 'web'"}
- {name: "spend_{value}_84d", kind: sum, of: amount, by: category, keep: 3, days: 84}
- {name: tariff, kind: attribute, of: tariff}
- {name: per_event, kind: expression, of: "spend_84d / events"}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TilePlan:
    return plan_of(tmp_path_factory.mktemp("invariance"), FEATURES)


@pytest.fixture(scope="module")
def tables() -> World:
    return random_world(seed=7, last=AS_OF, events=1_500)


@pytest.fixture(scope="module")
def alone(spark: SparkSession, tables: World, plan: TilePlan) -> Made:
    return make(spark, tables, plan, [AS_OF], partitions=4)


def test_what_happens_later_changes_nothing(spark: SparkSession, tables: World, plan: TilePlan, alone: Made) -> None:
    tomorrow = AS_OF + timedelta(days=1)
    event = {"event_date": tomorrow, "event_type": "purchase", "amount": Decimal("1000.00"), "channel": "web",
             "product_id": "p05", "value_number": -9_999.0}  # fmt: skip
    known = {"source": "zzz", "valid_from": tomorrow, "known_from": date(2017, 1, 1), "status": "former", "tariff": "?"}
    everyone = [f"c{n:02}" for n in range(60)]
    later = world(
        [{**event, "customer_id": c} for c in (*everyone, "newcomer")] * 3,
        [{**known, "customer_id": c} for c in (*everyone, "stranger")],
    )
    assert make(spark, plus(tables, later), plan, [AS_OF]).snapshot.equals(alone.snapshot)


def test_a_date_computed_with_others_equals_the_date_alone(
    spark: SparkSession, tables: World, plan: TilePlan, alone: Made
) -> None:
    together = make(spark, tables, plan, [date(2017, 10, 8), AS_OF, date(2017, 3, 5)])
    assert together.plan.kept == alone.plan.kept, "the latest date decides which values are kept"
    assert len(together.rows()) > 0
    mine = together.snapshot.filter(pc.equal(together.snapshot["as_of_date"], AS_OF))
    assert mine.combine_chunks().equals(alone.snapshot)


@pytest.mark.parametrize("partitions", [1, 7])
def test_order_and_partitions_of_the_input_change_no_bit(
    spark: SparkSession, tables: World, plan: TilePlan, alone: Made, partitions: int
) -> None:
    backwards = {name: t.take(list(reversed(range(t.num_rows)))) for name, t in tables.items()}
    assert make(spark, backwards, plan, [AS_OF], partitions=partitions).snapshot.equals(alone.snapshot)


def test_two_halves_of_the_weeks_make_the_whole(
    spark: SparkSession, tables: World, plan: TilePlan, alone: Made
) -> None:
    """Doubled, the halves of what adds up have the whole as their mean; attributes are those of both."""
    silver = frames(spark, tables)
    cells = build_cells(silver, plan)
    tiles = {**silver, "daily": build_daily(cells, plan), "pairs": cells}
    halves = build_snapshot(halve(tiles, AS_OF, 1.0), alone.plan, [AS_OF], halved=True)
    made = of_halves(halves).toArrow().to_pylist()
    whole = {row["customer_id"]: row for row in alone.snapshot.to_pylist()}
    spread = [c for c in alone.snapshot.column_names if c.startswith("spend_")]
    sides: dict[str, list[dict[str, Any]]] = {}
    for row in made:
        sides.setdefault(row["customer_id"], []).append(row)
    assert max(map(len, sides.values())) == 2
    for customer, rows in sides.items():
        for name in ("events", *spread):
            assert sum(row[name] for row in rows) == 2 * whole[customer][name], (customer, name)
        assert {row["tariff"] for row in rows} == {whole[customer]["tariff"]}
    by_half = {half: sum(row["events"] for row in made if row["half"] == half) for half in ("0", "1")}
    assert min(by_half.values()) > 0
