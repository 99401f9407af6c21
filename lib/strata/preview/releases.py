"""`strata status`, `release --list` and `--show` where the tables are local: no JVM is started for them."""

from dataclasses import replace
from datetime import date

from strata.console import Console
from strata.contract.operations import leases, run_log
from strata.contract.published import GATED_TABLES
from strata.preview.released import read_history
from strata.project.models import Project
from strata.publish.listing import print_book
from strata.publish.rollback import Book
from strata.publish.runs import print_status
from strata.storage.local import LocalTables, Row, open_local


def show_releases(project: Project, digits: str | None, judged_on: date, console: Console) -> None:
    """Print the book of releases, or one of it.

    Args:
        project: its tables lie in a local folder.
        digits: the first of the id of a release; None: all are listed.
        judged_on: the day it is, in UTC.
        console: where to print.

    Raises:
        ProjectError: there is no such release, or the digits are those of several.
    """
    print_book(_book(project, open_local(project.storage), judged_on), digits, console)


def show_status(project: Project, judged_on: date, console: Console) -> None:
    """Print what is current, the last runs and releases, and who is writing; tables as of `show_releases`."""
    tables = open_local(project.storage)
    log, held = list[Row](), list[Row]()
    if tables.exists(run_log):
        ended = "exit_code, error" if "exit_code" in tables.columns(run_log) else "NULL AS exit_code, NULL AS error"
        began = "make_timestamp(epoch_us(started_at)) AS started_at"  # in UTC
        log = tables.rows(f"SELECT run_id, stage, {began}, seconds, {ended} FROM {tables.relation(run_log)}")
    if tables.exists(leases):
        held = tables.rows(f"SELECT lease, holder, host, process FROM {tables.relation(leases)}")
    storage = replace(project.storage, root=str(tables.root))
    print_status(_book(project, tables, judged_on), log, held, storage, console)


def _book(project: Project, tables: LocalTables, judged_on: date) -> Book:
    published = {t.full_name(): t for t in GATED_TABLES}
    return Book(read_history(tables), published, project.retention_days, judged_on)
