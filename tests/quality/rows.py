"""Small published-like tables, written by hand where examples from the contracts are too plain."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType

from strata.contract.columns import Between, Column, Matches, OneOf, Table, Type, column, extend
from strata.contract.published import customer_features, customer_segments, segment_membership
from strata.contract.spark import struct_type
from strata.errors import Location
from strata.project.policies import Check
from strata.quality.suites import Subject

AS_OF = date(2017, 12, 31)
RELEASE = "ab" * 16
SEGMENTS = {"frequency": ("lost", "high"), "style": ("style_1", "style_2")}
SUBJECT = Subject(AS_OF, RELEASE, SEGMENTS)
HERE = Location("quality.yml", 3, 5)

FEATURES = extend(
    customer_features,
    (
        column(Type.MONEY, "Paid", nullable=True, unit="currency", name="spend_182d"),
        column(Type.DOUBLE, "Own brands", Between(0, 1), nullable=True, name="own_brand_share"),
        column(Type.DOUBLE, "Days between purchases", nullable=True, name="gap"),
        column(Type.STRING, "Age band", nullable=True, name="age_band"),
    ),
)
SIDE_BY_SIDE = extend(
    customer_segments,
    tuple(column(Type.STRING, "Segment", nullable=True, name=name) for name in (*SEGMENTS, "retired_one")),
)
VALUES: dict[Type, Any] = {
    Type.BOOLEAN: True, Type.BIGINT: 1, Type.MONEY: Decimal("1.50"), Type.DOUBLE: 0.5, Type.STRING: "x",
    Type.DATE: AS_OF, Type.STRINGS: ["x"], Type.DOUBLES: [0.5], Type.VECTORS: [[0.5]],
}  # fmt: skip
FIXED = {
    "release_id": (RELEASE, RELEASE),
    "segmentation": ("frequency", "frequency"),
    "segment": ("lost", "high"),
    "to_segment": ("lost", "(not in base)"),
}


def customer(n: int) -> str:
    return f"a{n:031x}"


def memberships(customers: int = 20) -> list[dict[str, Any]]:
    return [
        {
            "as_of_date": AS_OF,
            "customer_id": customer(n),
            "segmentation": name,
            "version": 1,
            "segment": known[0] if n % 4 == 0 else known[1],
            "score": None if name == "frequency" else n / customers,
            "release_id": RELEASE,
        }
        for n in range(customers)
        for name, known in SEGMENTS.items()
    ]


def features(customers: int = 20) -> list[dict[str, Any]]:
    return [
        {
            "as_of_date": AS_OF,
            "customer_id": customer(n),
            "release_id": RELEASE,
            "spend_182d": Decimal(n) + Decimal("0.25"),
            "own_brand_share": n / customers,
            "gap": None if n == 0 else 3.5,
            "age_band": "25-34" if n % 4 == 0 else None,
        }
        for n in range(customers)
    ]


def plain(table: type[Table]) -> list[dict[str, Any]]:
    """Two rows of any published table that keep its contract; their keys differ in every text and number."""
    rows = [{str(c): _value(c, n if c in table.grain else 0) for c in table.columns} for n in range(2)]
    if table.grain[-1] == "segmentation" and "segment" not in table.columns:  # a row per segmentation
        rows[1]["segmentation"] = "style"
    return rows


def _value(c: Column, n: int) -> Any:
    if c in FIXED:
        return FIXED[c][n]
    one_of = next((k.values for k in c.constraints if isinstance(k, OneOf)), None)
    if one_of:
        return one_of[n % len(one_of)]
    if any(isinstance(k, Matches) for k in c.constraints):
        return customer(n)
    if c.type is Type.STRING:
        return f"x{n}"
    if c.type is Type.BIGINT:
        return 1 + n
    return n / 4 if c.type is Type.DOUBLE else VALUES[c.type]


def frame_of(spark: SparkSession, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Every column is nullable, so that rows may break the contract."""
    schema = StructType([StructField(f.name, f.dataType) for f in struct_type(table).fields])
    return spark.createDataFrame(pa.Table.from_pylist(list(rows), to_arrow_schema(schema)), schema).coalesce(1)


def check(name: str, expect: str, table: type[Table] = FEATURES, severity: str = "fail", **arguments: Any) -> Check:
    return Check(name, table.full_name(), expect, arguments, severity, HERE)  # type: ignore[arg-type]


MEMBERSHIP = segment_membership
