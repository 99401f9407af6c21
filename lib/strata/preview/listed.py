"""Who is in the list of an audience: its file beside the identity vault, so that no key is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.contract.bronze import identity_vault
from strata.errors import InputError, Problem
from strata.ingest.pseudonyms import forms_of
from strata.project.audiences import Audience, ListFile
from strata.project.sources import Source
from strata.segments.literals import quoted
from strata.storage.local import LocalTables


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as it is now.

    Attributes:
        customers: customer_id of those in it, once each, in parentheses.
        rows: ids in the file, blank ones not counted.
        distinct: how many different ones.
        known: how many customers they stand for.
    """

    customers: str
    rows: int
    distinct: int
    known: int


def read_list(
    tables: LocalTables, folder: Path, audience: Audience, listed: ListFile, sources: Sequence[Source]
) -> Listed:
    """Look the ids of a list up in restricted.identity_vault; the answer lies in a table of the connection.

    Raises:
        InputError: the file cannot be read or lacks the column; there is no vault.
    """
    from strata.audiences.listed import read_ids, take_ids  # noqa: PLC0415 - pyarrow takes its time to load

    place, name = folder / listed.path, f"~listed:{audience.name}"
    if not place.is_file():
        raise InputError([Problem(listed.where, f"list {listed.path}: there is no such file", "deliver it again")])
    taken = take_ids(read_ids(listed, place.read_bytes()), forms_of(listed.identity, sources))
    tables.keep_texts(f"{name} forms", taken.forms)
    form = f"(SELECT DISTINCT value FROM {quoted(f'{name} forms')})"
    if listed.identity == "customer_id":
        found = f"SELECT value AS customer_id FROM {form}"
    else:
        found = f"SELECT DISTINCT customer_id FROM {form} JOIN {tables.relation(identity_vault)} ON source_id = value"
    tables.connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {found}")
    known = tables.rows(f"SELECT count(*) AS known FROM {quoted(name)}")[0]["known"]
    return Listed(f"(SELECT customer_id FROM {quoted(name)})", taken.rows, taken.distinct, known)
