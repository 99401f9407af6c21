"""Who may not come back with an old release: consent, objections and erasure count as of now, whatever was released.

Nobody moves up and nothing is counted anew but the members of an audience: what else a release says is as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.changes import ADDED, REMOVED
from strata.audiences.consent import is_permitted, permissions, what_refuses
from strata.audiences.reasons import NOT_ELIGIBLE
from strata.contract import silver
from strata.contract.audience_changes import audience_changes, audience_refusals
from strata.contract.bronze import identity_vault
from strata.contract.columns import Table
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.published import customer_segments
from strata.contract.spark import frame_of, rows_of
from strata.dates import day_of
from strata.errors import Problem, ProjectError
from strata.ingest.revisions import valid_rows
from strata.pipeline.consent import TO_PROFILING
from strata.pipeline.context import Run
from strata.project.policies import Purpose

Read = Callable[[type[Table]], DataFrame]
"""The rows of a published table as the release has them."""
MEMBER = ["audience", "customer_id"]


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What differs from what was released: the frames of the tables that do, and how many people it is about."""

    frames: Mapping[type[Table], DataFrame]
    customers: int
    members: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Today:
    """What is known now: `gone`, who may be in nothing, of whom `erased` may not even be named."""

    consents: DataFrame
    on: date
    gone: DataFrame
    erased: DataFrame


def take_out(run: Run, tables: Sequence[type[Table]], read: Read, moment: datetime) -> TakenOut:
    """Take out of a release who may not be in it today.

    Whoever objects to profiling or is not in restricted.identity_vault any more leaves every table; whoever may not be
    addressed for the purpose of an audience leaves the audience, and is removed in its differences.

    Args:
        run: the project's privacy.yml, and what silver says.
        tables: those of the release.
        read: what it has.
        moment: as of which consent and objections count.

    Raises:
        ProjectError: an audience was for a purpose that privacy.yml does not declare any more.
    """
    lines = rows_of(read(audience_catalog)) if audience_catalog in tables else []
    purposes = _purposes(run, {line["audience"]: line["purpose"] for line in lines})
    today = _today(run, tables, read, moment)
    customers = today.gone.count()
    frames: dict[type[Table], DataFrame] = {}
    if customers:
        personal = [t for t in tables if "customer_id" in t.columns]
        frames |= {t: read(t).join(today.gone, "customer_id", "left_anti") for t in personal}
    if not lines or audience_membership not in tables:
        return TakenOut(frames, customers, {})
    members = read(audience_membership)
    kept = _kept(members, today, purposes)
    out = members.select(*MEMBER).join(kept.select(*MEMBER), MEMBER, "left_anti")
    counted = {row["audience"]: row["count"] for row in rows_of(out.groupBy("audience").count())}
    if counted:
        frames |= {audience_membership: kept, audience_catalog: _counted_anew(run, lines, kept)}
    if audience_changes in tables and (counted or customers):
        frames |= _as_differences(read, out, purposes, today, lines[0])
    return TakenOut(frames, customers, counted)


def _purposes(run: Run, named: Mapping[str, str]) -> dict[str, Purpose]:
    """By audience."""
    declared = {p.name: p for p in run.project.privacy.purposes}
    step = "declare it again, or build the date again without that audience"
    problems = [
        Problem(None, f"audience {audience} was released for the purpose {name}, which privacy.yml has no more", step)
        for audience, name in sorted(named.items())
        if name not in declared
    ]
    if problems:
        raise ProjectError(problems)
    return {audience: declared[name] for audience, name in named.items()}


def _today(run: Run, tables: Sequence[type[Table]], read: Read, moment: datetime) -> _Today:
    run.lakehouse.ensure(silver.consents)
    consents = valid_rows(run.lakehouse.read(silver.consents), silver.consents, moment)
    on = day_of(moment, run.project.time_zone)
    naming = (customer_segments, audience_membership, audience_changes)
    there = {t: read(t).select("customer_id") for t in naming if t in tables}
    everybody = reduce(DataFrame.unionByName, there.values()).distinct()
    # Who is only told to have left may object: that is why. Who is erased may not be named.
    inside = reduce(DataFrame.unionByName, [rows for t, rows in there.items() if t is not audience_changes]).distinct()
    said = inside.join(permissions(consents, [TO_PROFILING], on), "customer_id", "left")
    objecting = said.where(~is_permitted(TO_PROFILING)).select("customer_id")
    erased = everybody.where(F.lit(False))
    if run.lakehouse.exists(identity_vault):
        erased = everybody.join(run.lakehouse.read(identity_vault).select("customer_id"), "customer_id", "left_anti")
    return _Today(consents, on, objecting.unionByName(erased).distinct(), erased)


def _kept(members: DataFrame, today: _Today, purposes: Mapping[str, Purpose]) -> DataFrame:
    """The members who may be addressed for what each audience is for."""
    asked = sorted({p.name: p for p in purposes.values()}.values(), key=lambda p: p.name)
    said = members.join(today.gone, "customer_id", "left_anti")
    said = said.join(permissions(today.consents, asked, today.on), "customer_id", "left")
    by_purpose = [F.when(F.col("audience").isin(*_of(purposes, p)), is_permitted(p)) for p in asked]
    return said.where(F.coalesce(*by_purpose, F.lit(False))).select(*members.columns)


def _of(purposes: Mapping[str, Purpose], purpose: Purpose) -> list[str]:
    return sorted(audience for audience, its in purposes.items() if its.name == purpose.name)


def _counted_anew(run: Run, lines: Sequence[dict[str, object]], kept: DataFrame) -> DataFrame:
    """The catalogue with the members that are left."""
    counts = kept.groupBy("audience").agg(F.count("*").alias("customers"), F.count_if("holdout").alias("holdout"))
    found = {row["audience"]: row for row in rows_of(counts)}
    nobody = {"customers": 0, "holdout": 0}
    rows = []
    for line in lines:
        left = found.get(str(line["audience"]), nobody)
        held = None if line.get("holdout_customers") is None else left["holdout"]
        rows.append({**line, "customers": left["customers"], "holdout_customers": held})
    return frame_of(run.lakehouse.spark, run.lakehouse.grown(audience_catalog), rows)


def _as_differences(
    read: Read, out: DataFrame, purposes: Mapping[str, Purpose], today: _Today, head: Mapping[str, object]
) -> dict[type[Table], DataFrame]:
    """The changes that give the members that are left: who is out was never added, or is removed; why is restricted.

    Args:
        read: what the release has.
        out: who leaves which audience.
        purposes: by audience.
        today: what is known now.
        head: a row of the release, for its date and id.
    """
    known = {t: read(t).join(today.erased, "customer_id", "left_anti") for t in (audience_changes, audience_refusals)}
    changes = known[audience_changes]
    added = changes.where(F.col("change") == ADDED).select(*MEMBER)
    removed = out.join(today.erased, "customer_id", "left_anti").join(added, MEMBER, "left_anti")
    marks = {name: F.lit(head[name]) for name in ("as_of_date", "release_id")}
    told = removed.withColumns({**marks, "change": F.lit(REMOVED), "reason": F.lit(NOT_ELIGIBLE)})
    named = [F.when(F.col("audience") == audience, p.name) for audience, p in sorted(purposes.items())]
    asked = removed.withColumns({**marks, "purpose": F.coalesce(*named)})
    refused = what_refuses(asked, today.consents, today.on).drop("purpose")
    return {
        audience_changes: changes.join(out, MEMBER, "left_anti").unionByName(told),
        audience_refusals: known[audience_refusals].unionByName(refused),
    }
