"""Who may be addressed or profiled in a release."""

from collections.abc import Collection
from datetime import datetime

from pyspark.sql import DataFrame

from strata.audiences.consent import PROFILING, eligible, permissions
from strata.contract import silver
from strata.dates import day_of
from strata.ingest.revisions import valid_rows
from strata.pipeline.context import Run, Target
from strata.project.policies import Purpose

TO_PROFILING = Purpose(PROFILING, "legitimate_interest", "Grouping by what is known")


def addressable(run: Run, target: Target, purpose: str, customers: DataFrame) -> DataFrame:
    """Who may be addressed for a purpose of privacy.yml: customer_id."""
    declared = next(p for p in run.project.privacy.purposes if p.name == purpose)
    return _eligible(run, target, declared, customers)


def what_was_said(run: Run, target: Target, purposes: Collection[str]) -> DataFrame:
    """What customers have said of purposes of privacy.yml, for `is_permitted` (`consent.permissions`)."""
    declared = [p for p in run.project.privacy.purposes if p.name in purposes]
    on = day_of(judged_at(run, target), run.project.time_zone)
    return permissions(read_consents(run, target), declared, on)


def profiled(run: Run, target: Target, customers: DataFrame) -> DataFrame:
    """Who has not objected to profiling, whether or not privacy.yml speaks of it: customer_id."""
    return _eligible(run, target, TO_PROFILING, customers)


def judged_at(run: Run, target: Target) -> datetime:
    """The moment as of which consent and objections count: now, whatever date the release is about.

    A replay publishes nobody; it judges as its release did, at the moment of the switch.
    """
    moment: datetime = target.released[0]["released_at"] if target.is_replay else run.clock()
    return max(moment, target.release.known_at)


def read_consents(run: Run, target: Target, moment: datetime | None = None) -> DataFrame:
    """The rows of silver.consents that hold when the release is judged, or at another moment."""
    run.lakehouse.ensure(silver.consents)
    return valid_rows(run.lakehouse.read(silver.consents), silver.consents, moment or judged_at(run, target))


def _eligible(run: Run, target: Target, purpose: Purpose, customers: DataFrame) -> DataFrame:
    on = day_of(judged_at(run, target), run.project.time_zone)
    return eligible(customers, read_consents(run, target), purpose, on)
