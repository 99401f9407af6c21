"""What every run does that writes: it holds the project's lease, completes what was cut short, and keeps its log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from strata.console import Console
from strata.contract.columns import Table
from strata.contract.dictionary import core_tables
from strata.contract.published import GATED_TABLES
from strata.errors import DONE, exit_code_of
from strata.ingest.landing import bronze_table
from strata.pipeline.context import Run
from strata.project.models import Project
from strata.project.sources import with_lookups
from strata.storage.conflicts import as_conflicts
from strata.storage.leases import Patience, hold_lease
from strata.storage.promotion import recover
from strata.storage.retention import keep_versions

LEASE = "warehouse"
"""One for all that lies at a root: releases and promotions there have one book, whatever the project is called."""


@contextmanager
def leased(run: Run, console: Console, wait_minutes: float = 0) -> Iterator[Run]:
    """The run under the lease of its tables, after a release that was cut short is complete.

    Args:
        run: the run.
        console: where to print.
        wait_minutes: how long to wait for another run to be done.

    Raises:
        WriteConflict: another run holds the lease, and still does when that time is over.
    """
    console.say(f"strata · {run.project.name} · run {run.run_id}")
    patience = Patience(wait_minutes, run.progress.note)
    with hold_lease(run.lakehouse, LEASE, run.clock, patience) as keep:
        run = replace(run, keep_lease=keep)
        with _logged(run), as_conflicts():
            _prepare(run)
            yield run


def _prepare(run: Run) -> None:
    changed = keep_versions(run.lakehouse, _kept_tables(run.project))
    if changed:
        run.progress.note(f"retention_days: {changed} tables keep versions for {run.project.retention_days} days now")
    completed = recover(run.lakehouse, GATED_TABLES, run.clock, run.keep_lease)
    if completed:
        run.progress.note(f"a run was cut short: its release {completed.release_id[:12]} is now complete")


@contextmanager
def _logged(run: Run) -> Iterator[None]:
    """Keep the log of the run with how it ends; `Run.ends` is its exit code when nothing fails."""
    begun = time.perf_counter()
    try:
        yield
    except BaseException as error:
        run.end(time.perf_counter() - begun, exit_code_of(error), error)
        try:
            run.write_log()
        except Exception as lost:  # the first error is the one to tell
            run.progress.note(f"run_log could not be written: {type(lost).__name__}")
        raise
    run.end(time.perf_counter() - begun, max(run.ends, default=DONE))
    run.write_log()


def _kept_tables(project: Project) -> list[type[Table]]:
    """All but features: what these are made of stands in the note of their last commit, and they can be made anew."""
    lasting = [t for t in core_tables() if t.schema != "features"]
    return [*lasting, *map(bronze_table, with_lookups(project.sources))]
