"""`strata release --list` and `--show` where the tables are local: no JVM is started for them."""

from datetime import date

from strata.console import Console
from strata.contract.published import GATED_TABLES
from strata.preview.released import read_history
from strata.project.models import Project
from strata.publish.listing import print_book
from strata.publish.rollback import Book
from strata.storage.local import open_local


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
    tables = {t.full_name(): t for t in GATED_TABLES}
    book = Book(read_history(open_local(project.storage)), tables, project.retention_days, judged_on)
    print_book(book, digits, console)
