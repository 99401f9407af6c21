"""Who may be addressed or profiled in a release."""

from pyspark.sql import DataFrame

from strata.audiences.consent import PROFILING, eligible
from strata.contract import silver
from strata.dates import day_of
from strata.ingest.revisions import valid_rows
from strata.pipeline.context import Run, Target
from strata.project.policies import Purpose


def addressable(run: Run, target: Target, purpose: str, customers: DataFrame) -> DataFrame:
    """Who may be addressed for a purpose of privacy.yml: customer_id."""
    declared = next(p for p in run.project.privacy.purposes if p.name == purpose)
    return _eligible(run, target, declared, customers)


def profiled(run: Run, target: Target, customers: DataFrame) -> DataFrame:
    """Who has not objected to profiling, whether or not privacy.yml speaks of it: customer_id."""
    return _eligible(run, target, Purpose(PROFILING, "legitimate_interest", ""), customers)


def _eligible(run: Run, target: Target, purpose: Purpose, customers: DataFrame) -> DataFrame:
    """By what is known now, whatever date the release is about.

    A replay publishes nobody; it judges as its release did, at the moment of the switch.
    """
    run.lakehouse.ensure(silver.consents)
    now = target.released[0]["released_at"] if target.is_replay else max(run.clock(), target.release.known_at)
    consents = valid_rows(run.lakehouse.read(silver.consents), silver.consents, now)
    return eligible(customers, consents, purpose, day_of(now, run.project.time_zone))
