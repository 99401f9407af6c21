"""Records become rows of silver: one select that can be read against the contract, and every reason against a row.

Reasons end with what is wrong, after the name of the column: `_not_<type>` `_more_than_2_decimals` `_unmapped`
`_malformed` `_missing` `_unexpected` (none of the allowed values) `_out_of_range`; beside them `key_missing`,
`row_unreadable`, `row_undecodable`; of events `occurred_at_before_1990`, `occurred_at_in_future`, `too_late`,
`currency_without_rate`; of customers `birth_date_in_future`; of places `location_unset`; and the reasons of the
source's own `reject` rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.contract.columns import Column as Declared
from strata.contract.columns import Type
from strata.contract.silver import FED_TABLES
from strata.dates import day_of
from strata.expression import compile_expression
from strata.expression.spark import to_column
from strata.ingest.breaches import Accepted, breaches
from strata.ingest.convert import convert
from strata.ingest.identity import is_placeholder, normalised, pseudonym, trimmed, well_formed, with_key
from strata.ingest.records import FLAWS, ROW_UNREADABLE, TRACE, UNDECODABLE, Records, as_list, joined, reasons_of
from strata.project.models import Project
from strata.project.names import delivered_types, names_of_source
from strata.project.sources import Mapped, Source

REASONS = "reasons"
_FAULTS = "_faults"
_DOUBTS = ("malformed", "unexpected", "out_of_range")
_MONEY_COLUMNS = ("amount", "list_amount", "discount_amount")


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of ingest: its number, and the moment (with a zone) from which its rows are known."""

    batch_id: int
    ingested_at: datetime


def map_records(
    records: Records, source: Source, project: Project, batch: Batch, keys: DataFrame, first_day: date | None = None
) -> DataFrame:
    """Silver rows of one source, good and bad.

    Args:
        records: from `make_records`.
        source: its `columns`, `event_type`, `key`, `extra` and `reject` say what becomes what.
        project: gives the zone of `event_date` and the currency of amounts that name none.
        batch: becomes `batch_id` and `ingested_at`.
        keys: from `identity.key_frame`.
        first_day: the first event day that is not too late for the batch; None when no day is.

    Returns:
        The mapped columns of silver but `revision`; `reasons`, the empty text for a good row (`records.as_list` makes
        the array); and `records.TRACE`.
        `event_id` is the keyed hash of source and key; `valid_from` is NULL where the source does not date its rows.
    """
    mapper = _Mapper(source, project, records.columns)
    outputs = mapper.outputs()
    faults = reasons_of(mapper.faults)
    filled = with_key(records.frame, keys).select(
        *TRACE, FLAWS, faults.alias(_FAULTS), *(value.alias(name) for name, value in outputs.items())
    )
    tomorrow = day_of(batch.ingested_at, project.time_zone) + timedelta(days=1)
    checked = reasons_of(breaches(source, outputs, Accepted(tomorrow, first_day, project.currency)))
    read = joined(F.col(FLAWS), F.col(_FAULTS), checked)
    reasons = F.when(F.col(FLAWS) == ROW_UNREADABLE, F.col(FLAWS)).otherwise(read)
    return filled.select(
        *TRACE,
        reasons.alias(REASONS),
        *(F.lit(project.currency).alias(name) if name == "currency" else name for name in outputs),
        F.lit(False).alias("is_deleted"),
        F.lit(source.name).alias("source"),
        F.lit(batch.ingested_at).alias("ingested_at"),
        F.lit(batch.batch_id).cast("bigint").alias("batch_id"),
    )


def source_ids(records: Records, source: Source) -> DataFrame | None:
    """The distinct normalised ids of a source as `source_id`; None when it has no identity column."""
    mapped = next((m for m in source.columns if m.identity), None)
    if mapped is None:
        return None
    text, usable = _identity(mapped, source, records.columns)
    return records.frame.filter(usable).select(text.alias("source_id")).distinct()


def key_unknown(keys: Iterable[str]) -> Column:
    """True for a rejected record of `map_records` that may be any row: what was delivered as its key is not certain.

    Args:
        keys: the silver columns by which rows are told apart.
    """
    keys = tuple(keys)
    unsure = [ROW_UNREADABLE, UNDECODABLE, *(f"{k}_{why}" for k in keys for why in _DOUBTS)]
    blank = F.array_contains(F.array(*(F.col(k).isNull() for k in keys)), F.lit(True))
    doubted = F.arrays_overlap(as_list(F.col(REASONS)), F.array(*map(F.lit, unsure)))
    return (F.col(REASONS) != "") & (blank | doubted)


def _key_text(source: Source, columns: Mapping[str, Column], identities: Mapping[str | None, Column]) -> Column:
    """Source and key in one text; each part is preceded by its length, so that no two keys give the same."""
    parts = [identities.get(name, columns[name].cast("string")) for name in source.key]
    told = [F.concat(F.lit("|"), F.length(part), F.lit(":"), part) for part in parts]
    return F.concat(F.lit(source.name), *told)


def _identity(mapped: Mapped, source: Source, columns: Mapping[str, Column]) -> tuple[Column, Column]:
    """The normalised id of an identity column, and whether it can be one (false where there is none)."""
    assert mapped.identity is not None
    assert mapped.source is not None
    delivered = delivered_types(source)[mapped.source]
    text = normalised(mapped.identity, columns[mapped.source], delivered)
    return text, text.isNotNull() & well_formed(mapped.identity, text, delivered)


class _Mapper:
    """Builds the columns of one source; collects the faults that only their inputs show."""

    def __init__(self, source: Source, project: Project, columns: Mapping[str, Column]) -> None:
        self.source, self.project, self.columns = source, project, columns
        self.types = delivered_types(source)
        self.faults: dict[str, Column] = {}

    def outputs(self) -> dict[str, Column]:
        """Silver column -> its value."""
        core = {str(c): c for c in FED_TABLES[self.source.feeds].columns}
        made = {m.name: self._value(m, core[m.name]) for m in self.source.columns}
        made |= {str(c): self._value(m, c) for m, c in self.source.extra}
        if self.source.feeds == "events":
            made |= self._event(made)
        elif self.source.feeds == "customers" and "valid_from" not in made:
            made["valid_from"] = F.lit(None).cast("date")
        self.faults["key_missing"] = F.array_contains(F.array(*map(self._is_missing, self.source.key)), F.lit(True))
        return made

    def _is_missing(self, name: str) -> Column:
        """A part of the key that says nothing: all events without one would be revisions of a single event."""
        part = self.columns[name]
        # Of products and places, `unknown` may well be a row of its own.
        if self.source.feeds != "events" or self.types[name] is not Type.STRING:
            return part.isNull()
        return part.isNull() | is_placeholder(trimmed(part))

    def _event(self, made: Mapping[str, Column]) -> dict[str, Column]:
        assert self.source.event_type is not None
        more = {"event_id": self._event_id(), "event_date": self._day(made["occurred_at"])}
        if next(m for m in self.source.columns if m.name == "occurred_at").moment == "date":
            more["event_date"] = made["occurred_at"].cast("date")
        kind = compile_expression(self.source.event_type, names_of_source(self.source), Type.STRING)
        more["event_type"] = to_column(kind, self.columns)
        if "currency" in made or any(name in made for name in _MONEY_COLUMNS):
            delivered = F.upper(trimmed(made.get("currency", F.lit(None).cast("string"))))
            more["currency"] = F.coalesce(delivered, F.lit(self.project.currency))
        return more

    def _event_id(self) -> Column:
        """The keyed hash of source and key; ids of persons go in as pseudonyms. NULL where an id can be none."""
        identities = {m.source: _identity(m, self.source, self.columns) for m in self.source.columns if m.identity}
        hidden = {name: pseudonym(F.when(usable, text)) for name, (text, usable) in identities.items()}
        return pseudonym(_key_text(self.source, self.columns, hidden))

    def _value(self, mapped: Mapped, target: Declared) -> Column:
        if mapped.value is not None:
            compiled = compile_expression(mapped.value, names_of_source(self.source), target.type)
            value = to_column(compiled, self.columns)
            return value if compiled.type is target.type else value.try_cast(target.type.value)
        if mapped.identity is not None:
            text, usable = _identity(mapped, self.source, self.columns)
            self._against({f"{mapped.name}_missing": text.isNull()})
            self._against({f"{mapped.name}_malformed": text.isNotNull() & ~usable})
            return pseudonym(text)
        assert mapped.source is not None
        value, found = self.columns[mapped.source], self.types[mapped.source]
        if mapped.recode is not None:
            return self._recoded(mapped, value, target)
        if mapped.moment is not None:
            return self._moment(mapped, value, target)
        made = convert(value, mapped.source, found, target.type, decimal=self.source.read.decimal)
        self._against(made.reasons)
        return made.value

    def _against(self, reasons: Mapping[str, Column]) -> None:
        """Reasons name the delivered column, which may feed several: one that applies to any of them applies."""
        self.faults |= {r: self.faults[r] | holds if r in self.faults else holds for r, holds in reasons.items()}

    def _recoded(self, mapped: Mapped, value: Column, target: Declared) -> Column:
        assert mapped.recode is not None
        pairs = [part for pair in mapped.recode.items() for part in (F.lit(pair[0]), F.lit(str(pair[1])))]
        found = F.try_element_at(F.create_map(*pairs), F.btrim(value.cast("string")))
        self._against({f"{mapped.source}_unmapped": value.isNotNull() & found.isNull()})
        return found.cast(target.type.value)

    def _moment(self, mapped: Mapped, value: Column, target: Declared) -> Column:
        """A delivered moment as an instant or a day.

        `local` in the hour that a zone skips in spring means the hour after it; in the hour that comes twice in
        autumn it means the first (java.time, through `to_utc_timestamp`).
        """
        assert mapped.source is not None
        wanted = Type.DATE if mapped.moment == "date" else Type.INSTANT
        made = convert(value, mapped.source, self.types[mapped.source], wanted, mapped.pattern)
        self._against(made.reasons)
        if mapped.moment == "date":
            return made.value.cast(target.type.value)
        moment = F.to_utc_timestamp(made.value, mapped.zone) if mapped.zone else made.value
        return self._day(moment) if target.type is Type.DATE else moment

    def _day(self, instant: Column) -> Column:
        return F.from_utc_timestamp(instant, self.project.time_zone).cast("date")
