"""`strata release` with Spark: the way back, and the book of releases where it lies in no local folder."""

from strata.console import Console
from strata.pipeline.context import Run
from strata.pipeline.leased import leased
from strata.pipeline.rollback import book_of, roll_back
from strata.publish.listing import print_book


def release_job(run: Run, rollback: str | None, show: str | None, console: Console) -> None:
    """Bring a release back, show one, or list all.

    Raises:
        ProjectError: there is no such release, the digits are those of several, or it cannot be brought back.
        WriteConflict: another run holds the lease.
    """
    if rollback is None:
        print_book(book_of(run), show, console)
        return
    with leased(run, console) as held:
        roll_back(held, rollback, console)
