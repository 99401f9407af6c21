"""The table `bronze.<source>`: delivered columns as they came, and where each row came from."""

import re
from collections.abc import Mapping

from strata.contract.bronze import delivery, files
from strata.contract.columns import Personal, Table, Type, column, extend
from strata.errors import Problem, ProjectError
from strata.project.models import Source

TEXT_FORMATS = frozenset({"csv", "json"})
UNREADABLE = "unreadable_row"
_FORBIDDEN = re.compile(r"[ ,;{}()\n\t=.`]")


def landed_name(name: str) -> str:
    """The name of a delivered column in bronze; Delta takes no blanks and brackets, and a dot is a struct's.

    >>> landed_name("Sum (UAH)")
    'Sum__UAH_'
    """
    return _FORBIDDEN.sub("_", name)


def bronze_table(source: Source, types: Mapping[str, Type] | None = None) -> type[Table]:
    """The contract of `bronze.<source>`.

    Args:
        source: its schema gives the columns; text formats land as strings, with `unreadable_row` behind them.
        types: the types that typed formats land in (`columns.landed_type`); the declared ones without.

    Raises:
        ProjectError: two columns would have one name.
    """
    is_text = source.read.format in TEXT_FORMATS
    landed = {name: Type.STRING if is_text else (types or source.schema)[name] for name in source.schema}
    own = [
        column(kind, "As delivered", nullable=True, personal=Personal.RAW, name=landed_name(name))
        for name, kind in landed.items()
    ]
    if is_text:
        about = "The line when it does not fit the columns; NULL otherwise"
        own.append(column(Type.STRING, about, nullable=True, personal=Personal.RAW, name=UNREADABLE))
    names = [*map(str.lower, own), *map(str, delivery.columns)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if source.name == files.__name__:
        raise ProjectError([Problem(source.where, "bronze.files is strata's own", "give the source another name")])
    if twice:
        found = f"bronze.{source.name} would have {', '.join(twice)} twice"
        raise ProjectError([Problem(source.where, found, "have the column delivered under another name")])
    about_table = {"schema": "bronze", "grain": delivery.grain, "__doc__": f"Rows of {source.name} as delivered."}
    return extend(type(source.name, (Table,), {**about_table, **{str(c): c for c in own}}), delivery.columns)
