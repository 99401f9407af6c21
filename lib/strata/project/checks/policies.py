"""quality.yml: checks stand on tables and columns that are published."""

from collections.abc import Collection, Mapping, Sequence

from strata.contract.published import GATED_TABLES, customer_features, customer_segments
from strata.project.notes import Notes
from strata.project.policies import Check
from strata.project.words import place_of

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


def wide_tables(
    published: Collection[str] | None, segmentations: Collection[str] | None
) -> dict[str, Collection[str] | None]:
    """The tables a project adds columns to, with these columns."""
    return {customer_features.full_name(): published, customer_segments.full_name(): segmentations}
