"""Bases, values, consent and other segmentations in conditions, looked at without a JVM; counted by hand."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.preview.kit import AS_OF, CURRENT, MOMENT, YOUNG, Stored, stored
from tests.preview.test_preview import CUSTOMERS, lines
from tests.segments.definitions import customer

from strata.audiences.consent import is_permitted, permissions
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.operations import population_cuts, releases
from strata.contract.published import customer_segments, segment_catalog, segment_membership
from strata.contract.silver import consents
from strata.ingest.revisions import valid_rows
from strata.preview.permissions import permitted
from strata.project.policies import Purpose
from strata.segments.cuts import Cuts
from strata.segments.duckdb import permission_column
from strata.segments.groups import Group
from strata.segments.model import model_id

BUYERS = """kind: rules
segments:
  - {segment: "yes", label: Buys, when: "purchase_days_182d > 0"}
  - {segment: "no", label: Does not}
otherwise: "no"
"""
WITHIN = """kind: rules
base: "buyers = 'yes'"
segments:
  - {segment: often, label: Often, when: "purchase_days_182d >= 26"}
  - {segment: seldom, label: Seldom, when: "purchase_days_182d >= 1"}
"""


def test_a_base_is_what_shares_are_of_and_others_are_not_in_it(shop: Stored) -> None:
    shop.define("buyers", BUYERS)
    shop.define("within", WITHIN)
    shop.put_snapshot(CUSTOMERS)
    said = shop.strata("preview", "within")
    assert "within: rules, version 1, as of 2017-12-31, 4 customers in the base" in said.out
    assert lines(said.out)["often"][2:6] == ["3", "75.00", "3", "1"]
    assert "no rule" not in said.out
    everything = shop.strata("preview").out.splitlines()
    assert [line.split()[-2:] for line in everything if line.startswith("  within")] == [["3", "75.00"], ["1", "25.00"]]
    assert "  note: within splits 4 of them; its shares are of these" in everything
    outside = shop.strata("explain", "--customer", customer(0)).out
    assert "within: not in its base\n    way in   1 more purchase_days_182d (1): seldom\n" in outside
    shop.release({"purchase_frequency": [], "rfm": [], "buyers": [], "within": ["often"] * 7})
    shop.edit("segmentations/within.yml", "version: 1", "version: 2")
    plan = shop.strata("plan").out
    assert "of 7 customers fewer than 10 each go 2 ways" in plan
    assert re.search(r"^ +often +\(not in base\) +<10$", plan, re.MULTILINE)
    assert re.search(r"^ +often +seldom +<10$", plan, re.MULTILINE)


def test_values_of_an_attribute_are_segments(shop: Stored) -> None:
    shop.define(
        "life",
        """kind: attribute
of: household_size
segments:
  - {segment: small, label: Small, values: ["1", "2"]}
""",
    )
    shop.put_snapshot([{"household_size": n} for n in (1, 2, 2, 5, None)])
    found = lines(shop.strata("preview", "life").out)
    assert [found[name][-2:] for name in ("small", "other", "unknown")] == [
        ["3", "60.00"],
        ["1", "20.00"],
        ["1", "20.00"],
    ]
    assert (
        "life: small (Small)\n    because  household_size = 2\n"
        in shop.strata("explain", "--customer", customer(1)).out
    )


def test_what_is_cut_by_the_population_takes_the_cuts_of_its_date(shop: Stored) -> None:
    shop.define(
        "tier",
        """kind: scores
scores:
  - {score: m, of: purchase_days_182d, quantiles: 2, better: high}
segments:
  - {segment: upper, label: Upper, when: "m = 2"}
  - {segment: lower, label: Lower, when: "m = 1"}
""",
    )
    shop.put_snapshot(CUSTOMERS)
    assert "note: tier: what it takes from the population is not measured" in shop.strata("preview", "tier").out
    definition = shop.project.definition_hashes["segmentation.tier"]
    rows = [(AS_OF, 100.0), (AS_OF + timedelta(days=1), 1.0)]
    shop.put(population_cuts, [
        {"model_id": model_id(definition, day, MOMENT), "definition_hash": definition, "as_of_date": day,
         "known_at": MOMENT, "cuts": Cuts(thresholds={"m": (cut,)}).to_json()} for day, cut in rows])  # fmt: skip
    assert lines(shop.strata("preview", "tier").out)["upper"][2] == "1"


def test_groups_of_another_segmentation_are_those_that_were_measured(shop: Stored) -> None:
    shop.define("buyers", BUYERS)
    shop.define(
        "growth",
        """kind: attribute
of: buyers
measure:
  growth: {now: spend_84d, before: spend_84d_before, earlier: spend_84d_before}
segments:
  - {segment: growing, label: Growing, at_least: 0.02}
  - {segment: steady, label: Steady}
otherwise: steady
""",
    )
    shop.put_snapshot(CUSTOMERS)
    assert "note: growth: what it takes from the population is not measured" in shop.strata("preview", "growth").out
    definition = shop.project.definition_hashes["segmentation.growth"]
    groups = (Group("yes", 60, 0.6, "growing", 0.1, 0.05, -0.02), Group("no", 31, 0.31), Group(None, 9, 0.09))
    shop.put(population_cuts, [
        {"model_id": model_id(definition, AS_OF, MOMENT), "definition_hash": definition, "as_of_date": AS_OF,
         "known_at": MOMENT, "cuts": Cuts(groups=groups).to_json()}])  # fmt: skip
    found = lines(shop.strata("preview", "growth").out)
    assert (found["growing"][2], found["steady"][2]) == ("4", "3")
    assert found["yes"] == ["yes", "growing", "60", "60.00", "10.00", "5.00", "-2.00"]
    assert found["no"] == ["no", "steady", "31", "31.00", "-", "-", "-"]
    assert found["(not listed)"][2:] == ["steady", "9", "9.00", "-", "-", "-"]
    assert (
        "growth: growing (Growing)\n    because  buyers = yes" in shop.strata("explain", "--customer", customer(4)).out
    )


def test_conditions_look_back_at_the_release_before(shop: Stored) -> None:
    shop.define(
        "back",
        """kind: rules
segments:
  - {segment: again, label: Again, when: "previous.rfm = 'lost'"}
  - {segment: rest, label: Rest}
otherwise: rest
""",
    )
    shop.put_snapshot(CUSTOMERS)
    assert lines(shop.strata("preview", "back").out)["again"][2] == "0"
    before = date(2017, 11, 30)
    head = {**CURRENT, "release_id": "b" * 32, "as_of_date": before, "is_current": False,
            "table_name": customer_segments.full_name()}  # fmt: skip
    from deltalake import DeltaTable, write_deltalake  # noqa: PLC0415

    address = str(shop.root / "members" / "customer_segments")
    for rfm in (["lost", "x", "lost"], ["lost", "lost", "x"]):
        wide = {"release_id": ["b" * 32] * 3, "as_of_date": [before] * 3,
                "customer_id": [customer(i) for i in (1, 2, 99)], "rfm": rfm}  # fmt: skip
        write_deltalake(address, pa.table(wide), mode="overwrite", partition_by=["as_of_date"])
    for changes, expected in (
        ({"released_at": YOUNG}, "1"), ({"status": "superseded"}, "1"),
        ({"status": "superseded", "last_version": 1}, "2"), ({}, "2"),
    ):  # fmt: skip
        shop.put(releases, [{**head, **changes}])
        assert lines(shop.strata("preview", "back").out)["again"][2] == expected
    again = {**head, "sequence": 2, "kind": "backfill", "delta_version": 1}
    shop.put(releases, [{**head, "status": "superseded"}, again])
    assert lines(shop.strata("preview", "back").out)["again"][2] == "2", "made again, it is in place again"
    shop.put(releases, [head])
    DeltaTable(address).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert lines(shop.strata("preview", "back").out)["again"][2] == "2", "in place, though its version is gone"


BY_AUDIENCE = """kind: rules
base: "not audience.next_wine_buyers or purchase_days_182d > 0"
segments:
  - {segment: inside, label: Inside, when: "audience.next_wine_buyers"}
  - {segment: rest, label: Rest}
otherwise: rest
"""
AROUND = """kind: rules
segments:
  - {segment: wine, label: Wine, when: "by_audience = 'inside'"}
  - {segment: rest, label: Rest}
otherwise: rest
"""


def test_who_is_in_an_audience_is_what_the_release_of_the_date_says(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS)
    shop.release({"purchase_frequency": ["high"] * 7})
    shop.define("by_audience", BY_AUDIENCE)
    shop.define("around", AROUND)
    unknown = "who is in audience.next_wine_buyers as of 2017-12-31 is not known: no release of that date has it"
    assert f"note: by_audience: {unknown}; `strata run --as-of 2017-12-31` makes one" in shop.strata("preview").out
    assert f"note: around: it needs by_audience: {unknown}" in shop.strata("preview", "around").out
    assert f"by_audience: {unknown}" in shop.strata("explain", "--customer", customer(1)).out
    assert unknown in shop.strata("plan").out

    key = {"release_id": CURRENT["release_id"], "as_of_date": AS_OF, "audience": "next_wine_buyers"}
    definition = shop.project.definition_hashes["audience.next_wine_buyers"]
    shop.put(audience_catalog, [{**key, "definition_hash": definition}])
    members = [{**key, "customer_id": customer(i)} for i in (0, 4, 99)]
    other = [{**key, "audience": "other", "customer_id": customer(3)}]
    shop.put(audience_membership, members + other)
    tables = (segment_catalog, segment_membership, audience_catalog, audience_membership)
    shop.put(releases, [{**CURRENT, "table_name": table.full_name()} for table in tables])
    said = shop.strata("preview", "by_audience")
    # of seven, 0 has not bought and is a member: outside of the base
    assert "by_audience: rules, version 1, as of 2017-12-31, 6 customers in the base" in said.out, said.err
    assert lines(said.out)["inside"][2] == "1"
    assert "note" not in said.out
    assert lines(shop.strata("preview", "around").out)["wine"][2] == "1"
    explained = shop.strata("explain", "--customer", customer(4)).out
    assert "because  audience.next_wine_buyers\n             audience.next_wine_buyers = yes" in explained
    assert "by_audience: not in its base" in shop.strata("explain", "--customer", customer(0)).out
    shop.edit("audiences/next_wine_buyers.yml", "share: 0.1", "share: 0.2")
    edited = "audience.next_wine_buyers is defined otherwise now; its members here are those that the release"
    assert f"note: by_audience: {edited} of 2017-12-31 found" in shop.strata("preview", "by_audience").out
    assert edited in shop.strata("plan").out


def test_what_is_computed_per_trip_is_said_and_does_not_hinder_the_others(tmp_path: Path) -> None:
    telco = stored(tmp_path, Path("conf/telco"))
    telco.put_snapshot([{}] * 3, date(2024, 10, 28))
    said = telco.strata("preview")
    assert said.code == 0, said.err
    assert "note: trip_purpose: what it does is known when `strata segments` has computed it per trip" in said.out
    assert "  travel  " in said.out
    assert "trip_purpose: what it does" in telco.strata("explain", "--customer", customer(1)).out


PURPOSES = [Purpose("news", "consent", ""), Purpose("mail", "legitimate_interest", "")]
ON = date(2018, 1, 10)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], (False, True)),
        ([("news", "consent", True, 1)], (True, True)),
        ([("news", "consent", True, 1), ("news", "consent", False, 2)], (False, True)),
        ([("news", "consent", True, 1), ("news", "consent", False, 1)], (False, True)),
        ([("news", "consent", True, 11)], (False, True)),
        ([("mail", "objection", True, 1)], (False, False)),
        ([("mail", "objection", True, 1), ("mail", "objection", False, 2)], (False, True)),
        ([("profiling", "objection", True, 1)], None),
        ([("profiling", "objection", True, 11), ("news", "consent", True, 1)], (True, True)),
    ],
)
def test_who_may_be_grouped_and_addressed(
    said: list[tuple[str, str, bool, int]], expected: tuple[bool, bool] | None
) -> None:
    rows = [said_row(0, *one, place) for place, one in enumerate(said)]
    assert by_duckdb(rows, 1).get(customer(0)) == expected


def said_row(
    who: int, purpose: str, basis: str, granted: bool, day: int, place: int, **more: object
) -> dict[str, object]:
    words = {"purpose": purpose, "basis": basis, "granted": granted, "valid_from": date(2018, 1, day)}
    managed = {"revision": 1, "is_deleted": False, "ingested_at": MOMENT, "source": f"s{place}"}
    return {"customer_id": customer(who), **words, **managed, **more}


def by_duckdb(rows: list[dict[str, object]], count: int) -> dict[str, tuple[bool, bool]]:
    types = {"customer_id": pa.string(), "purpose": pa.string(), "basis": pa.string(), "granted": pa.bool_(),
             "revision": pa.int64(), "valid_from": pa.date32(), "source": pa.string(), "is_deleted": pa.bool_(),
             "ingested_at": pa.timestamp("us", "UTC")}  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("said", pa.Table.from_pylist(rows, pa.schema(types.items())))
        connection.register("everybody_", pa.table({"customer_id": [customer(i) for i in range(count)]}))
        query = permitted("(SELECT * FROM everybody_)", "(SELECT * FROM said)", PURPOSES, ON)
        columns = ", ".join(f'"{permission_column(p.name)}"' for p in PURPOSES)
        return {row[0]: row[1:] for row in connection.execute(f"SELECT customer_id, {columns} FROM {query}").fetchall()}


def test_spark_and_duckdb_agree_on_what_customers_have_said(spark: SparkSession) -> None:
    random, count = Random(3), 300
    rows = []
    for place in range(1_500):
        basis = random.choice(["consent", "objection"])
        first = said_row(random.randrange(count), random.choice(["news", "mail", "profiling"]), basis,
                         random.random() < 0.5, random.randrange(1, 15), place)  # fmt: skip
        rows.append(first)
        if random.random() < 0.3:
            rows.append({**first, "revision": 2, "granted": random.random() < 0.5, "is_deleted": random.random() < 0.5})
    frame = valid_rows(
        spark.createDataFrame(pa.Table.from_pylist(rows)), consents, datetime(2030, 1, 1, tzinfo=MOMENT.tzinfo)
    )
    everybody = spark.createDataFrame(pa.table({"customer_id": [customer(i) for i in range(count)]}))
    asked = [Purpose("profiling", "legitimate_interest", ""), *PURPOSES]
    said = everybody.join(permissions(frame, asked, ON), "customer_id", "left").where(is_permitted(asked[0]))
    found = said.select("customer_id", *[is_permitted(p).alias(p.name) for p in PURPOSES]).toArrow().to_pylist()
    assert {row["customer_id"]: (row["news"], row["mail"]) for row in found} == by_duckdb(rows, count)
    assert 0 < len(found) < count


def test_who_objects_to_profiling_is_in_no_preview(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS)
    (shop.folder / "sources" / "objections.yml").write_text(OBJECTIONS)
    shop.put(consents, [said_row(3, "profiling", "objection", True, 1, 0)])
    said = shop.strata("preview", "purchase_frequency")
    assert "6 customers in the base" in said.out, said.err
    assert lines(said.out)["new"][2] == "0"
    assert shop.strata("explain", "--customer", customer(3)).code == 3


OBJECTIONS = """source: objections
description: Objections
feeds: consents
read: {format: csv, path: "${landing}/objections.csv"}
schema: {id: STRING, since: DATE}
delivery: {mode: append}
key: [id]
columns:
  customer_id: {from: id, identity: plain}
  purpose: {value: "\'profiling\'"}
  basis: {value: "\'objection\'"}
  granted: {value: "true"}
  valid_from: {from: since, type: date}
"""
