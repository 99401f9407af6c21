"""Audiences by rule and from lists, built on real tables: who is in them, who is not and why, which are withheld."""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession
from tests.features.worlds import project_of
from tests.ingest.kit import Silent
from tests.pipeline.test_audiences import AS_OF, CUSTOMERS, FEATURES, KNOWN, TARGET, customers, staged
from tests.segments.definitions import customer
from tests.segments.test_agreement import interpreted  # noqa: F401 - a fixture

from strata.contract import silver
from strata.contract.audience_changes import audience_changes
from strata.contract.bronze import identity_vault
from strata.contract.columns import Table, extend
from strata.contract.feature_tables import daily, snapshot
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.spark import frame_of, rows_of
from strata.dates import day_of
from strata.errors import InputError
from strata.features.tiles import plan_tiles, tile_columns
from strata.features.wide import snapshot_columns
from strata.pipeline.audiences import Audiences, audiences_of, build_audiences
from strata.pipeline.context import Run, Target
from strata.preview.evaluation import evaluate, segments_of_all
from strata.preview.state import read_state
from strata.project.load import load_project
from strata.project.references import key_of
from strata.storage.tables import Lakehouse

BEFORE = AS_OF - timedelta(days=7)
CEREAL = [row for row in customers() if row["as_of_date"] == AS_OF]
NUMBER = {row["customer_id"]: n for n, row in enumerate(CEREAL)}
PRIVACY = """purposes:
  direct_mail: {basis: legitimate_interest, description: Offers by mail}
  email: {basis: consent, description: Offers by e-mail}
suppress: [audience.complaints]
"""
PACE = """segmentation: pace
version: 1
technique: t
owner: crm
task: t
kind: rules
segments:
  - {segment: often, label: Often, when: "visits_28d >= 5"}
  - {segment: seldom, label: Seldom}
otherwise: seldom
"""
KEEN = """kind: rule
purpose: direct_mail
include: "pace = 'often' and not audience.complaints"
size: {customers: 300, order: cheese_28d}
exclude: ["visits_28d = 7"]
pressure: {at_most: 1, days: 28}
holdout: 0.2
priority: 1
"""
CALM = """kind: rule
purpose: direct_mail
include: "visits_28d >= 3"
size: {share: 0.5, order: cheese_28d}
expires: {after_days: 7}
priority: 2
"""
MAILED = 'kind: rule\npurpose: email\ninclude: "visits_28d >= 0"\n'
COMPLAINTS = "kind: list\npurpose: email\nlist: {path: complaints.csv, column: id, identity: customer_id}\n"
PHONES = "kind: list\npurpose: direct_mail\nlist: {path: phones.parquet, column: phone, identity: msisdn}\n"
AUDIENCES = {"keen": KEEN, "calm": CALM, "mailed": MAILED, "complaints": COMPLAINTS, "phones": PHONES}
COMPLAINING = (4, 9, 11, 12, 13)
PHONED = range(200, 340)
SENT = range(0, CUSTOMERS, 10)
CONSENTING = range(0, 400)


def phone(number: int) -> str:
    return f"38050{number:07}"


def write_lists(folder: Path, complaining: Sequence[int] = COMPLAINING) -> None:
    """Two of the complaints stand there again, one is of nobody; of the phones three are of nobody, and one again."""
    ids = [customer(i) for i in (*complaining, *complaining[:2])] + ["f" * 32]
    (folder / "complaints.csv").write_text("name,id\n" + "".join(f"x,{i.upper()}\n" for i in ids))
    phones = [f"+{phone(i)}" for i in (*PHONED, 9_001, 9_002)] + ["unknown", phone(200)]
    sink = io.BytesIO()
    parquet.write_table(pa.table({"phone": phones}), sink)
    (folder / "phones.parquet").write_bytes(sink.getvalue())


def made(interpreted: SparkSession, lakehouse: Lakehouse, to: Path, audiences: Mapping[str, str]) -> Run:  # noqa: F811
    """A project with these audiences, and its tables."""
    project_of(to, FEATURES)
    folder = to / "project"
    write_lists(folder)
    for kind, files in {"segmentations": {"pace": PACE}, "audiences": audiences}.items():
        (folder / kind).mkdir()
        for name, words in files.items():
            head = f"audience: {name}\nowner: crm\n" if kind == "audiences" else ""
            (folder / kind / f"{name}.yml").write_text(head + words)
    (folder / "privacy.yml").write_text(
        PRIVACY if "complaints" in audiences else PRIVACY.split("suppress", maxsplit=1)[0]
    )
    project = load_project(folder, {"variables.landing": "/data"})
    plan = plan_tiles(project)
    table = extend(snapshot, snapshot_columns(plan))
    lakehouse.rebuild(table, frame_of(interpreted, table, list(customers())), f"snapshot {'a' * 32}")
    lakehouse.ensure(extend(daily, tile_columns(plan)))
    return Run(project, lakehouse, lambda: KNOWN, Silent())


def put(run: Run, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    run.lakehouse.append(table, frame_of(run.lakehouse.spark, table, rows))


def tell(run: Run, consenting: Sequence[int] = CONSENTING) -> None:
    """What silver says: who agreed to e-mails, who was written to (on the as-of date; a control too), whose phones."""
    managed = {"revision": 1, "is_deleted": False, "source": "crm", "batch_id": 1,
               "ingested_at": datetime(2018, 1, 1, tzinfo=UTC)}  # fmt: skip
    agreed = {"purpose": "email", "basis": "consent", "granted": True, "valid_from": date(2017, 5, 1), **managed}
    put(run, silver.consents, [{"customer_id": customer(i), **agreed} for i in consenting])
    letters = [
        {"customer_id": customer(i), "campaign_id": "winter", "sent_on": AS_OF, "is_control": i % 20 == 0, **managed}
        for i in SENT
    ]
    put(run, silver.communications, letters)
    known = {"key_id": "test-1", "batch_id": 1}
    put(run, identity_vault, [
        {"customer_id": customer(i), "source_id": phone(i), **known} for i in (*PHONED, 9_001, 9_002)
    ])  # fmt: skip


@pytest.fixture
def run(interpreted: SparkSession, lakehouse: Lakehouse, tmp_path: Path) -> Run:  # noqa: F811
    shop = made(interpreted, lakehouse, tmp_path, AUDIENCES)
    tell(shop)
    return shop


@contextmanager
def built(run: Run, target: Target = TARGET) -> Iterator[Audiences]:
    with audiences_of(run, target) as audiences:
        build_audiences(audiences)
        yield audiences


def only(run: Run, *names: str, **changes: Any) -> Run:
    kept = tuple(replace(a, **changes) for a in run.project.audiences if a.name in names)
    return replace(run, project=replace(run.project, audiences=kept))


def catalog(run: Run) -> dict[str, dict[str, Any]]:
    return {row["audience"]: row for row in staged(run, audience_catalog)}


def members(run: Run, name: str) -> dict[int, dict[str, Any]]:
    rows = sorted(staged(run, audience_membership), key=lambda row: row["audience_rank"])
    return {NUMBER[row["customer_id"]]: row for row in rows if row["audience"] == name}


def best(meeting: Sequence[int], count: int) -> list[int]:
    return sorted(meeting, key=lambda n: (-CEREAL[n]["cheese_28d"], CEREAL[n]["customer_id"]))[:count]


def refused(audiences: Audiences) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for delivery in audiences.deliveries:
        for row in rows_of(delivery.refused):
            found.setdefault(row["audience"], {})[NUMBER[row["customer_id"]]] = row["reason"]
    return found


def test_rules_and_lists_are_delivered_with_everybody_who_may_not_be_in_them_taken_out(run: Run) -> None:
    with built(run) as audiences:
        why = refused(audiences)
        generations = [row["stage"] for row in run.log].count("audiences")
    assert generations == 3, "complaints; then keen, mailed and phones in one pass; then calm, which keen is ahead of"
    often = [n for n, row in enumerate(CEREAL) if row["visits_28d"] >= 5 and n not in COMPLAINING]
    sent = {n for n in SENT if n % 20}
    keen = best(often, 300)
    kept = [n for n in keen if CEREAL[n]["visits_28d"] != 7 and n not in sent]
    found = members(run, "keen")
    assert list(found) == kept
    assert [row["audience_rank"] for row in found.values()] == list(range(1, len(kept) + 1))
    assert why["keen"] == {
        n: "excluded: visits_28d = 7" if CEREAL[n]["visits_28d"] == 7 else "contact pressure: 1 in 28 days"
        for n in set(keen) - set(kept)
    }
    held = [n for n, row in found.items() if row["holdout"]]
    digits = {n: int(hashlib.sha256(f"keen:{CEREAL[n]['customer_id']}".encode()).hexdigest()[:13], 16) for n in found}
    assert held == [n for n in found if digits[n] < 0.2 * 16**13]

    several = [n for n, row in enumerate(CEREAL) if row["visits_28d"] >= 3]
    calm = best(several, -(-len(several) // 2))
    assert list(members(run, "calm")) == [n for n in calm if n not in {*found, *COMPLAINING}]
    assert {r["expires_on"] for r in members(run, "calm").values()} == {AS_OF + timedelta(days=6)}
    assert set(why["calm"].values()) == {"goes to audience keen", "excluded: audience.complaints"}
    assert set(members(run, "mailed")) == set(CONSENTING) - set(COMPLAINING)
    assert set(why["mailed"].values()) == {"not eligible", "excluded: audience.complaints"}
    assert set(members(run, "phones")) == set(PHONED)

    told = catalog(run)
    assert (told["complaints"]["status"], told["complaints"]["customers"]) == ("withheld", 0), (
        "five suppress all the same"
    )
    assert told["phones"]["status_reason"] == (
        "1 of 144 ids of the list stand there again; 3 of 144 ids of the list are no customer"
    )
    line = told["keen"]
    numbers = ("candidate_customers", "customers", "refused_customers", "holdout_customers", "published_customers")
    assert [line[name] for name in numbers] == [len(often), len(kept), 300 - len(kept), len(held), len(kept)]
    assert (line["status"], line["seed_customers"], line["status_reason"]) == ("published", None, None)
    assert told["calm"]["asked_customers_84d"] == len(sent & members(run, "calm").keys())


def test_everybody_excluded_is_withheld_and_says_what_took_how_many(run: Run) -> None:
    mailed = only(run, "mailed", exclude=())
    everybody = mailed.project.audiences[0].include
    some = only(mailed, "mailed", exclude=(everybody,))
    with built(some):
        pass
    assert catalog(some)["mailed"]["status_reason"] == (
        "nobody is left of the 1,500 customers found: 1,100 not eligible, 400 excluded: visits_28d >= 0"
    )
    assert (catalog(some)["mailed"]["customers"], catalog(some)["mailed"]["refused_customers"]) == (0, CUSTOMERS)


def released(run: Run, catalogue: Mapping[str, Any], who: Mapping[str, Mapping[int, date]]) -> Target:
    """A target that looks back at a release of the week before, in which these were members since."""
    rows = [
        {
            "as_of_date": BEFORE, "audience": name, "customer_id": customer(n), "score": None, "audience_rank": rank,
            "origin": "rule", "holdout": False, "entered_on": day, "expires_on": None, "stale": False,
            "release_id": "b" * 32,
        }
        for name, since in who.items() for rank, (n, day) in enumerate(since.items(), 1)
    ]  # fmt: skip
    lines = [
        {
            "as_of_date": BEFORE, "audience": name, "kind": "rule", "owner": "crm", "purpose": "email",
            "definition_hash": "0" * 32, "customers": len(since), "status": "published", "release_id": "b" * 32,
            **catalogue,
        }
        for name, since in who.items()
    ]  # fmt: skip
    put(run, audience_membership, rows)
    put(run, audience_catalog, lines)
    book = [
        {
            "release_id": "b" * 32, "table_name": table.full_name(), "as_of_date": BEFORE, "status": "released",
            "kind": "regular", "is_current": True, "sequence": 1, "known_at": KNOWN - timedelta(days=7),
            "released_at": KNOWN - timedelta(days=7), "last_version": None,
            "delta_version": run.lakehouse.last_commit(table)[0],
        }
        for table in (audience_membership, audience_catalog)
    ]  # fmt: skip
    return replace(TARGET, previous=tuple(book), history=tuple(book))


def test_outside_of_its_band_an_audience_is_withheld_and_its_last_members_stay_as_far_as_they_may(run: Run) -> None:
    narrow = only(run, "mailed", "complaints")
    narrow = replace(narrow, project=replace(narrow.project, audiences=tuple(
        replace(a, band=replace(a.band, at_most=1.5)) for a in narrow.project.audiences
    )))  # fmt: skip
    last = dict.fromkeys((300, 20, 4, 1_200, 5), date(2017, 6, 1))  # 4 complains, 1,200 has not agreed
    target = released(narrow, {"published_customers": 200, "status": "withheld"}, {"mailed": last})
    with built(narrow, target) as audiences:
        why = refused(audiences)
    line = catalog(narrow)["mailed"]
    assert line["status_reason"] == (
        "395 customers, when last published 200, and its band expects at most 300:"
        " if this is right, widen `band` or leave it out for this release"
    )
    assert (line["status"], line["customers"], line["published_customers"]) == ("withheld", 3, 200)
    assert line["refused_customers"] == CUSTOMERS - 395, "of those found now"
    found = members(narrow, "mailed")
    assert list(found) == [300, 20, 5]
    assert {(r["stale"], r["entered_on"], r["as_of_date"]) for r in found.values()} == {(True, date(2017, 6, 1), AS_OF)}
    assert why["mailed"] == {4: "excluded: audience.complaints", 1_200: "not eligible"}


def test_who_stays_keeps_the_day_of_entering_and_leaves_when_it_is_over(run: Run) -> None:
    calm = only(run, "calm", ahead=(), exclude=())
    several = best([n for n, row in enumerate(CEREAL) if row["visits_28d"] >= 3], 3)
    days = [AS_OF - timedelta(days=n) for n in (6, 7, 2)]
    target = released(calm, {}, {"calm": dict(zip(several, days, strict=True))})
    with built(calm, target) as audiences:
        assert refused(audiences) == {"calm": {several[1]: "expired"}}
    found = members(calm, "calm")
    assert [found[n]["entered_on"] for n in (several[0], several[2])] == [days[0], days[2]]
    assert catalog(calm)["calm"]["published_customers"] == len(found)


def test_who_is_taken_out_of_an_audience_is_told_so_among_its_changes(run: Run) -> None:
    long_ago, days = date(2017, 6, 1), [AS_OF - timedelta(days=n) for n in (2, 7)]
    often = [n for n, row in enumerate(CEREAL) if row["visits_28d"] >= 5 and n not in COMPLAINING]
    keen = [n for n in best(often, 300) if CEREAL[n]["visits_28d"] != 7]
    sent = {n for n in SENT if n % 20}
    written_to, first = (next(n for n in keen if (n in sent) == is_sent) for is_sent in (True, False))
    stays, over = best([n for n, row in enumerate(CEREAL) if row["visits_28d"] in (3, 4) and n not in COMPLAINING], 2)
    last = {
        "keen": dict.fromkeys((written_to, COMPLAINING[0]), long_ago),
        "calm": {first: days[0], stays: days[0], over: days[1]},
    }
    target = released(run, {}, last)
    with built(run, target):
        found = {name: set(members(run, name)) for name in AUDIENCES}
    told = {
        (row["audience"], NUMBER[row["customer_id"]]): row["reason"]
        for row in staged(run, audience_changes) if row["change"] == "removed"
    }  # fmt: skip
    assert told["keen", written_to] == "contact pressure: 1 in 28 days"
    assert told["keen", COMPLAINING[0]] == "excluded: audience.complaints"
    assert told["calm", first] == "goes to audience keen"
    assert told["calm", over] == "expired"
    assert ("calm", stays) not in told
    added = [row for row in staged(run, audience_changes) if row["change"] == "added"]
    for name, before in last.items():
        gone = {n for audience, n in told if audience == name}
        came = {NUMBER[row["customer_id"]] for row in added if row["audience"] == name}
        assert (set(before) - gone) | came == found[name]


def test_duckdb_finds_whom_spark_finds_refuses_whom_it_refuses_and_holds_out_the_same(run: Run) -> None:
    with built(run) as audiences:
        why = refused(audiences)
    here = replace(run.project, storage=run.lakehouse.storage)
    state = read_state(here, AS_OF, day_of(KNOWN, here.time_zone))
    evaluation = evaluate(state, audiences=here.audiences)
    assert evaluation.missing == {}
    everybody = state.tables.rows(segments_of_all(state, evaluation))
    published = [a for a in here.audiences if a.name != "complaints"]  # it is too small to be delivered
    for audience in published:
        sql, delivered = evaluation.audiences[key_of(audience)], members(run, audience.name)
        mine = {NUMBER[row["customer_id"]]: row for row in everybody if row[sql.member]}
        assert set(mine) == set(delivered), audience.name
        held_out = {n for n, row in mine.items() if row[sql.held_out]}
        assert held_out == {n for n, row in delivered.items() if row["holdout"]}, audience.name
        out = {
            NUMBER[row["customer_id"]]: next(reason for reason, column in sql.refusals.items() if row[column])
            for row in everybody if row[sql.found] and not row[sql.member]
        }  # fmt: skip
        assert out == why.get(audience.name, {}), audience.name
    assert len(published) == len(AUDIENCES) - 1


def test_lists_that_are_of_no_use_say_why_without_an_id(run: Run) -> None:
    folder, lists = run.project.folder, only(run, "phones", exclude=())
    (audience,) = lists.project.audiences
    assert audience.list_file is not None
    strangers = parquet_file(["+380 67 1", "380671"])
    (folder / "phones.parquet").write_bytes(strangers)
    known = replace(audience.list_file, digest=hashlib.sha256(strangers).hexdigest())
    empty = only(lists, "phones", list_file=known)
    with built(empty):
        pass
    line = catalog(empty)["phones"]
    assert (line["status"], line["customers"]) == ("withheld", 0)
    assert line["status_reason"] == "none of the 2 ids of the list is a customer"
    changed = refusal(lists)
    (folder / "phones.parquet").unlink()
    gone = refusal(empty)
    assert "list phones.parquet: the file has changed since this run began" in changed
    assert "list phones.parquet: there is no file any more" in gone
    assert "38067" not in changed + gone


def refusal(run: Run) -> str:
    with pytest.raises(InputError) as raised, built(run):
        pass
    return str(raised.value)


def parquet_file(phones: Sequence[str]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table({"phone": list(phones)}), sink)
    return sink.getvalue()


def test_no_plan_shows_an_id_of_a_list(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    lists = only(run, "phones", "complaints")
    with built(lists) as audiences:
        for delivery in audiences.deliveries:
            delivery.judged.explain("extended")
    plan = capsys.readouterr().out
    assert "LocalRelation" in plan or "Scan" in plan
    assert phone(200) not in plan
    assert customer(4) not in plan
