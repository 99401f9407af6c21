"""Delta tables by contract: what they look like to readers, and what a write may not do."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable as RustTable
from pyspark.sql import functions as F

from strata.contract.columns import Table, Type, column, extend
from strata.contract.spark import frame_of, rows_of
from strata.errors import ProjectError

JANUARY, FEBRUARY = date(2018, 1, 31), date(2018, 2, 28)


class shelves(Table):  # noqa: N801
    """A table for these tests."""

    schema = "publish"
    grain = ("as_of_date", "name")
    slice_by = "as_of_date"
    as_of_date = column(Type.DATE, "Day it is about")
    name = column(Type.STRING, "What it's called")
    amount = column(Type.MONEY, "What it costs", unit="currency", nullable=True)


def rows(day, *names):
    return [{"as_of_date": day, "name": name, "amount": None} for name in names]


def test_a_slice_is_replaced_and_the_others_stay(spark, lakehouse):
    lakehouse.append(shelves, frame_of(spark, shelves, rows(JANUARY, "a", "b") + rows(FEBRUARY, "c")))
    lakehouse.replace_slice(shelves, frame_of(spark, shelves, rows(FEBRUARY, "d", "e")), FEBRUARY)
    assert sorted(r["name"] for r in rows_of(lakehouse.read(shelves))) == ["a", "b", "d", "e"]
    lakehouse.replace_slice(shelves, frame_of(spark, shelves, []), FEBRUARY)
    assert sorted(r["name"] for r in rows_of(lakehouse.read(shelves))) == ["a", "b"]
    with pytest.raises(Exception, match="DELTA_REPLACE_WHERE_MISMATCH"):
        lakehouse.replace_slice(shelves, frame_of(spark, shelves, rows(JANUARY, "x")), FEBRUARY)


def test_readers_find_protocol_1_comments_and_the_run(spark, lakehouse):
    lakehouse.append(shelves, frame_of(spark, shelves, rows(JANUARY, "a")))
    table = RustTable(lakehouse.address(shelves))
    assert (table.protocol().min_reader_version, table.protocol().min_writer_version) == (1, 2)
    fields = {f.name: f for f in table.schema().fields}
    assert fields["amount"].metadata["comment"] == "What it costs [currency]"
    assert not fields["name"].nullable
    assert lakehouse.last_commit(shelves) == (1, "test-run")


def test_statistics_are_kept_of_the_key_and_of_days_only(spark, lakehouse):
    lakehouse.append(shelves, frame_of(spark, shelves, rows(JANUARY, "a")))
    actions = RustTable(lakehouse.address(shelves)).get_add_actions(flatten=True)
    kept = pa.table(actions).schema.names
    assert {n.removeprefix("min.") for n in kept if n.startswith("min.")} == {"as_of_date", "name"}


def test_footers_tell_least_and_greatest_of_days_and_customers_only(lakehouse):
    lakehouse.append(shelves, frame_of(lakehouse.spark, shelves, rows(JANUARY, "a", "b")))
    files = [pq.read_metadata(file) for file in Path(lakehouse.address(shelves)).glob("*.parquet")]
    columns = [file.row_group(0).column(i) for file in files for i in range(3) if file.num_rows]
    assert {c.path_in_schema for c in columns if c.is_stats_set and c.statistics.has_min_max} == {"as_of_date"}


def test_a_column_gained_keeps_what_is_there_and_its_comment(spark, lakehouse):
    lakehouse.append(shelves, frame_of(spark, shelves, rows(JANUARY, "a")))
    wider = extend(shelves, (column(Type.DOUBLE, "It's wide", nullable=True, name="width"),))
    lakehouse.append(wider, frame_of(spark, wider, [{**rows(JANUARY, "b")[0], "width": 2.0}]))
    assert {r["name"]: r["width"] for r in rows_of(lakehouse.read(wider))} == {"a": None, "b": 2.0}
    assert lakehouse.read(shelves).schema["width"].metadata["comment"] == "It's wide"
    assert [str(c) for c in lakehouse.grown(shelves).columns] == ["as_of_date", "name", "amount", "width"]


def test_a_column_that_may_now_be_unknown_may_be_so_in_a_table_that_is_there(spark, lakehouse):
    required = extend(shelves, (column(Type.BIGINT, "Count", name="counted"),))
    lakehouse.append(required, frame_of(spark, required, [{**rows(JANUARY, "a")[0], "counted": 7}]))
    looser = extend(shelves, (column(Type.BIGINT, "Count", nullable=True, name="counted"),))
    again = replace(lakehouse, _ensured=set())  # another run
    again.append(looser, frame_of(spark, looser, [{**rows(JANUARY, "b")[0], "counted": None}]))
    assert {r["name"]: r["counted"] for r in rows_of(again.read(looser))} == {"a": 7, "b": None}
    version, _ = again.last_commit(looser)
    replace(lakehouse, _ensured=set()).ensure(looser)
    assert again.last_commit(looser)[0] == version, "nothing to change, no commit"


def test_a_rebuilt_table_may_lose_a_day_that_it_had(spark, lakehouse):
    dated = extend(shelves, (column(Type.DATE, "A feature", nullable=True, name="first_on"),))
    lakehouse.rebuild(dated, frame_of(spark, dated, [{**rows(JANUARY, "a")[0], "first_on": JANUARY}]))
    lakehouse.rebuild(shelves, frame_of(spark, shelves, rows(JANUARY, "b")))
    assert [(r["name"], len(r)) for r in rows_of(lakehouse.read(shelves))] == [("b", 3)]


def test_a_released_column_keeps_its_type(spark, lakehouse):
    lakehouse.append(shelves, frame_of(spark, shelves, rows(JANUARY, "a")))
    first = extend(shelves, (column(Type.DOUBLE, "Wide", nullable=True, name="width"),))
    lakehouse.ensure(first)
    other = extend(shelves, (column(Type.STRING, "Wide", nullable=True, name="width"),))
    with pytest.raises(ProjectError, match="width is double and would become string"):
        lakehouse.ensure(other)


def test_a_frame_that_is_not_the_contract_is_refused(spark, lakehouse):
    frame = spark.createDataFrame(pa.table({"as_of_date": [JANUARY], "nmae": ["a"]}))
    with pytest.raises(ValueError, match=r"missing \['name'\], unexpected \['nmae'\]"):
        lakehouse.append(shelves, frame)


def test_what_the_log_of_a_folder_tells_is_what_spark_tells_of_it(spark, lakehouse):
    for run_id, day in (("first", JANUARY), ("second", FEBRUARY), ("third", FEBRUARY)):
        writing = replace(lakehouse, run_id=run_id)
        writing.append(shelves, frame_of(spark, shelves, rows(day, *run_id)))
    told = lakehouse.delta(shelves).history().orderBy(F.desc("version")).collect()
    assert [r["userMetadata"] for r in told] == ["third", "second", "first", None]
    assert lakehouse.last_commit(shelves) == (told[0]["version"], "third")
    assert lakehouse.rows_written(shelves) == int(told[0]["operationMetrics"]["numOutputRows"]) == len({*"third"})
    assert lakehouse.commits_since(shelves, 1) == ["third", "second"]
    assert lakehouse.commits_since(shelves, 3) == []
    assert lakehouse.commits_since(shelves, 4) is None
