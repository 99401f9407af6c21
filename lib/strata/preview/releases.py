"""`strata status`, `release --list` and `--show` where the tables are local: no JVM is started for them.

They are asked when something has gone wrong: of the project they need project.yml alone.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from strata.console import Console
from strata.contract.operations import leases, run_log
from strata.contract.published import GATED_TABLES
from strata.errors import InputError
from strata.preview.released import read_history
from strata.project.models import Storage
from strata.project.shapes.header import Header
from strata.publish.listing import print_book
from strata.publish.rollback import Book
from strata.publish.runs import print_status
from strata.storage.local import LocalTables, Row, open_local
from strata.storage.processes import holder_of


def show_releases(header: Header, digits: str | None, judged_on: date, console: Console) -> None:
    """Print the book of releases, or one of it.

    Args:
        header: of a project whose tables lie in a local folder.
        digits: the first of the id of a release; None: all are listed.
        judged_on: the day it is, in UTC.
        console: where to print.

    Raises:
        ProjectError: there is no such release, or the digits are those of several.
    """
    tables = open_local(header.storage)
    print_book(_book(header, tables, judged_on), digits, _located(header, tables), console)


def show_status(header: Header, judged_on: date, console: Console) -> None:
    """Print what is current, the last runs and releases, and who is writing; arguments as of `show_releases`."""
    tables = open_local(header.storage)
    log, held = (_if_readable(read, tables, console) for read in (_read_log, _read_holders))
    print_status(_book(header, tables, judged_on), log, held, _located(header, tables), console)


def _if_readable(read: Callable[[LocalTables], list[Row]], tables: LocalTables, console: Console) -> list[Row]:
    """What is damaged is said, and hides nothing else."""
    try:
        return read(tables)
    except InputError as error:
        console.note(error.problems[0].what)
        return []


def _read_log(tables: LocalTables) -> list[Row]:
    if not tables.exists(run_log):
        return []
    ended = "exit_code, error" if "exit_code" in tables.columns(run_log) else "NULL AS exit_code, NULL AS error"
    began = "make_timestamp(epoch_us(started_at)) AS started_at"  # in UTC
    return tables.rows(f"SELECT run_id, stage, {began}, seconds, {ended} FROM {tables.relation(run_log)}")


def _read_holders(tables: LocalTables) -> list[Row]:
    if not tables.exists(leases):
        return []
    rows = tables.rows(f"SELECT * EXCLUDE (expires_at) FROM {tables.relation(leases)} WHERE holder IS NOT NULL")
    return [row | {"is_dead": holder_of(row).is_dead()} for row in rows]


def _located(header: Header, tables: LocalTables) -> Storage:
    return replace(header.storage, root=str(tables.root))


def _book(header: Header, tables: LocalTables, judged_on: date) -> Book:
    published = {t.full_name(): t for t in GATED_TABLES}
    return Book(read_history(tables), published, header.retention_days, judged_on)
