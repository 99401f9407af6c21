"""What a file of ids says: the ids of one column, each once, and what to know of them. Bytes to values, no Spark.

No message and no note shows an id: they are of persons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv, parquet

from strata.errors import InputError, Problem
from strata.project.audiences import ListFile

Forms = Callable[[str], tuple[str, ...]]
"""The forms in which an id as written may be known; none where it can be no id at all."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The ids of a list.

    Attributes:
        rows: ids in the file, blank ones not counted.
        distinct: how many different ones.
        forms: all forms in which they may be known.
    """

    rows: int
    distinct: int
    forms: tuple[str, ...]

    def against(self, found: int) -> tuple[str, ...]:
        """Reasons to withhold what was made of it; `found`: how many of its ids are customers of the base."""
        if not self.rows:
            return ("the list is empty",)
        return () if found else (f"none of the {self.rows:,} ids of the list is a customer",)

    def notes(self, found: int) -> tuple[str, ...]:
        """What to know of ids that are of no use."""
        repeated, unknown = self.rows - self.distinct, max(0, self.distinct - found)
        told = {"stand there again": repeated, "are no customer": unknown}
        return tuple(f"{count:,} of {self.rows:,} ids of the list {what}" for what, count in told.items() if count)


def read_ids(listed: ListFile, content: bytes) -> tuple[str, ...]:
    """The ids as written, in the order of the file; blank ones are left out.

    Args:
        listed: which column of which file.
        content: the bytes of the file: CSV with a header and commas, in UTF-8, or Parquet.

    Raises:
        InputError: it cannot be read, lacks the column or has it twice, or holds neither text nor whole numbers there.
    """
    read = _read_parquet if listed.path.endswith(".parquet") else _read_csv
    try:
        columns, ids = read(content, listed.column)
    except pa.ArrowException:  # its text may show rows
        kind = "Parquet" if listed.path.endswith(".parquet") else "CSV in UTF-8 with a header and commas"
        raise _refused(listed, f"cannot be read as {kind}", "deliver it again") from None
    if ids is None:
        found = ", ".join(columns) or "none"
        hint = "correct `column` of the list, or deliver the file with this column, once"
        raise _refused(listed, f"expected one column `{listed.column}`, found: {found}", hint)
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_integer(ids.type)):
        hint = "ids are text or whole numbers: a decimal number has lost digits of an id"
        raise _refused(listed, f"column `{listed.column}` holds {ids.type}", hint)
    written = (str(value) for value in ids.to_pylist() if value is not None)
    return tuple(text for text in written if text.strip())


def take_ids(written: Sequence[str], forms: Forms) -> Listed:
    """What a list comes to: spellings of one id are one id."""
    known = [forms(text) or (text.strip(),) for text in written]
    distinct = dict.fromkeys(known)
    usable = (forms(text) for text in written)
    return Listed(len(known), len(distinct), tuple(dict.fromkeys(form for found in usable for form in found)))


def _read_csv(content: bytes, column: str) -> tuple[list[str], pa.ChunkedArray | None]:
    # As text, whatever the ids look like: 0501234567 is no number.
    options = csv.ConvertOptions(column_types={column: pa.string()}, strings_can_be_null=False)
    table = csv.read_csv(pa.BufferReader(content), convert_options=options)
    return table.column_names, _only(table, column)


def _read_parquet(content: bytes, column: str) -> tuple[list[str], pa.ChunkedArray | None]:
    file = parquet.ParquetFile(pa.BufferReader(content))
    names = file.schema_arrow.names
    return names, _only(file.read(columns=[column]), column) if column in names else None


def _only(table: pa.Table, column: str) -> pa.ChunkedArray | None:
    if table.column_names.count(column) != 1:
        return None
    found = table.column(column)
    return found.cast(found.type.value_type) if pa.types.is_dictionary(found.type) else found


def _refused(listed: ListFile, what: str, hint: str) -> InputError:
    return InputError([Problem(listed.where, f"list {listed.path}: {what}", hint)])
