"""Three releases of six customers by hand, and what these have said since: what a rollback is tried on."""

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from tests.ingest.kit import Silent
from tests.storage.promote_once import rows_for

from strata.console import Console
from strata.contract import silver
from strata.contract.audience_changes import audience_changes, audience_refusals
from strata.contract.bronze import identity_vault
from strata.contract.columns import Table
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.published import customer_segments, segment_catalog, segment_membership
from strata.contract.spark import frame_of, rows_of
from strata.pipeline.context import Run
from strata.pipeline.rollback import roll_back
from strata.project.policies import Purpose
from strata.publish.release import Release, current_release
from strata.storage.fingerprints import fingerprint
from strata.storage.held import hold, rows_held
from strata.storage.promotion import Staged, promote, read_releases, staging
from strata.storage.tables import Lakehouse

ZERO, FIRST, SECOND = (date(2024, 3, n) for n in (1, 2, 3))
NOW = datetime(2024, 3, 9, 12, tzinfo=UTC)
TABLES = (
    segment_catalog, segment_membership, customer_segments, audience_catalog, audience_membership, audience_changes,
    audience_refusals,
)  # fmt: skip
MEMBERS = {ZERO: {0, 4, 5}, FIRST: {0, 1, 2, 3, 4, 5}, SECOND: {1, 2}}
RELEASES = {
    day: Release(letter * 32, day, NOW, "c" * 32, "1", None) for day, letter in zip(MEMBERS, "abc", strict=True)
}
ERASED, WITHDREW, OBJECTS, OBJECTS_TO_ALL = 2, 3, 4, 5


def customer(number: int) -> str:
    return f"{number:032x}"


def numbers(rows: Iterable[dict[str, Any]]) -> set[int]:
    return {int(row["customer_id"], 16) for row in rows}


def run_on(lakehouse: Lakehouse) -> Run:
    purposes = (Purpose("email", "consent", ""), Purpose("direct_mail", "legitimate_interest", ""))
    privacy = SimpleNamespace(purposes=purposes)
    project = SimpleNamespace(name="tiny", retention_days=30, time_zone="Europe/Kyiv", privacy=privacy)
    return Run(project, lakehouse, lambda: NOW, Silent())


def release(lakehouse: Lakehouse, day: date, moment: datetime = NOW) -> None:
    """Stage and promote what there is of a day."""
    staged = []
    for table in TABLES:
        place = staging(table)
        lakehouse.overwrite(place, frame_of(lakehouse.spark, place, _rows(table, day)).coalesce(1))
        version, _ = lakehouse.last_commit(place)
        found = rows_of(fingerprint(hold(lakehouse, place, version)))[0]
        staged.append(Staged(table, version, found["row_count"], found["content_hash"]))
    promote(lakehouse, RELEASES[day], staged, lambda: moment)


def _rows(table: type[Table], day: date) -> list[dict[str, Any]]:
    about = {"as_of_date": day, "release_id": RELEASES[day].release_id, "audience": "a"}
    members, before = MEMBERS[day], MEMBERS.get({FIRST: ZERO, SECOND: FIRST}.get(day, day), set())
    before = set() if day == ZERO else before
    member = {"origin": "rule", "holdout": False, "entered_on": day, "stale": False}
    rows: dict[type[Table], list[dict[str, Any]]] = {
        customer_segments: [{"customer_id": customer(n)} for n in range(6)],
        audience_membership: [{**member, "customer_id": customer(n), "audience_rank": n + 1} for n in members],
        audience_catalog: [
            {"kind": "rule", "owner": "o", "purpose": "email", "definition_hash": "d" * 32, "status": "published",
             "customers": len(members), "holdout_customers": 0},
        ],
        audience_changes: [
            {"customer_id": customer(n), "change": change, "reason": "r"}
            for change, who in (("added", members - before), ("removed", before - members)) for n in who
        ],
        audience_refusals: [],
    }  # fmt: skip
    found = rows.get(table) or ([] if table in rows else rows_for(table, day, 3, RELEASES[day].release_id))
    return [{k: v for k, v in {**about, **row}.items() if k in table.columns} for row in found]


def what_was_said_since(lakehouse: Lakehouse) -> None:
    """Consent of all, then what some of them have said; and the vault without who is erased."""
    shared = {"revision": 1, "is_deleted": False, "source": "crm", "ingested_at": NOW, "batch_id": 1}
    said = [(n, "email", "consent", True, ZERO) for n in range(6)]
    said += [
        (WITHDREW, "email", "consent", False, SECOND), (OBJECTS, "email", "objection", True, SECOND),
        (OBJECTS_TO_ALL, "profiling", "objection", True, SECOND),
    ]  # fmt: skip
    names = ("purpose", "basis", "granted", "valid_from")
    rows = [{**shared, "customer_id": customer(n), **dict(zip(names, rest, strict=True))} for n, *rest in said]
    lakehouse.append(silver.consents, frame_of(lakehouse.spark, silver.consents, rows).coalesce(1))
    vault = [
        {"customer_id": customer(n), "source_id": f"s{n}", "key_id": "k", "batch_id": 1}
        for n in range(100) if n != ERASED
    ]  # fmt: skip
    lakehouse.append(identity_vault, frame_of(lakehouse.spark, identity_vault, vault).coalesce(1))


def say_nothing(lakehouse: Lakehouse) -> None:
    """All consent, nobody objects or is erased."""
    rows = rows_held(lakehouse, silver.consents)
    kept = [row for row in rows if row["valid_from"] == ZERO]
    lakehouse.overwrite(silver.consents, frame_of(lakehouse.spark, silver.consents, kept))
    erased = {"customer_id": customer(ERASED), "source_id": "s2", "key_id": "k", "batch_id": 2}
    lakehouse.append(identity_vault, frame_of(lakehouse.spark, identity_vault, [erased]))


def released(lakehouse: Lakehouse, moment: datetime = NOW) -> None:
    """Three releases of a moment, and what was said since."""
    for day in RELEASES:
        release(lakehouse, day, moment)
    what_was_said_since(lakehouse)


def go_back(lakehouse: Lakehouse, digits: str = "bb") -> str:
    """Roll back; returns what is printed and noted."""
    out = io.StringIO()
    notes: list[str] = []
    run = replace(run_on(lakehouse), progress=SimpleNamespace(begin=_nothing, end=_nothing, note=notes.append))
    roll_back(run, digits, Console(out))
    assert [row["stage"] for row in run.log] == ["rollback"]
    return out.getvalue() + "\n".join(notes)


def told(lakehouse: Lakehouse) -> tuple[dict[str, dict[str, Any]], list[tuple[str, ...]]]:
    """What readers of `releases` get: each table at its pinned version, and the book but for times."""
    book = read_releases(lakehouse)
    by_name = {t.full_name(): t for t in TABLES}
    pinned = {
        r["table_name"]: rows_of(fingerprint(hold(lakehouse, by_name[r["table_name"]], r["delta_version"])))[0]
        for r in current_release(book)
    }
    names = ("release_id", "table_name", "sequence", "kind", "status", "row_count", "content_hash", "is_current")
    return pinned, sorted(tuple(str(r[name]) for name in names) for r in book)


def _nothing(*_: object) -> None: ...
