"""What the driver holds of a table is what Spark reads of it, whatever its types, slices and folder."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from strata.contract.columns import Table, Type, column, relocate
from strata.contract.spark import frame_of, rows_of
from strata.project.models import Storage
from strata.storage.fingerprints import fingerprint
from strata.storage.held import HELD, hold, read_pinned, rows_held, where
from strata.storage.tables import Lakehouse

JANUARY, FEBRUARY = date(2018, 1, 31), date(2018, 2, 28)


class samples(Table):  # noqa: N801
    """A column of every type there is, in slices that are no folders."""

    schema = "publish"
    grain = ("as_of_date", "text")
    slice_by = "as_of_date"
    as_of_date = column(Type.DATE, "Day it is about")
    text = column(Type.STRING, "Text")
    is_so = column(Type.BOOLEAN, "Yes or no", nullable=True)
    count = column(Type.BIGINT, "Number", nullable=True)
    paid = column(Type.MONEY, "Money", nullable=True, unit="currency")
    share = column(Type.DOUBLE, "Share", nullable=True)
    day = column(Type.DATE, "Day", nullable=True)
    moment = column(Type.INSTANT, "Moment", nullable=True)
    words = column(Type.STRINGS, "Words", nullable=True)
    numbers = column(Type.DOUBLES, "Numbers", nullable=True)
    vectors = column(Type.VECTORS, "Vectors", nullable=True)


sliced_samples = relocate(samples, "members", "sliced_samples")
sliced_samples.partition_by = "as_of_date"


def rows(day):
    text = {"as_of_date": day, "text": "it's 100 % \u202e\x00 ü€𝄞\n"}
    plain = {
        "is_so": False, "count": -(2**63), "paid": Decimal("-9999999999999999.99"), "share": -0.0,
        "day": date(1582, 10, 15), "moment": datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        "words": ["", "a", None], "numbers": [0.1 + 0.2, float("inf")], "vectors": [[], [1.0, float("nan")]],
    }  # fmt: skip
    return [{**text, **plain}, {**text, "text": "", "share": float("nan"), "words": []}, {**text, "text": "NULL"}]


@pytest.mark.parametrize("table", [samples, sliced_samples])
@pytest.mark.parametrize("folder", ["warehouse", "here and 50 % there, #2 of 'ü+&=[x]{y}'"])
def test_what_is_held_is_what_is_read(spark, tmp_path, table, folder):
    lakehouse = Lakehouse(spark, Storage(root=str(tmp_path / folder)), "test-run")
    for day in (JANUARY, FEBRUARY):
        lakehouse.replace_slice(table, frame_of(spark, table, rows(day)), day)
    lakehouse.replace_slice(table, frame_of(spark, table, []), JANUARY)
    for version, day, count in ((2, None, 6), (2, JANUARY, 3), (3, JANUARY, 0), (3, FEBRUARY, 3), (None, None, 3)):
        held = hold(lakehouse, table, version, day)
        read = where(lakehouse.read(table, version), {"as_of_date": [day]} if day else {})
        assert rows_of(fingerprint(held)) == rows_of(fingerprint(read))
        assert held.schema == read.schema
        assert held.count() == count
    assert repr(sorted(rows_held(lakehouse, table), key=repr)) == repr(sorted(rows_of(read), key=repr))


def test_rows_of_some_values_are_asked_for_by_name(spark, lakehouse):
    lakehouse.append(samples, frame_of(spark, samples, [*rows(JANUARY), *rows(FEBRUARY)]))
    of_january = {"as_of_date": [JANUARY], "text": ["", "NULL", "nobody's"]}
    assert {(r["as_of_date"], r["text"]) for r in rows_held(lakehouse, samples, only=of_january)} == {
        (JANUARY, ""),
        (JANUARY, "NULL"),
    }
    assert rows_held(lakehouse, samples, only={"text": []}) == []
    assert rows_held(lakehouse, sliced_samples) == []


def test_a_catalog_holds_the_same(spark, lakehouse):
    by_name = Lakehouse(spark, Storage(None, catalog="spark_catalog", prefix="held_"), "test-run")
    for place in (lakehouse, by_name):
        place.append(samples, frame_of(spark, samples, [*rows(JANUARY), *rows(FEBRUARY)]))
    found = [rows_of(fingerprint(hold(place, samples, 1, FEBRUARY))) for place in (lakehouse, by_name)]
    assert found[0] == found[1]
    told = [sorted(map(repr, rows_held(place, samples))) for place in (lakehouse, by_name)]
    assert told[0] == told[1]


def test_only_what_is_small_is_held(spark, lakehouse):
    lakehouse.append(samples, frame_of(spark, samples, rows(JANUARY)))
    asked = {count: read_pinned(lakehouse, samples, 1, count, JANUARY).inputFiles() for count in (HELD, HELD + 1, None)}
    assert [bool(files) for files in asked.values()] == [False, True, True]


def test_what_somebody_has_made_newer_is_read_by_spark(spark, lakehouse):
    """By names of columns that only the log maps to those in the files, deltalake would find nothing."""
    lakehouse.append(samples, frame_of(spark, samples, rows(JANUARY)))
    address = lakehouse.address(samples)
    versions = "'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5'"
    spark.sql(f"ALTER TABLE delta.`{address}` SET TBLPROPERTIES ({versions}, 'delta.columnMapping.mode' = 'name')")
    for old, new in (("day", "other"), ("as_of_date", "day"), ("other", "as_of_date")):
        spark.sql(f"ALTER TABLE delta.`{address}` RENAME COLUMN {old} TO {new}")
    found = rows_held(lakehouse, samples)
    assert {r["day"] for r in found} == {JANUARY}
    assert rows_of(fingerprint(hold(lakehouse, samples, None))) == rows_of(fingerprint(lakehouse.read(samples)))
