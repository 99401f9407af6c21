"""The table `bronze.<source>`: delivered columns as they came, and where each row came from."""

from collections.abc import Mapping

from strata.contract.bronze import delivery
from strata.contract.columns import Personal, Table, Type, column, extend
from strata.errors import ProjectError
from strata.project.landed import TEXT_FORMATS, UNREADABLE, landed_name, landing_problems
from strata.project.sources import Source


def bronze_table(source: Source, types: Mapping[str, Type] | None = None) -> type[Table]:
    """The contract of `bronze.<source>`.

    Args:
        source: its schema gives the columns; text formats land as strings, with `unreadable_row` behind them.
        types: the types that typed formats land in (`columns.landed_type`); the declared ones without.

    Raises:
        ProjectError: two columns would have one name, or the name of the source is taken.
    """
    if problems := list(landing_problems(source)):
        raise ProjectError(problems)
    is_text = source.read.format in TEXT_FORMATS
    landed = {name: Type.STRING if is_text else (types or source.schema)[name] for name in source.schema}
    own = [
        column(kind, "As delivered", nullable=True, personal=Personal.RAW, name=landed_name(name))
        for name, kind in landed.items()
    ]
    if is_text:
        about = "The line when it does not fit the columns; NULL otherwise"
        own.append(column(Type.STRING, about, nullable=True, personal=Personal.RAW, name=UNREADABLE))
    about_table = {"schema": "bronze", "grain": delivery.grain, "__doc__": f"Rows of {source.name} as delivered."}
    return extend(type(source.name, (Table,), {**about_table, **{str(c): c for c in own}}), delivery.columns)
