"""The names that delivered columns have in `bronze.<source>`: told apart before anything is read."""

import re
from collections.abc import Iterator

from strata.contract.bronze import delivery, files
from strata.errors import Problem
from strata.project.sources import Source

TEXT_FORMATS = frozenset({"csv", "json"})
UNREADABLE = "unreadable_row"
_FORBIDDEN = re.compile(r"[ ,;{}()\n\t=.`]")


def landed_name(name: str) -> str:
    """The name of a delivered column in bronze; Delta takes no blanks and brackets, and a dot is a struct's.

    >>> landed_name("Sum (UAH)")
    'Sum__UAH_'
    """
    return _FORBIDDEN.sub("_", name)


def landing_problems(source: Source) -> Iterator[Problem]:
    """Why a source can have no table in bronze: its name is taken, or two columns would have one name."""
    if source.name == files.__name__:
        yield Problem(source.where, "bronze.files is strata's own", "give the source another name")
    ticked = [name for name in source.schema if "`" in name]
    if ticked:
        found = f"{source.name}: a delivered column has a backtick in its name: {', '.join(ticked)}"
        yield Problem(source.where, found, "have the column delivered under another name")
    added = [UNREADABLE] if source.read.format in TEXT_FORMATS else []
    # Spark does not tell columns apart by case.
    names = [*(landed_name(name).lower() for name in source.schema), *added, *map(str, delivery.columns)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        found = f"bronze.{source.name} would have {', '.join(twice)} twice"
        yield Problem(source.where, found, "have the column delivered under another name")
