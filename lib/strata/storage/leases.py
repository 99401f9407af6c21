"""One writer at a time: a lease is a row that only one run can hold.

A MERGE takes it, so that of two runs that find it free Delta lets one through. A holder that died on this machine is
recognised by its process; one that died elsewhere by `expires_at`, which a living one moves on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from pyspark.errors import AnalysisException
from pyspark.sql import Column
from pyspark.sql import functions as F

from strata.contract.operations import leases
from strata.contract.spark import frame_of
from strata.errors import WriteConflict
from strata.storage.conflicts import CONFLICTS
from strata.storage.held import rows_held
from strata.storage.processes import Process, holder_of, this_process
from strata.storage.tables import Lakehouse

MINUTES = 60
"""A stage that takes longer may lose its lease to whoever asks for it, and then stops."""

MOVED_ON = 20
"""After so many minutes a living run moves its lease on: none of its steps begins with less than `MINUTES` left."""

ATTEMPTS = 5
PAUSE_SECONDS = 5

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that holds, or held, a lease."""

    run_id: str
    process: Process
    expires_at: datetime


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
        What a long run calls before every step, from any thread: it moves the lease on every `MOVED_ON` minutes, and
        raises WriteConflict when another run has taken it.

    Raises:
        WriteConflict: another run holds it, and still does when patience is over.
    """
    _take_in_time(lakehouse, name, clock, patience)
    due, one_at_a_time = clock() + timedelta(minutes=MOVED_ON), Lock()

    def keep() -> None:
        nonlocal due
        with one_at_a_time:
            if clock() < due:
                return
            _set(lakehouse, name, {"expires_at": F.lit(clock() + timedelta(minutes=MINUTES + MOVED_ON))})
            found = _holder(lakehouse, name)
            if found is None or found.run_id != lakehouse.run_id:
                raise _held(found)
            due = clock() + timedelta(minutes=MOVED_ON)

    free: dict[str, str | Column] = {c: F.lit(None) for c in ("holder", "host", "process", "mark", "expires_at")}
    try:
        yield keep
    except BaseException:
        with suppress(Exception):  # the first error is the one to tell; of a run that is gone the lease is taken
            _set(lakehouse, name, free)
        raise
    _set(lakehouse, name, free)


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
    mine = Holder(lakehouse.run_id, this_process(), now + timedelta(minutes=MINUTES + MOVED_ON))
    try:
        _make_table(lakehouse)
        found = _holder(lakehouse, name)
        if found and not found.process.is_dead() and found.expires_at > now:
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
    """Write `mine` over `found`; a holder that came in between stays, and one that has moved its lease on."""
    row = {
        "lease": name,
        "holder": mine.run_id,
        "host": mine.process.host,
        "process": mine.process.number,
        "mark": mine.process.mark,
        "expires_at": mine.expires_at,
    }
    source = frame_of(lakehouse.spark, leases, [row])
    free = F.col("held.holder").isNull()
    if found:
        free = (F.col("held.holder") == found.run_id) & (F.col("held.expires_at") == F.lit(found.expires_at))
    values: dict[str, str | Column] = {str(c): F.col(f"wanted.{c}") for c in leases.columns}
    matched = lakehouse.delta(leases).alias("held").merge(source.alias("wanted"), "held.lease = wanted.lease")
    with lakehouse.faults.around("merge", leases.full_name()):
        matched.whenMatchedUpdate(free, values).whenNotMatchedInsert(values=values).execute()


def _holder(lakehouse: Lakehouse, name: str) -> Holder | None:
    rows = [row for row in rows_held(lakehouse, leases, only={"lease": [name]}) if row["holder"]]
    if not rows:
        return None
    return Holder(rows[0]["holder"], holder_of(rows[0]), rows[0]["expires_at"])


def _held(holder: Holder | None) -> WriteConflict:
    if holder is None:
        return WriteConflict("another run held the lease and gave it back; start again")
    return WriteConflict(
        f"run {holder.run_id} (process {holder.process.number} on {holder.process.host}) is writing to this project"
        f" (lease until {holder.expires_at:%Y-%m-%d %H:%M} UTC, longer while it works); start again when it is done"
    )
