"""One id in Python is what a column of ids is in Spark: the same normal form, the same pseudonym."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from strata.contract.columns import Type
from strata.ingest.identity import key_frame, normalised, pseudonym, well_formed, with_key
from strata.ingest.pseudonyms import normalise, possible_ids, pseudonym_of
from strata.project.load import load_project

KEYS = [b"k" * 32, "ключ".encode() * 20]
WRITTEN = [
    "1", " A-17 ", "\ufeff\u00a0A-17\t", "a-17", " \t", "", "900", "007", "-5", "+380 (50) 123-45-67", "00380501234567",
    "380501234567", "3.8050123E11", "380501234567.0", "12", "1234", "12345", "1" * 16, "(0)12345", "+0012345",
    " Olena@Example.ORG ", "olena at example", "a@b@c", "ΣΊΣΥΦΟΣ@example.org", "İ@example.org", "a\u00a0b@c", "x\n@y",
    "Олена Петренко", "šđčćž", "日本語", "🙂👍🏽", "e\u0301", "a" * 1_000, "'; --",
    "NULL", " n/a", "N/A ", "-", "\\N", "Unknown", "nullable", "na", "n a",
]  # fmt: skip
KINDS = ("plain", "msisdn", "email")


def test_every_spelling_has_the_normal_form_and_the_pseudonym_that_spark_gives_it(spark: SparkSession) -> None:
    ids = spark.createDataFrame(pa.table({"id": WRITTEN}))
    texts = {kind: normalised(kind, F.col("id"), Type.STRING) for kind in KINDS}
    usable = {kind: F.when(well_formed(kind, text, Type.STRING), text) for kind, text in texts.items()}
    found = {}
    for key in KEYS:
        hashed = {f"{kind} id": pseudonym(text) for kind, text in usable.items()}
        keyed = with_key(ids, key_frame(spark, key)).select(
            "id", *(c.alias(n) for n, c in {**usable, **hashed}.items())
        )
        found[key] = {row["id"]: row for row in keyed.toArrow().to_pylist()}
    for key, rows in found.items():
        for kind in KINDS:
            made = {written: normalise(kind, written, Type.STRING) or None for written in WRITTEN}
            assert made == {written: row[kind] or None for written, row in rows.items()}, kind
            ours = {w: pseudonym_of(text, key) for w, text in made.items() if text}
            assert ours == {w: row[f"{kind} id"] for w, row in rows.items() if row[kind]}, kind


def test_a_whole_number_is_the_same_however_it_is_written(spark: SparkSession) -> None:
    numbers = spark.createDataFrame(pa.table({"id": [7, -5, 0, 380501234567]}))
    by_spark = [row["t"] for row in numbers.select(normalised("plain", F.col("id"), Type.BIGINT).alias("t")).collect()]
    assert [normalise("plain", written, Type.BIGINT) for written in ("007", " -5", "+0", "380501234567")] == by_spark
    assert normalise("plain", "7.0", Type.BIGINT) is None
    assert normalise("plain", "7", Type.DOUBLE) is None


@pytest.mark.parametrize(
    ("project", "written", "ids"),
    [("grocery", "0017", ("17",)), ("grocery", "anna", ())],
)
def test_an_id_is_read_as_the_sources_of_a_project_deliver_it(project: str, written: str, ids: tuple[str, ...]) -> None:
    assert possible_ids(load_project(Path("conf") / project).sources, written) == ids
