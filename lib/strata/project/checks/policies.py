"""quality.yml is about tables and columns that are published, privacy.yml: recipients get what there is."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from strata.contract.bronze import files
from strata.contract.columns import Table
from strata.contract.published import GATED_TABLES, customer_features, customer_segments
from strata.contract.silver import events
from strata.project.notes import Notes
from strata.project.policies import Check, History, Privacy
from strata.project.words import nearest, place_of

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")


def check_checks(checks: Sequence[Check], wide: Mapping[str, Collection[str] | None], notes: Notes) -> None:
    """Names are unique, tables are published ones, columns are theirs.

    Args:
        checks: those of quality.yml.
        wide: full name of a table that a project adds columns to -> these; None when they are not known.
        notes: gets the problems.
    """
    tables = {table.full_name(): table for table in GATED_TABLES}
    seen: set[str] = set()
    for check in checks:
        if check.name in seen:
            notes.add(place_of(check.name), f"a second check `{check.name}`", "rename one")
        seen.add(check.name)
        if not notes.expect_known(check.table, tables, "published table"):
            continue
        added = wide.get(check.table, ())
        columns = {*map(str, tables[check.table].columns), *(added or ())}
        for argument in _COLUMN_ARGUMENTS:
            column = check.arguments.get(argument)
            if isinstance(column, str) and added is not None:
                notes.expect_known(column, columns, f"column of {check.table}", check.where)


def check_history(history: History, notes: Notes) -> None:
    """What is left out of comparisons is of a table that is compared."""
    tables: tuple[type[Table], ...] = (*GATED_TABLES, events, files)
    watched = [table.full_name() for table in tables]
    for pattern in history.leave:
        table = ".".join(pattern.split(".")[:2])
        if not any(fnmatchcase(name, table) for name in watched):
            hint = nearest(table, watched)
            notes.add(place_of(pattern), f"`{pattern}` is of no table that is held against earlier dates", hint)


def wide_tables(
    published: Collection[str] | None, segmentations: Collection[str] | None
) -> dict[str, Collection[str] | None]:
    """The tables a project adds columns to, with these columns."""
    return {customer_features.full_name(): published, customer_segments.full_name(): segmentations}


def check_recipients(privacy: Privacy, audiences: Collection[str], notes: Notes) -> None:
    """Recipients of privacy.yml serve purposes and get audiences that there are."""
    purposes = {p.name for p in privacy.purposes}
    for recipient in privacy.recipients:
        for purpose in recipient.purposes:
            notes.expect_known(purpose, purposes, "purpose in privacy.yml")
        for pattern in recipient.audiences:
            is_met = pattern == "*" or any(fnmatchcase(name, pattern) for name in audiences)
            if not is_met and not notes.doubts(pattern):
                notes.add(place_of(pattern), f"`{pattern}` matches no audience", nearest(pattern, audiences))
