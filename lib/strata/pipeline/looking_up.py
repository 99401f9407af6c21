"""The lookups of one source of a batch: what its records need of another file lands in bronze, and beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from strata.contract.spark import rows_of
from strata.errors import InputError, Problem
from strata.ingest.deliveries import Found, readable
from strata.ingest.lookups import asked_for, beside, disagreements, keys_of, may_be_flawed
from strata.ingest.records import Records, as_list, make_records
from strata.ingest.revisions import FEW_KEYS
from strata.pipeline.batch import Step
from strata.project.sources import Lookup, Source


def look_up(step: Step, source: Source, tables: Sequence[Found], records: Records, count: int) -> Records:
    """Write what the records of a source look up; returns the records with these columns.

    Args:
        step: the batch.
        source: its `lookups` say what is looked up.
        tables: what each of them offers.
        records: of the source.
        count: how many there are.

    Raises:
        InputError: a file cannot be read, or has rows of one key that say different things.
    """
    for lookup, table in zip(source.lookups, tables, strict=True):
        found = _land(step, lookup, table, records, count)
        if lookup.several == "refuse" or found.may_be_flawed:
            _expect_agreement(lookup, table.source, found.records, names_persons=_names_persons(source, lookup))
        records = beside(records, lookup, found.records, is_small=found.count <= FEW_KEYS)
    return records


def files_of(source: Source, tables: Sequence[Found]) -> tuple[str, ...]:
    """What was looked up in: name of the lookup and SHA-256, per file."""
    named = zip(source.lookups, tables, strict=True)
    return tuple(f"{lookup.name} {file.sha256}" for lookup, table in named for file in table.files)


@dataclass(frozen=True, slots=True)
class _Landed:
    """The rows of a lookup's file that landed, as records, how many they are, and whether any may be of no use."""

    records: Records
    count: int
    may_be_flawed: bool


def _land(step: Step, lookup: Lookup, table: Found, records: Records, count: int) -> _Landed:
    keys = keys_of(records, lookup)
    landing = table.land(table.files, step.batch.batch_id)
    asked = asked_for(landing.rows, table.source, landing.bronze, F.broadcast(keys) if count <= FEW_KEYS else keys)
    with readable(table.source):
        landed = step.write(landing.bronze, asked)
    table.verify()
    found = make_records(step.of_batch(landing.bronze), table.source, landing.bronze)
    return _Landed(found, landed, may_be_flawed(table.source, landing.bronze))


def _names_persons(source: Source, lookup: Lookup) -> bool:
    """Whether the key is one that no message may show."""
    return any(m.source in lookup.on for m in source.columns if m.identity)


def _expect_agreement(lookup: Lookup, table: Source, found: Records, *, names_persons: bool) -> None:
    (seen,) = rows_of(disagreements(found, lookup).withColumn("reasons", as_list(F.col("reasons"))))
    problems = []
    if seen["flawed"]:
        what = f"{table.name}: {seen['flawed_path']}: {seen['flawed']:,} rows cannot be used, the first is row"
        hint = "deliver the file again, or correct `schema` of the lookup"
        problems.append(Problem(lookup.where, f"{what} {seen['flawed_row']} ({', '.join(seen['reasons'])})", hint))
    if seen["differing"] and lookup.several == "refuse":
        what = f"{table.name}: {seen['differing_path']}: {seen['differing']:,} keys have rows that differ, the first is"
        found_at = f"row {seen['differing_row']}" if names_persons else f"{seen['key']} (row {seen['differing_row']})"
        hint = "deliver one row per key, or say in the lookup which value counts: `several: greatest`, or least"
        problems.append(Problem(lookup.where, f"{what} {found_at}", hint))
    if problems:
        raise InputError(problems)
