"""The first bytes of a text file: its encoding and its header, checked before Spark reads a row.

Spark takes the columns of a csv by position: a file with swapped columns would be read swapped, in silence.
"""

import codecs
import csv
import io
import json
from collections.abc import Mapping, Sequence

from strata.ingest.columns import name_problem

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def csv_problem(head: bytes, options: Mapping[str, str], expected: Sequence[str]) -> str | None:
    """What is wrong with the beginning of a csv file; None when nothing is.

    Args:
        head: its first bytes.
        options: options of the reader.
        expected: the columns of the source, in order.
    """
    text, problem = _decoded(head, options.get("encoding", "utf-8"))
    if problem or options.get("header", "true").lower() == "false":
        return problem
    first = _first_record(text, options)
    if first is None:
        return f"is empty, expected the header {_delimiter(options).join(expected)}"
    return name_problem(expected, first, by_position=True)


def json_problem(head: bytes, options: Mapping[str, str], expected: Sequence[str]) -> str | None:
    """What is wrong with the beginning of a file of json lines: its encoding, or fields that nobody declared.

    A field that is absent is NULL in json, so that nothing is said about missing ones.
    """
    text, problem = _decoded(head, options.get("encoding", "utf-8"))
    if problem or options.get("multiLine", "false").lower() == "true":
        return problem
    found: dict[str, None] = {}
    for line in text.splitlines()[: -1 if len(text) > 1 and not text.endswith("\n") else None] or text.splitlines():
        found.update(dict.fromkeys(_fields(line)))
    unexpected = [name for name in found if name not in expected]
    if not unexpected:
        return None
    return f"unexpected {', '.join(unexpected)}: found {', '.join(found)}, expected {', '.join(expected)}"


def _fields(line: str) -> list[str]:
    try:
        record = json.loads(line)
    except ValueError:
        return []
    return list(record) if isinstance(record, dict) else []


def _decoded(head: bytes, encoding: str) -> tuple[str, str | None]:
    """The text of the head (a character cut at its end is dropped), or what is wrong with the encoding."""
    declared = codecs.lookup(encoding).name
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is None and head[:200].count(b"\0") > len(head[:200]) // 4:
        marked = declared if declared.startswith(("utf-16", "utf-32")) else "utf-16"
    if marked and not declared.startswith(marked):
        return "", f"is {marked}, expected {encoding}: set `encoding`, or deliver it as {encoding}"
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(head, final=False)
    except UnicodeDecodeError as error:
        return "", f"byte {error.start} is not {encoding}: set `encoding`, or deliver it as {encoding}"
    return text.removeprefix("\ufeff"), None


def _first_record(text: str, options: Mapping[str, str]) -> list[str] | None:
    comment = options.get("comment") or "\n"
    lines = [line for line in text.splitlines(keepends=True) if line.strip() and not line.startswith(comment)]
    quote = options.get("quote", '"') or None
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=_delimiter(options), quotechar=quote)
    first = next(reader, None)
    return None if first is None else [name.strip() for name in first]


def _delimiter(options: Mapping[str, str]) -> str:
    return options.get("delimiter", options.get("sep", ",")).replace("\\t", "\t")
