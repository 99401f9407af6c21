"""The files of conf/telco by the command line, and what the real ingest makes of them."""

import polars as pl
import pytest
from tests.generate.kit import Telco

from strata.generate.dirt import REJECTED
from strata.generate.streams import STREAMS

pytestmark = [pytest.mark.long, pytest.mark.soak]

WORDS = ("--customers", "60", "--days", "16")


@pytest.fixture(scope="module")
def clean(spark, tmp_path_factory):
    telco = Telco.copied(tmp_path_factory.mktemp("clean"))
    code, said = telco.strata("generate", *WORDS)
    assert code == 0, said
    return telco


@pytest.fixture(scope="module")
def dirty(spark, tmp_path_factory):
    telco = Telco.copied(tmp_path_factory.mktemp("dirty"))
    code, said = telco.strata("generate", *WORDS, "--dirt", "0.2")
    assert code == 0, said
    assert telco.strata("init")[0] == 0
    code, said = telco.strata("ingest")
    assert code == 0, said
    return telco


def test_every_file_is_taken_and_no_row_rejected(clean):
    assert clean.strata("init")[0] == 0
    code, said = clean.strata("ingest")
    assert code == 0, said
    files = clean.read("bronze/files")
    assert set(files["source"]) == {*(s.source for s in STREAMS), "products", "places", "campaigns"}
    assert files["rejected_count"].sum() == 0
    assert files["unchanged_count"].sum() == 0
    assert len(files) == len(clean.files())


def test_more_days_only_add_files(clean):
    before = clean.files()
    code, said = clean.strata("generate", "--customers", "60", "--days", "18")
    assert code == 0, said
    after = clean.files()
    assert {path: after[path] for path in before} == before
    added = {path.split("delivered_on=")[1][:10] for path in set(after) - set(before)}
    assert added == {"2024-10-17", "2024-10-18"}


def test_days_that_are_there_are_not_made_again_and_another_world_is_refused(clean):
    before = clean.files()
    code, said = clean.strata("generate", *WORDS)
    assert (code, clean.files()) == (0, before)
    assert "nothing to do" in said
    code, said = clean.strata("generate", "--customers", "61", "--days", "20", "--seed", "2")
    assert (code, clean.files()) == (2, before)
    assert "customers 60 (asked for: 61), seed 1 (asked for: 2)" in said


def test_quarantine_gets_what_was_planted(dirty):
    planted = dirty.truth("dirt").filter(pl.col("dirt").is_in(REJECTED))
    expected = dict(planted.group_by("source").agg(pl.col("rows").sum()).iter_rows())
    files = dirty.read("bronze/files").filter(pl.col("rejected_count") > 0)
    assert dict(files.group_by("source").agg(pl.col("rejected_count").sum()).iter_rows()) == expected
    assert set(planted["dirt"]) == set(REJECTED)


def test_reasons_tell_what_was_done_to_a_row(dirty):
    reasons = dirty.read("silver/quarantine").explode("reasons").group_by("source", "reasons").len()
    counted = {(source, reason): n for source, reason, n in reasons.iter_rows()}
    planted = dirty.truth("dirt").group_by("source", "dirt").agg(pl.col("rows").sum())
    count = {(source, kind): n for source, kind, n in planted.iter_rows()}
    assert counted["recharges", "currency_without_rate"] == count["recharges", "foreign_currency"]
    assert counted["views", "device_code_unmapped"] == count["views", "unknown_code"]
    assert counted["usage", "event_type_missing"] == count["usage", "unknown_code"]
    assert counted["usage", "amount_negative"] == count["usage", "negative_amount"]
    of_dates = ("occurred_at_before_1990", "occurred_at_in_future", "created_at_not_instant")
    assert sum(counted.get(("recharges", reason), 0) for reason in of_dates) == count["recharges", "bad_date"]


def test_a_duplicate_is_taken_once_and_a_correction_is_a_second_revision(dirty):
    planted = dirty.truth("dirt").group_by("source", "dirt").agg(pl.col("rows").sum())
    count = {(source, kind): n for source, kind, n in planted.iter_rows()}
    files = dirty.read("bronze/files")
    unchanged = dict(files.group_by("source").agg(pl.col("unchanged_count").sum()).iter_rows())
    assert unchanged["views"] == count["views", "duplicate"]
    events = dirty.read("silver/events")
    second = events.filter((pl.col("revision") == 2) & (pl.col("source") == "usage"))
    assert len(second) == count["usage", "correction"]
    assert events["revision"].max() == 2
