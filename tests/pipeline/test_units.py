"""Units on real tables: from valid events to staging, for two releases."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.features.worlds import project_of
from tests.ingest.kit import Silent

from strata.contract.columns import Table
from strata.contract.feature_tables import units
from strata.contract.published import customer_segments, segment_membership, unit_segments
from strata.contract.silver import customers, events
from strata.contract.spark import frame_of
from strata.errors import InputError
from strata.pipeline.audiences import Audiences
from strata.pipeline.context import Run, Target
from strata.pipeline.features import build_features
from strata.pipeline.segments import build_segments
from strata.publish.release import Release
from strata.storage.promotion import staging
from strata.storage.tables import Lakehouse

NOVEMBER, DECEMBER = date(2017, 11, 30), date(2017, 12, 31)
KNOWN = datetime(2018, 1, 2, tzinfo=UTC)
FEATURES = """
- {name: spend_364d, kind: sum, of: amount, days: 364}
- {name: basket_spend, kind: sum, of: amount, per: basket}
"""
UNITS = "- {unit: basket, of: basket_id, where: \"event_type = 'purchase'\", days: 84}"
COMMON = "version: 1\ntechnique: baskets\nowner: crm\ntask: See what baskets are for\nkind: rules\n"
SEGMENTATIONS = {
    "basket_size": f"""segmentation: basket_size\n{COMMON}
per: basket
roll_up: {{by: most_frequent, without: no_basket}}
segments:
  - {{segment: large, label: Large, when: "basket_spend >= 50 and spend_364d >= 100"}}
  - {{segment: small, label: Small}}
  - {{segment: no_basket, label: None}}
otherwise: small
""",
    "spender": f"""segmentation: spender\n{COMMON}
segments:
  - {{segment: much, label: Much, when: "spend_364d >= 100"}}
  - {{segment: little, label: Little}}
otherwise: little
""",
}


def bought(key: str, customer: int, day: date, basket: str, amount: int, **more: Any) -> dict[str, Any]:
    known = {
        "event_id": key, "revision": 1, "is_deleted": False, "customer_id": f"{customer:032x}", "event_date": day,
        "occurred_at": datetime.combine(day, time(12), UTC), "event_type": "purchase", "basket_id": basket,
        "amount": Decimal(amount), "source": "shop", "ingested_at": datetime(2018, 1, 1, tzinfo=UTC), "batch_id": 1,
    }  # fmt: skip
    return {**dict.fromkeys(map(str, events.columns)), **known, **more}


def write(lakehouse: Lakehouse) -> None:
    later = datetime(2018, 1, 3, tzinfo=UTC)
    rows = [
        bought("1", 1, date(2017, 11, 2), "a", 30), bought("2", 1, date(2017, 11, 2), "a", 40),
        bought("3", 1, date(2017, 12, 1), "b", 20), bought("4", 1, date(2017, 12, 9), "c", 90),
        bought("5", 2, date(2017, 12, 5), "d", 60), bought("6", 2, date(2017, 12, 6), "e", 10),
        bought("6", 2, date(2017, 12, 6), "e", 10, revision=2, is_deleted=True),
        bought("7", 2, date(2017, 12, 7), "f", 500, ingested_at=later, batch_id=2),
        bought("8", 3, date(2017, 6, 1), "g", 500),
    ]  # fmt: skip
    lakehouse.append(events, frame_of(lakehouse.spark, events, rows).coalesce(1))
    lakehouse.ensure(customers)


def target(number: int, as_of: date) -> Target:
    return Target(Release(f"{number:032x}", as_of, KNOWN, "c", "v", None), (), (), ())


def segment(run: Run, of: Target) -> None:
    build_segments(run, of, Audiences(run, of))


def staged(lakehouse: Lakehouse, table: type[Table], *columns: str) -> list[tuple[Any, ...]]:
    rows = lakehouse.read(staging(table)).toArrow().to_pylist()
    return sorted(tuple(int(r[c], 16) if c == "customer_id" else r[c] for c in columns) for r in rows)


def test_units_of_two_releases_are_built_together_and_staged_each(
    spark: SparkSession, lakehouse: Lakehouse, tmp_path: Path
) -> None:
    run = Run(project_of(tmp_path, FEATURES, UNITS, SEGMENTATIONS), lakehouse, lambda: KNOWN, Silent())
    write(lakehouse)
    build_features(run, [target(1, NOVEMBER), target(2, DECEMBER)])
    segment(run, target(2, DECEMBER))
    assert staged(lakehouse, unit_segments, "customer_id", "unit_id", "from_date", "segmentation", "segment") == [
        (1, "a", date(2017, 11, 2), "basket_size", "large"), (1, "b", date(2017, 12, 1), "basket_size", "small"),
        (1, "c", date(2017, 12, 9), "basket_size", "large"), (2, "d", date(2017, 12, 5), "basket_size", "small"),
    ]  # fmt: skip
    assert staged(lakehouse, segment_membership, "customer_id", "segmentation", "segment") == [
        (1, "basket_size", "large"), (1, "spender", "much"), (2, "basket_size", "small"), (2, "spender", "little"),
        (3, "basket_size", "no_basket"), (3, "spender", "much"),
    ]  # fmt: skip
    assert staged(lakehouse, customer_segments, "customer_id", "basket_size", "spender")[0] == (1, "large", "much")
    segment(run, target(1, NOVEMBER))
    assert staged(lakehouse, unit_segments, "as_of_date", "customer_id", "unit_id", "segment", "release_id") == [
        (NOVEMBER, 1, "a", "small", f"{1:032x}")
    ]
    lakehouse.rebuild(units, lakehouse.read(units).select(*map(str, units.columns)), "units of another release")
    with pytest.raises(InputError, match=r"features.units: holds .*strata features --as-of 2017-12-31"):
        segment(run, target(2, DECEMBER))
