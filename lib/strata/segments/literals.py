"""Names and values as DuckDB reads them. Text in, text out."""


def quoted(name: str) -> str:
    """A column name as DuckDB takes any."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A STRING literal."""
    return "'" + value.replace("'", "''") + "'"


def number(value: float) -> str:
    """A DOUBLE literal of exactly this value."""
    return f"CAST('{float(value)!r}' AS DOUBLE)"
