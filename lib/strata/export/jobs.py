"""`strata export`: an audience of a release as a file for a recipient."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from strata.console import Console
from strata.contract.audience_changes import audience_changes
from strata.contract.bronze import identity_vault
from strata.contract.columns import Table
from strata.contract.exports import audience_exports
from strata.contract.lists import audience_catalog, audience_membership
from strata.errors import InputError, ProjectError
from strata.export.files import OWNER_ONLY, Written, make_file
from strata.export.recipients import file_name, find_audience, find_recipient
from strata.export.rows import ON_TOP, changes_query, file_query, members_query, outgoing_query
from strata.preview.released import delivered_consents, has_table, kept_since, read_history, released_rows
from strata.project.audiences import Audience
from strata.project.models import Project
from strata.project.policies import Recipient
from strata.publish.release import current_release, previous_release, release_of_day
from strata.segments.literals import text
from strata.storage.appending import append_rows
from strata.storage.local import LocalTables, Row, open_local

OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for.

    Attributes:
        folder: where the file shall lie; None: beside the tables, in a folder of the recipient's.
        as_of: the date of a release; None: the current one.
        judged_on: the day as of which consent and objections count.
        moment: now, for the log.
        user: who asks, for the log.
    """

    audience: str
    recipient: str
    kind: Literal["members", "changes"]
    ending: Literal["csv", "parquet"]
    folder: Path | None
    as_of: date | None
    judged_on: date
    moment: datetime
    user: str


@dataclass(frozen=True, slots=True)
class _Released:
    """An audience as a release has it; `line`: of the catalogue."""

    project: Project
    tables: LocalTables
    history: list[Row]
    release: list[Row]
    audience: Audience
    line: Row
    judged_on: date

    @property
    def as_of(self) -> date:
        """The day of the release."""
        day: date = self.release[0]["as_of_date"]
        return day


def export(project: Project, wanted: Wanted, console: Console) -> Path:
    """Write the file and its row in the log; returns where the file lies.

    Raises:
        ProjectError: audience or recipient do not exist, or it may not have it; the folder cannot be written to.
        InputError: nothing is released, or nobody is left to export.
        WriteConflict: the row of the log could not be written, and so there is no file.
    """
    audience = find_audience(project, wanted.audience)
    recipient = find_recipient(project, wanted.recipient, audience)
    if wanted.folder is not None and not wanted.folder.is_dir():
        raise ProjectError(f"--to {wanted.folder}: there is no such folder")
    released = _read(project, audience, wanted)
    tables = released.tables
    tables.rows(f"CREATE TEMP TABLE {OUTGOING} AS {_leaving(released, recipient, wanted.kind)}")
    counted = tables.rows(f"SELECT left_out, count(*) AS customers FROM {OUTGOING} GROUP BY 1 ORDER BY 1")
    left_out = {row["left_out"]: row["customers"] for row in counted}
    leaving = left_out.pop(None, 0)
    if not leaving and wanted.kind == "members":
        raise InputError(_nobody(released, left_out))
    place = _place(released, recipient, wanted)
    id_column = "source_id" if recipient.ids == "source" else "customer_id"
    query = file_query(OUTGOING, wanted.kind, id_column, audience.name, released.as_of)

    def log(written: Written) -> None:
        row = _log_row(released, recipient, wanted, place.name, written)
        append_rows(tables, audience_exports, [row], project.retention_days)

    written = make_file(place, tables.batches(query), log)
    _say(released, wanted, left_out, written, console)
    console.say(f"  {place}")
    return place


def _read(project: Project, audience: Audience, wanted: Wanted) -> _Released:
    tables = open_local(project.storage)
    history = read_history(tables)
    release = release_of_day(history, wanted.as_of) if wanted.as_of else current_release(history)
    if not release:
        which = f"as of {wanted.as_of}" if wanted.as_of else "yet"
        raise InputError(f"{project.name}: nothing is released {which} to export; `strata run` makes a release")
    day = release[0]["as_of_date"]
    needed = [audience_catalog, audience_membership, *([audience_changes] if wanted.kind == "changes" else [])]
    for table in needed:
        if not has_table(release, table):
            what = f"the release as of {day} has no {table.full_name()}"
            raise InputError(f"{what}; it was made before there was any: `strata run --as-of {day} --force`")
    catalog = released_rows(tables, audience_catalog, release, history, kept_since(project, wanted.judged_on))
    lines = tables.rows(f"SELECT * FROM {catalog} WHERE audience = {text(audience.name)}")
    if not lines:
        raise InputError(f"{audience.name}: not in the release as of {day}; `strata run` makes one with it")
    if lines[0]["purpose"] != audience.purpose:
        what = f"{audience.name}: released for {lines[0]['purpose']}, declared for {audience.purpose} now"
        raise InputError(f"{what}; `strata run` asks for the consent that this needs")
    return _Released(project, tables, history, release, audience, lines[0], wanted.judged_on)


def _leaving(released: _Released, recipient: Recipient, kind: str) -> str:
    project, tables = released.project, released.tables
    purpose = next(p for p in project.privacy.purposes if p.name == released.audience.purpose)
    consents = delivered_consents(tables)
    members = members_query(_of_audience(released, audience_membership), consents, purpose, released.judged_on)
    rows = members
    if kind == "changes":
        rows = changes_query(_of_audience(released, audience_changes), members, _held_out_before(released))
    vault = tables.relation(identity_vault) if recipient.ids == "source" else None
    return outgoing_query(rows, vault)


def _of_audience(released: _Released, table: type[Table], release: list[Row] | None = None) -> str:
    since = kept_since(released.project, released.judged_on)
    rows = released_rows(released.tables, table, release or released.release, released.history, since)
    return f"(SELECT * FROM {rows} WHERE audience = {text(released.audience.name)})"


def _held_out_before(released: _Released) -> str:
    """Who was held out in the release that the differences are against; nobody where it has none or is gone."""
    before = previous_release(released.history, released.as_of, released.release[0]["known_at"])
    nobody = "(SELECT NULL::VARCHAR AS customer_id WHERE false)"
    if not has_table(before, audience_membership):
        return nobody
    try:
        return f"(SELECT customer_id FROM {_of_audience(released, audience_membership, before)} WHERE holdout)"
    except InputError:
        return nobody


def _place(released: _Released, recipient: Recipient, wanted: Wanted) -> Path:
    name = file_name(
        released.audience.name, released.as_of, released.release[0]["release_id"], wanted.kind, wanted.ending
    )
    if wanted.folder is not None:
        return wanted.folder / name
    folder = released.tables.root / "exports" / recipient.name
    for made in (folder.parent, folder):
        made.mkdir(mode=OWNER_ONLY, exist_ok=True)
    return folder / name


def _log_row(released: _Released, recipient: Recipient, wanted: Wanted, name: str, written: Written) -> Row:
    return {
        "exported_at": wanted.moment,
        "exported_by": wanted.user,
        "audience": released.audience.name,
        "recipient": recipient.name,
        "as_of_date": released.as_of,
        "release_id": released.release[0]["release_id"],
        "export_kind": wanted.kind,
        "id_kind": recipient.ids,
        "row_count": written.rows,
        "file_name": name,
        "content_hash": written.digest,
    }


def _nobody(released: _Released, left_out: dict[str, int]) -> str:
    name, line = released.audience.name, released.line
    if left_out:
        told = "; ".join(f"{n:,} {why}" for why, n in left_out.items())
        return f"{name}: nobody is left to export: {told}"
    why = f"withheld ({line['status_reason']})" if line["status"] == "withheld" else "without members"
    return f"{name}: {why} in the release as of {released.as_of}, and has no earlier members: nothing to export"


def _say(released: _Released, wanted: Wanted, left_out: dict[str, int], written: Written, console: Console) -> None:
    what = "members" if wanted.kind == "members" else "differences"
    release = released.release[0]["release_id"][:12]
    head = f"{wanted.audience} for {wanted.recipient}: {written.rows:,} {what}"
    console.say(f"{head} of release {release} as of {released.as_of}")
    for why, customers in left_out.items():
        console.say(f"  left out: {customers:,} {why}")
    if wanted.kind == "changes":
        query = f"SELECT count(*) AS customers FROM {OUTGOING} WHERE note = {text(ON_TOP)} AND left_out IS NULL"
        since = released.tables.rows(query)[0]["customers"]
        if since:
            console.say(f"  of them {since:,} {ON_TOP}")
    if released.line["status"] == "withheld":
        console.say(f"  note: stale: withheld ({released.line['status_reason']}); these are its last published members")
    if written.harmless:
        console.say(f"  note: {written.harmless:,} texts begin as a formula would and have got an apostrophe")
