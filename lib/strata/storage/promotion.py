"""From staging to where readers look: the release protocol.

1. the intent: which version of which staging table passed the gate, with row counts and hashes (`promotions`);
2. each table: its slice replaced and those that have expired removed in one commit, then the slice counted and hashed
   where it now lies;
3. the switch: one commit on `releases`.

A crash before 1 has touched nothing that readers see. A crash after it leaves an intent without a switch, which the
next run completes: every step may be repeated, because it replaces whole slices from pinned versions.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from strata import __version__
from strata.contract.columns import Table, relocate
from strata.contract.operations import promotions, releases
from strata.contract.spark import frame_of, rows_of
from strata.errors import Problem, ProjectError, StrataError, WriteConflict
from strata.publish.release import Promoted, Release, Row, kind_of_release, switch
from strata.storage.concurrent import concurrently
from strata.storage.conflicts import CONFLICTS
from strata.storage.fingerprints import fingerprint
from strata.storage.held import read_pinned, rows_held
from strata.storage.leases import Clock
from strata.storage.session import small_row_groups
from strata.storage.tables import Lakehouse

FoundIn = Literal["staging", "version", "place"]
Keep = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Staged:
    """A table that passed the gate: now, in staging, or when what a rollback brings back was released.

    Attributes:
        version: of the staging table, or of the published table itself.
        found_in: the staging table; a version of the published table, that has the rows; or the place where readers
            look, where they are still.
    """

    table: type[Table]
    version: int
    row_count: int
    content_hash: str
    found_in: FoundIn = "staging"


def staging(table: type[Table]) -> type[Table]:
    """Where `table` is built and gated before anyone reads it; what is restricted stays under its own grants."""
    is_restricted = table.schema == "restricted"
    place = ("restricted", f"staged_{table.__name__}") if is_restricted else ("staging", table.__name__)
    moved = relocate(table, *place)
    moved.partition_by = None
    return moved


def read_releases(lakehouse: Lakehouse) -> list[Row]:
    """Every row of `releases`; empty before the first."""
    return rows_held(lakehouse, releases)


def promote(
    lakehouse: Lakehouse, release: Release, staged: Sequence[Staged], clock: Clock, keep_lease: Keep = lambda: None
) -> list[Row]:
    """Move a gated set to where readers look and switch to it; returns all rows of `releases` afterwards.

    Args:
        lakehouse: where the tables are.
        release: what they are about.
        staged: the set.
        clock: what time it is.
        keep_lease: called before each table and before the switch; raises WriteConflict when the lease is lost.

    Raises:
        ProjectError: a table cannot take what was staged; found before anything is promised.
        WriteConflict: another run has the lease, or has released meanwhile.
        StrataError: what was written is not what passed the gate.
    """
    concurrently(lambda s: lakehouse.ensure(s.table), staged)
    header = json.dumps(asdict(release), default=_iso)
    intent = [
        {
            "run_id": lakehouse.run_id,
            "release_id": release.release_id,
            "table_name": s.table.full_name(),
            "staging_version": s.version,
            "row_count": s.row_count,
            "content_hash": s.content_hash,
            "header": header,
            "found_in": s.found_in,
        }
        for s in staged
    ]
    lakehouse.overwrite(promotions, frame_of(lakehouse.spark, promotions, intent).coalesce(1))
    return _carry_out(lakehouse, release, staged, lakehouse.run_id, clock, keep_lease)


def recover(
    lakehouse: Lakehouse, tables: Sequence[type[Table]], clock: Clock, keep_lease: Keep = lambda: None
) -> Release | None:
    """Complete a promotion of some of `tables` that a crash cut short; None when there is none.

    Args:
        lakehouse: where the tables are.
        tables: all that may have been promised.
        clock: what time it is.
        keep_lease: as of `promote`.

    Raises:
        ProjectError: another version of strata has promised what this one does not know.
        WriteConflict: as of `promote`.
        StrataError: it cannot be completed; how to go on without it.
    """
    intent = rows_held(lakehouse, promotions)
    # A run makes several releases, one per date.
    if not intent or any(_made_by(r) == _made_by(intent[0]) for r in read_releases(lakehouse)):
        return None
    by_name, header = {t.full_name(): t for t in tables}, json.loads(intent[0]["header"])
    unknown = {r["table_name"] for r in intent} - by_name.keys() | header.keys() - {f.name for f in fields(Release)}
    if unknown:
        by = f"strata {header.get('code_version')}"
        raise ProjectError(
            f"{by} has promised release {intent[0]['release_id'][:12]}, and {__version__} does not know its"
            f" {', '.join(sorted(unknown))}; run {by} once to complete it"
        )
    release = _release(header)
    with _explained(lakehouse, release):
        staged = [_staged(lakehouse, by_name[r["table_name"]], r) for r in intent]
        _carry_out(lakehouse, release, staged, intent[0]["run_id"], clock, keep_lease)
    return release


@contextmanager
def _explained(lakehouse: Lakehouse, release: Release) -> Iterator[None]:
    """Of what cannot be completed, what it is and the way out: every release replaces all that a half one has left."""
    try:
        yield
    except (WriteConflict, *CONFLICTS):
        raise
    except (StrataError, PySparkException, OSError, ValueError) as error:
        what = (
            f"release {release.release_id[:12]}, as of {release.as_of}, was cut short and cannot be completed: {error}"
        )
        again = f"strata run --as-of {release.as_of} --force"
        again = f"strata release --rollback {release.release_id[:12]}" if release.is_rollback else again
        step = f"run again; if that does not help, remove the table {lakehouse.address(promotions)}, then `{again}`"
        raise StrataError([Problem(None, what, step)]) from error


def _made_by(row: Row) -> tuple[str, str]:
    return row["run_id"], row["release_id"]


def _staged(lakehouse: Lakehouse, table: type[Table], row: Row) -> Staged:
    found_in: FoundIn = row.get("found_in") or "staging"
    grown = lakehouse.grown(table, staging(table) if found_in == "staging" else None)
    return Staged(grown, row["staging_version"], row["row_count"], row["content_hash"], found_in)


def _carry_out(
    lakehouse: Lakehouse, release: Release, staged: Sequence[Staged], run_id: str, clock: Clock, keep_lease: Keep
) -> list[Row]:
    before = read_releases(lakehouse)
    backfill = kind_of_release(before, release) == "backfill"
    with small_row_groups(lakehouse.spark):
        promoted = concurrently(lambda s: _promote_table(lakehouse, s, release, keep_lease, backfill=backfill), staged)
    keep_lease()
    if read_releases(lakehouse) != before:
        raise WriteConflict("another run has released meanwhile; run again")
    after = switch(before, release, promoted, run_id, clock())
    lakehouse.overwrite(releases, frame_of(lakehouse.spark, releases, after).coalesce(1))
    return after


def _promote_table(
    lakehouse: Lakehouse, staged: Staged, release: Release, keep_lease: Keep, *, backfill: bool
) -> Promoted:
    """Replace the slice of one table by what passed the gate, and read back what readers now get.

    A catalogue has no slices: a backfill, being about the past, leaves it as it is.
    """
    table = staged.table
    keep_lease()
    if staged.found_in == "place":
        lakehouse.remove_slices(table, release.leaving)
    elif table.slice_by:
        lakehouse.replace_slice(table, _rows(lakehouse, staged, release), release.as_of, release.leaving)
    elif not backfill:
        lakehouse.overwrite(table, _rows(lakehouse, staged, release))
    version, _ = lakehouse.last_commit(table)
    written = read_pinned(lakehouse, table, version, staged.row_count, release.as_of if table.slice_by else None)
    found = rows_of(fingerprint(written))[0]
    if (table.slice_by or not backfill) and (found["row_count"], found["content_hash"]) != (
        staged.row_count,
        staged.content_hash,
    ):
        raise StrataError(
            f"{table.full_name()}: {found['row_count']} rows with hash {found['content_hash']} were written, but"
            f" {staged.row_count} with {staged.content_hash} passed the gate; readers of `releases` still see the"
            " old release; run again"
        )
    return Promoted(table.full_name(), version, found["row_count"], found["content_hash"])


def _rows(lakehouse: Lakehouse, staged: Staged, release: Release) -> DataFrame:
    table, count = staged.table, staged.row_count
    if staged.found_in == "staging":
        return read_pinned(lakehouse, staging(table), staged.version, count)
    return read_pinned(lakehouse, table, staged.version, count, release.as_of if table.slice_by else None)


def _release(header: dict[str, Any]) -> Release:
    as_of, known_at = date.fromisoformat(header["as_of"]), datetime.fromisoformat(header["known_at"])
    days = {name: tuple(map(date.fromisoformat, header.get(name, ()))) for name in ("expires", "withdraws")}
    return Release(**{**header, "as_of": as_of, "known_at": known_at, **days})


def _iso(value: Any) -> str:
    return str(value.isoformat())
