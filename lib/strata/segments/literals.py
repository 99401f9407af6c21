"""Names and values as DuckDB reads them. Text in, text out."""

import re


def quoted(name: str) -> str:
    """A column name as DuckDB takes any."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A STRING literal."""
    return "'" + value.replace("'", "''") + "'"


def file(path: str) -> str:
    """The name of one file, as a STRING literal in which no sign stands for other files."""
    return text(re.sub(r"([*?\[])", r"[\1]", path))


def number(value: float) -> str:
    """A DOUBLE literal of exactly this value."""
    return f"CAST('{float(value)!r}' AS DOUBLE)"
