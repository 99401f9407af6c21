"""Who is in the list of an audience: its file beside the identity vault, so that no key is needed."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from strata.contract.bronze import identity_vault
from strata.errors import InputError, Problem
from strata.ingest.pseudonyms import BLANKS
from strata.project.audiences import Audience, ListFile, Normaliser
from strata.segments.literals import quoted, text
from strata.storage.local import LocalTables

_INSIDE_NUMBERS = " ()-\u00a0\t"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as it is now.

    Attributes:
        customers: customer_id of those in it, once each, in parentheses.
        rows: ids in the file, blank ones not counted.
        distinct: how many different ones.
        known: how many of these stand for a customer.
    """

    customers: str
    rows: int
    distinct: int
    known: int


def read_list(tables: LocalTables, folder: Path, audience: Audience, listed: ListFile) -> Listed:
    """Look the ids of a list up in restricted.identity_vault; the answer lies in a table of the connection.

    Raises:
        InputError: the file cannot be read or lacks the column; there is no vault.
    """
    name, place = quoted(f"~listed:{audience.name}"), folder / listed.path
    ids = f"SELECT {normalised(listed.identity, quoted(listed.column))} AS id FROM {_rows(place)}"
    if listed.identity == "customer_id":
        found = "SELECT id, id AS customer_id FROM ids"
    else:
        found = f"SELECT id, customer_id FROM ids LEFT JOIN {tables.relation(identity_vault)} ON source_id = id"
    query = f"WITH ids AS ({ids}) SELECT id, customer_id FROM ({found}) WHERE id IS NOT NULL"
    try:
        tables.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    except duckdb.Error as error:
        # The rest of DuckDB's words may show rows, and so ids of persons.
        what = f"list {listed.path}: no column `{listed.column}` of ids can be read ({type(error).__name__})"
        raise InputError([Problem(listed.where, what, "a list is CSV with a header and commas, or Parquet")]) from None
    counts = "count(*) AS rows, count(DISTINCT id) AS ids, count(DISTINCT customer_id) AS known"
    row = tables.rows(f"SELECT {counts} FROM {name}")[0]
    customers = f"(SELECT DISTINCT customer_id FROM {name} WHERE customer_id IS NOT NULL)"
    return Listed(customers, row["rows"], row["ids"], row["known"])


def normalised(kind: Normaliser, column: str) -> str:
    """The form of an id that is hashed, as SQL: the twin of `ingest.pseudonyms.normalise` for ids that are text."""
    bare = f"trim(CAST({column} AS VARCHAR), {text(BLANKS)})"
    if kind == "msisdn":
        bare = f"regexp_replace(translate({bare}, {text(_INSIDE_NUMBERS)}, ''), '^(\\+|00)', '')"
    if kind == "email":
        bare = f"lower({bare})"
    return f"nullif({bare}, '')"


def _rows(place: Path) -> str:
    file = text(str(place))
    if place.suffix == ".parquet":
        return f"read_parquet({file})"
    return f"read_csv({file}, header = true, delim = ',', all_varchar = true)"
