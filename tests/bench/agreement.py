"""Before anything is timed: strata's snapshot against that of another engine, every customer and every column."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
from deltalake import DeltaTable
from tests.bench.peers import COLUMNS, MONEY

ROWS_SHOWN = 3


class Disagreement(Exception):
    """Two engines did not make the same snapshot: nothing of them may be compared."""


def require_agreement(root: Path, as_of: date, other: Path, name: str) -> int:
    """Compare the snapshot under `root` with the file of a peer; returns the number of customers.

    Money is compared to the cent and counts as whole numbers; only pandas, which knows no decimals, is rounded.

    Raises:
        Disagreement: with the rows that only one of the two has.
    """
    with duckdb.connect() as db:
        ours = f"read_parquet({DeltaTable(root / 'features' / 'snapshot').file_uris()!r})"
        _view(db, "ours", f"FROM {ours} WHERE as_of_date = DATE '{as_of}'", exact=True)
        _view(db, "theirs", f"FROM read_parquet('{other}')", exact=name != "pandas")
        sides = [_only_in(db, "ours", "theirs"), _only_in(db, "theirs", "ours")]
        if any(sides):
            raise Disagreement(
                f"{root.name}, {as_of}: strata and {name} differ; rows only strata has: {sides[0]};"
                f" rows only {name} has: {sides[1]}; columns: customer_id, {', '.join(COLUMNS)}"
            )
        found = db.execute("SELECT count(*), count(DISTINCT customer_id) FROM ours").fetchall()[0]
    if not found[0] or found[0] != found[1]:
        raise Disagreement(f"{root.name}, {as_of}: {found[0]} rows of {found[1]} customers, expected one row each")
    return int(found[0])


def _view(db: duckdb.DuckDBPyConnection, name: str, rows: str, *, exact: bool) -> None:
    """A view of the customer and all columns, money as DECIMAL and the rest as BIGINT.

    Raises:
        Disagreement: a column is missing, or not exact where it has to be.
    """
    types = dict(row[:2] for row in db.execute(f"DESCRIBE {rows}").fetchall())
    wrong = [f"{c} {types.get(c, 'missing')}" for c in COLUMNS if not _is_fit(types.get(c, ""), _is_money(c), exact)]
    if wrong:
        raise Disagreement(f"{name}: found {', '.join(wrong)}, expected DECIMAL for money and whole numbers else")
    columns = [_cast(c, types[c]) for c in COLUMNS]
    db.execute(f"CREATE VIEW {name} AS SELECT customer_id, {', '.join(columns)} {rows}")


def _is_money(column: str) -> bool:
    return column.rpartition("_")[0] in MONEY


def _is_fit(found: str, is_money: bool, exact: bool) -> bool:
    kinds = ("DECIMAL",) if is_money else ("BIGINT", "HUGEINT", "INTEGER", "UINTEGER", "UBIGINT", "DECIMAL(38,0)")
    return bool(found) if not exact else found.startswith(kinds)


def _cast(column: str, found: str) -> str:
    if not _is_money(column):
        return f"{column}::BIGINT AS {column}"
    return f"{f'round({column}, 2)' if found == 'DOUBLE' else column}::DECIMAL(38,2) AS {column}"


def _only_in(db: duckdb.DuckDBPyConnection, one: str, other: str) -> Sequence[tuple[object, ...]]:
    return db.execute(f"FROM {one} EXCEPT ALL FROM {other} LIMIT {ROWS_SHOWN}").fetchall()
