"""The corpus as descriptions of columns and names of folders, in the SQL that Spark is told."""

from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from tests.injection.kit import Bait

from strata.contract.columns import Table, Type, column, extend
from strata.contract.spark import comment_of, frame_of
from strata.project.models import Storage
from strata.storage.tables import Lakehouse


class shelves(Table):  # noqa: N801
    """A table for these tests."""

    schema = "publish"
    grain = ("as_of_date",)
    as_of_date = column(Type.DATE, "Day it is about")


def test_descriptions_are_texts_and_so_are_folders(spark: SparkSession, tmp_path: Path, bait: Bait) -> None:
    root = tmp_path / "a'b\"c${spark.master}"
    texts = ["${env:STRATA_SECRET}", "${system:user.home}", "${spark.master}", *bait.texts]
    row = {"as_of_date": date(2024, 1, 1)}
    first = Lakehouse(spark, Storage(root=str(root)), "first")
    first.append(shelves, frame_of(spark, shelves, [row]))
    gained = tuple(column(Type.STRING, text, nullable=True, name=f"c{i}") for i, text in enumerate(texts))
    wider = extend(shelves, gained)
    second = Lakehouse(spark, Storage(root=str(root)), "second")
    second.append(wider, frame_of(spark, wider, [{**row, **{str(c): None for c in gained}}]))
    found = {f.name: f.metadata.get("comment") for f in second.read(wider).schema.fields}
    assert {c: found[c] for c in gained} == {c: comment_of(c) for c in gained}
    assert [p.name for p in tmp_path.iterdir() if p.name != "bait"] == [root.name]
    bait.require_untouched()
