"""One writer at a time: a lease is a row that only one run can hold.

A MERGE takes it, so that of two runs that find it free Delta lets one through. A holder that died on this machine is
recognised by its process; one that died elsewhere by `expires_at`, which a living one moves on.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from pyspark.errors import AnalysisException
from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.contract.operations import leases
from strata.contract.spark import frame_of
from strata.errors import WriteConflict
from strata.storage.conflicts import CONFLICTS
from strata.storage.held import rows_held
from strata.storage.tables import Lakehouse

MINUTES = 60
"""A stage that takes longer loses its lease to whoever asks for it, and then stops."""

ATTEMPTS = 5
PAUSE_SECONDS = 5

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that holds, or held, a lease."""

    run_id: str
    host: str
    process: int
    expires_at: datetime

    def is_dead(self) -> bool:
        """True when the holder ran on this machine and its process is gone."""
        return self.host == socket.gethostname() and not _is_running(self.process)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a lease that another run holds, and whom to tell that one waits."""

    minutes: float = 0
    tell: Callable[[str], None] = lambda text: None


@contextmanager
def hold_lease(
    lakehouse: Lakehouse, name: str, clock: Clock, patience: Patience = Patience()
) -> Iterator[Callable[[], None]]:
    """Hold the lease `name` for the run of `lakehouse`; given back at the end, also after an error.

    Yields:
        What a long run calls before every step: it moves the lease on when a third of it is over, and raises
        WriteConflict when another run has taken it.

    Raises:
        WriteConflict: another run holds it, and still does when patience is over.
    """
    _take_in_time(lakehouse, name, clock, patience)
    due = clock() + timedelta(minutes=MINUTES / 3)

    def keep() -> None:
        nonlocal due
        if clock() >= due:
            _set(lakehouse, name, {"expires_at": F.lit(clock() + timedelta(minutes=MINUTES))})
            found = _holder(lakehouse, name)
            if found is None or found.run_id != lakehouse.run_id:
                raise _held(found)
            due = clock() + timedelta(minutes=MINUTES / 3)

    try:
        yield keep
    finally:
        _set(lakehouse, name, {c: F.lit(None) for c in ("holder", "host", "process", "expires_at")})


def _set(lakehouse: Lakehouse, name: str, values: dict[str, str | Column]) -> None:
    """Change the row of the lease, if it is still that of this run."""
    mine = (F.col("lease") == name) & (F.col("holder") == lakehouse.run_id)
    for left in reversed(range(ATTEMPTS)):
        try:
            with lakehouse.faults.around("update", leases.full_name()):
                return lakehouse.delta(leases).update(mine, values)
        except CONFLICTS:
            # Another lease of the table has changed hands: this row is nobody else's to change.
            if not left:
                raise


def _take_in_time(lakehouse: Lakehouse, name: str, clock: Clock, patience: Patience) -> None:
    until = clock() + timedelta(minutes=patience.minutes)
    is_told = False
    while True:
        try:
            return _take(lakehouse, name, clock())
        except WriteConflict as held:
            if clock() >= until:
                raise
            if not is_told:
                who = held.problems[0].what.partition(";")[0]  # what to do next is for those who do not wait
                patience.tell(f"waiting for at most {patience.minutes:g} minutes: {who}")
            is_told = True
            time.sleep(PAUSE_SECONDS)


def _take(lakehouse: Lakehouse, name: str, now: datetime) -> None:
    mine = Holder(lakehouse.run_id, socket.gethostname(), os.getpid(), now + timedelta(minutes=MINUTES))
    try:
        _make_table(lakehouse)
        found = _holder(lakehouse, name)
        if found and not found.is_dead() and found.expires_at > now:
            raise _held(found)
        _merge(lakehouse, name, mine, found)
    except CONFLICTS as lost:
        raise WriteConflict(f"another run took the lease {name} just now; start again when it is done") from lost
    winner = _holder(lakehouse, name)
    if winner is None or winner.run_id != mine.run_id:
        raise _held(winner)


def _make_table(lakehouse: Lakehouse) -> None:
    try:
        lakehouse.ensure(leases)
    except (*CONFLICTS, AnalysisException):
        lakehouse.ensure(leases)  # another run has made it in the same moment


def _merge(lakehouse: Lakehouse, name: str, mine: Holder, found: Holder | None) -> None:
    """Write `mine` over `found`; a holder that came in between stays."""
    row = {"lease": name, "holder": mine.run_id, **asdict(mine)}
    row.pop("run_id")
    source = frame_of(lakehouse.spark, leases, [row])
    free = F.col("held.holder").isNull() if found is None else F.col("held.holder") == found.run_id
    values: dict[str, str | Column] = {str(c): F.col(f"wanted.{c}") for c in leases.columns}
    matched = lakehouse.delta(leases).alias("held").merge(source.alias("wanted"), "held.lease = wanted.lease")
    with lakehouse.faults.around("merge", leases.full_name()):
        matched.whenMatchedUpdate(free, values).whenNotMatchedInsert(values=values).execute()


def _holder(lakehouse: Lakehouse, name: str) -> Holder | None:
    rows = [row for row in rows_held(lakehouse, leases, only={"lease": [name]}) if row["holder"]]
    return Holder(rows[0]["holder"], rows[0]["host"], rows[0]["process"], rows[0]["expires_at"]) if rows else None


def _held(holder: Holder | None) -> WriteConflict:
    if holder is None:
        return WriteConflict("another run held the lease and gave it back; start again")
    return WriteConflict(
        f"run {holder.run_id} (process {holder.process} on {holder.host}) is writing to this project"
        f" until {holder.expires_at:%Y-%m-%d %H:%M} UTC at the latest; start again when it is done"
    )


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
