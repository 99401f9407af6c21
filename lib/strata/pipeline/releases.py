"""`strata release` and `status` with Spark: the way back, and the books where they lie in no local folder."""

from strata.console import Console
from strata.contract.operations import leases, run_log
from strata.pipeline.context import Run
from strata.pipeline.leased import leased
from strata.pipeline.rollback import book_of, roll_back
from strata.publish.listing import print_book
from strata.publish.runs import print_status
from strata.storage.held import rows_held
from strata.storage.processes import holder_of


def release_job(run: Run, rollback: str | None, show: str | None, console: Console, wait_minutes: float = 0) -> None:
    """Bring a release back, show one, or list all.

    Raises:
        ProjectError: there is no such release, the digits are those of several, or it cannot be brought back.
        WriteConflict: another run holds the lease.
    """
    if rollback is None:
        print_book(book_of(run), show, run.lakehouse.storage, console)
        return
    with leased(run, console, wait_minutes) as held:
        roll_back(held, rollback, console)


def show_status(run: Run, console: Console) -> None:
    """Print what is current, the last runs and releases, and who is writing."""
    lakehouse = run.lakehouse
    log = rows_held(lakehouse, run_log)
    held = [row | {"is_dead": holder_of(row).is_dead()} for row in rows_held(lakehouse, leases) if row["holder"]]
    unknown = {"exit_code": None, "error": None}
    print_status(book_of(run), [unknown | row for row in log], held, lakehouse.storage, console)
