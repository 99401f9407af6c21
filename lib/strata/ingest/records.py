"""Rows of bronze become records: declared types, wide sheets unpivoted, and what is wrong with each value.

A record carries `TRACE` (where it came from), a typed column per delivered name, and `FLAWS`, the reasons for which
its row or its value cannot be used. Reasons are one text here, joined by `AND`: Spark compiles no code for functions
over arrays, and every row would pay for the few that are rejected.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Table, Type
from strata.ingest.convert import Converted, convert, names_a_zone
from strata.project.landed import TEXT_FORMATS, UNREADABLE, landed_name
from strata.project.names import own_types
from strata.project.sources import Mapped, Source

TRACE = ("file_path", "file_hash", "row_number", "record")
FLAWS = "_flaws"
ROW_UNREADABLE, UNDECODABLE = "row_unreadable", "row_undecodable"
ROW = "row"
"""Name of the record of a row that is not unpivoted, or cannot be read."""

AND = "\u001f"
"""Between two reasons in the text of reasons; no name holds it."""

_CELLS = "_cells"
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Records:
    """A frame of records, and the column in which it holds each delivered name."""

    frame: DataFrame
    columns: Mapping[str, Column]


def make_records(rows: DataFrame, source: Source, bronze: type[Table]) -> Records:
    """Typed records of one source.

    Args:
        rows: rows of `bronze.<source>`.
        source: its schema gives the types, its `unpivot` the records of a row; an empty cell is no record.
        bronze: the contract of these rows.
    """
    typed = typed_values(source, bronze)
    wide = source.unpivot.columns if source.unpivot else ()
    kept = {name: made for name, made in typed.items() if name not in wide}
    names = {name: f"_in_{i}" for i, name in enumerate(own_types(source))}
    flaws = flaws_of(source, kept, bronze)
    values = [made.value.alias(names[name]) for name, made in kept.items()]
    columns: list[Column | str] = [*TRACE[:-1], flaws.alias(FLAWS), *values]
    if source.unpivot is None:
        frame = rows.select(*columns, F.lit(ROW).alias("record"))
    else:
        name, value = names[source.unpivot.name], names[source.unpivot.value]
        wide_cells = _cells({c: typed[c] for c in wide}, source.read.format in TEXT_FORMATS)
        frame = _unpivoted(rows.select(*columns, wide_cells.alias(_CELLS)), name, value)
    return Records(frame, {name: F.col(column) for name, column in names.items()})


def typed_values(source: Source, bronze: type[Table]) -> dict[str, Converted]:
    """The value of each delivered column of a row of bronze in its declared type, and what is wrong with it."""
    return {name: _typed(name, source, bronze_type(bronze, name)) for name in source.schema}


def bronze_type(bronze: type[Table], name: str) -> Type:
    """The type in which a delivered column landed."""
    return next(c.type for c in bronze.columns if c == landed_name(name))


def _typed(name: str, source: Source, landed: Type) -> Converted:
    value, users = F.col(landed_name(name)), [m for m in _mapped(source) if m.source == name]
    pattern = next((m.pattern for m in users if m.pattern), None)
    made = convert(value, name, landed, source.schema[name], pattern, source.read.decimal)
    # What names its zone is neither a local time nor, read as an instant, the day that was written.
    wrong = {"local"} if source.schema[name] is not Type.INSTANT else {"local", "date"}
    for moment in sorted({m.moment for m in users if m.moment in wrong}) if landed is Type.STRING else ():
        made.reasons[f"{name}_not_{moment}"] = F.coalesce(names_a_zone(value), F.lit(False))
    return made


def _mapped(source: Source) -> list[Mapped]:
    return [*source.columns, *(mapped for mapped, _ in source.extra)]


def flaws_of(source: Source, kept: Mapping[str, Converted], bronze: type[Table]) -> Column:
    """The reasons for which a row of bronze, or one of these values of it, cannot be used, as one text."""
    flaws = reasons_of({reason: c for made in kept.values() for reason, c in made.reasons.items()})
    if source.read.format not in TEXT_FORMATS:
        return flaws
    landed = {landed_name(name): bronze_type(bronze, name) for name in source.schema}
    text = F.concat_ws("", *(name for name, kind in landed.items() if kind is Type.STRING))
    undecodable = {UNDECODABLE: F.contains(text, F.lit(_REPLACEMENT))}
    read = joined(reasons_of(undecodable), flaws)
    return F.when(F.col(UNREADABLE).isNotNull(), F.lit(ROW_UNREADABLE)).otherwise(read)


def reasons_of(conditions: Mapping[str, Column]) -> Column:
    """Those reasons whose condition is true (NULL is not), as one text; empty when there is none."""
    return F.concat_ws(AND, *(F.when(holds, F.lit(reason)) for reason, holds in conditions.items()))


def joined(*reasons: Column) -> Column:
    """Texts of reasons as one text; NULL and empty ones leave no trace."""
    filled = [F.when(reason != "", reason) for reason in reasons]
    return F.concat_ws(AND, *filled)


def as_list(reasons: Column) -> Column:
    """A text of reasons as an array, each reason once."""
    return F.array_distinct(F.split(reasons, AND))


def _cells(wide: Mapping[str, Converted], is_text: bool) -> Column:
    cells = F.array(*(_cell(name, made) for name, made in wide.items()))
    filled = F.filter(cells, lambda cell: cell["value"].isNotNull() | (cell["flaws"] != ""))
    if not is_text:
        return filled
    nothing = next(iter(wide.values())).value
    unread = F.struct(F.lit(ROW).alias("name"), F.nullif(nothing, nothing).alias("value"), F.lit("").alias("flaws"))
    return F.when(F.col(UNREADABLE).isNotNull(), F.array(unread)).otherwise(filled)


def _cell(name: str, made: Converted) -> Column:
    return F.struct(F.lit(name).alias("name"), made.value.alias("value"), reasons_of(made.reasons).alias("flaws"))


def _unpivoted(rows: DataFrame, name: str, value: str) -> DataFrame:
    exploded = rows.withColumn("_cell", F.explode(_CELLS))
    cell = F.col("_cell")
    return exploded.select(
        *(c for c in rows.columns if c not in (_CELLS, FLAWS)),
        joined(F.col(FLAWS), cell["flaws"]).alias(FLAWS),
        cell["name"].alias("record"),
        cell["name"].alias(name),
        cell["value"].alias(value),
    )
