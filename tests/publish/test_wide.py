from datetime import date

from pyspark.sql import SparkSession
from tests.publish.frames import AS_OF, membership, records

from strata.contract.columns import Type, extend
from strata.contract.published import customer_segments
from strata.contract.spark import as_table
from strata.publish.catalog import segment_columns
from strata.publish.wide import build_wide

EARLIER = date(2017, 11, 30)


def test_one_row_per_customer_and_date_and_one_column_per_segmentation_ever(spark: SparkSession) -> None:
    long = membership(spark, {"rfm": ["a", "b"], "style": ["c1", None]}).unionByName(
        membership(spark, {"rfm": ["b", "b"], "style": ["c2", "c2"]}, EARLIER)
    )
    wide = build_wide(long, ["rfm", "retired", "style"])
    assert wide.columns == ["as_of_date", "customer_id", "rfm", "retired", "style"]
    rows = {k: (r["rfm"], r["retired"], r["style"]) for k, r in records(wide, "as_of_date", "customer_id").items()}
    first, second = f"{0:032x}", f"{1:032x}"
    assert rows == {
        (AS_OF, first): ("a", None, "c1"), (AS_OF, second): ("b", None, None),
        (EARLIER, first): ("b", None, "c2"), (EARLIER, second): ("b", None, "c2"),
    }  # fmt: skip


def test_the_contract_grows_by_the_same_columns(spark: SparkSession) -> None:
    table = extend(customer_segments, segment_columns(["rfm", "retired"]))
    assert [str(c) for c in table.columns] == ["as_of_date", "customer_id", "release_id", "rfm", "retired"]
    assert {c.type for c in table.columns[-2:]} == {Type.STRING}
    frame = build_wide(membership(spark, {"rfm": ["a"]}), ["rfm", "retired"]).selectExpr("*", "'x' as release_id")
    assert as_table(frame, table).columns == [str(c) for c in table.columns]
