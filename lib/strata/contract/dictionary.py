"""DATA_DICTIONARY.md, rendered from the contracts: what every table holds, in the words of its declaration."""

from collections.abc import Iterable, Mapping
from types import ModuleType

from strata.contract import (
    audience_changes,
    bronze,
    clusterings,
    exports,
    feature_tables,
    lists,
    operations,
    published,
    silver,
)
from strata.contract.columns import Column, Personal, Table

MODULES = (bronze, silver, feature_tables, published, clusterings, lists, audience_changes, operations, exports)
SCHEMAS = {
    "bronze": "What was delivered, as it was delivered. Own grants.",
    "restricted": "Raw rows, the identity vault (raw ids are nowhere else), refusals, the log of exports. Own grants.",
    "silver": "Delivered facts in one shape, whatever source they came from.",
    "features": "Tiles that merge, and the snapshot that conditions read.",
    "models": "Fitted models as arrays and JSON.",
    "staging": "Where a release is built and gated, and the books of its promotion. Not for readers.",
    "publish": "Aggregates and catalogues, the releases, the results of the checks: what BI reads.",
    "members": "One row per person: what CRM reads.",
}
HEAD = """\
# Data dictionary

Rendered by `make dictionary` from `lib/strata/contract` and {project}: edit those, not this file.

A table's *grain* is what its rows are unique in; its *slice* is what a run replaces as a whole. NULL says whether a
column may be NULL. *Personal* says how close a column is to a person, and so who may read it and what erasure reaches.
"""
COLUMNS = "| column | type | unit | NULL | meaning | limits | personal |\n|---|---|---|---|---|---|---|"


def core_tables() -> tuple[type[Table], ...]:
    """Every table of the contracts, schema by schema, in the order of their declaration."""
    declared = [table for module in MODULES for table in _declared(module)]
    return tuple(table for schema in SCHEMAS for table in declared if table.schema == schema)


def _declared(module: ModuleType) -> list[type[Table]]:
    values = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Table)]
    return [table for table in values if table.__module__ == module.__name__]


def render(project: str, extensions: Mapping[str, Iterable[Column]]) -> str:
    """The whole dictionary as Markdown.

    Args:
        project: name of the project that the extension columns are from.
        extensions: `schema.table` -> the columns that the project adds to it.

    Raises:
        ValueError: an extension is for a table that is no contract's.
    """
    tables = core_tables()
    unknown = sorted(set(extensions) - {table.full_name() for table in tables})
    if unknown:
        raise ValueError(f"no contract declares {', '.join(unknown)}")
    parts = [HEAD.format(project=project)]
    for schema, meaning in SCHEMAS.items():
        parts.append(f"## {schema}\n\n{meaning}\n")
        here = [table for table in tables if table.schema == schema]
        parts += [_section(table, project, extensions.get(table.full_name(), ())) for table in here]
    return "\n".join(parts)


def _section(table: type[Table], project: str, extra: Iterable[Column]) -> str:
    facts = [f"Grain: {', '.join(f'`{name}`' for name in table.grain)}."]
    if table.slice_by:
        facts.append(f"Slice: `{table.slice_by}`{', a partition' if table.partition_by == table.slice_by else ''}.")
    if table.may_be_empty:
        facts.append("May be empty.")
    lines = [f"### {table.full_name()}\n", f"{_one_line(table.__doc__)}\n", " ".join(facts) + "\n", COLUMNS]
    lines += map(_line, table.columns)
    added = list(extra)
    if added:
        lines += [f"\nAdded by {project}:\n", COLUMNS, *map(_line, added)]
    return "\n".join(lines) + "\n"


def _line(column: Column) -> str:
    cells = (
        f"`{column}`",
        column.type.value,
        column.unit,
        "yes" if column.nullable else "",
        column.description,
        "; ".join(constraint.description for constraint in column.constraints),
        "" if column.personal is Personal.NO else column.personal.value,
    )
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str | None) -> str:
    # `<source>` would be taken for a tag
    return " ".join((text or "").split()).replace("<", "&lt;")
