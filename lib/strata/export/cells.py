"""Rows as CSV that a spreadsheet opens without obeying it. Pure.

RFC 4180: CRLF, quotes around what needs them, quotes doubled. A text that a spreadsheet would take for a formula gets
an apostrophe before it (OWASP, CSV Injection); numbers and dates are no text and stay what they are.
"""

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four: the same signs in full width, which spreadsheets take for the plain ones."""


def harmless(value: object) -> object:
    """A cell as it may stand in a CSV file."""
    return f"'{value}" if isinstance(value, str) and value.startswith(STARTS_OF_FORMULAS) else value


def write_csv(header: Sequence[str], batches: Iterable[Sequence[Sequence[object]]], out: TextIO) -> int:
    """Write a header and rows; returns how many texts had to be made harmless.

    Args:
        header: names of the columns.
        batches: each the rows of a part.
        out: opened with newline="".
    """
    writer, changed = csv.writer(out), 0
    writer.writerow(header)
    for rows in batches:
        made = [[harmless(value) for value in row] for row in rows]
        pairs = ((new, old) for line, row in zip(made, rows, strict=True) for new, old in zip(line, row, strict=True))
        changed += sum(new is not old for new, old in pairs)
        writer.writerows(made)
    return changed
