"""The customers of a release as every stage behind features sees them: their features, their say, their past."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.consent import PROFILING, is_permitted, permissions
from strata.contract.published import customer_segments
from strata.dates import day_of
from strata.pipeline.consent import TO_PROFILING, judged_at, read_consents
from strata.pipeline.context import Run, Target
from strata.pipeline.features import read_snapshot
from strata.pipeline.lookback import read_released
from strata.pipeline.units import with_units
from strata.project.references import PREVIOUS, looks_back_at
from strata.segments.assignment import permission_name


def read_customers(run: Run, target: Target, *, back: bool = False) -> DataFrame:
    """`read_snapshot` without those who object to profiling.

    With a BOOLEAN `permission_name` column for each purpose of a segmentation, and a column `previous.<name>` for each
    segmentation that some condition looks back at (NULL as of the earlier dates of backtests), and what units come to
    for each segmentation that is per unit.
    """
    customers = with_say_and_past(run, target, read_snapshot(run, target, back=back))
    return with_units(run, target, customers)


def with_say_and_past(run: Run, target: Target, snapshot: DataFrame) -> DataFrame:
    """A snapshot (as_of_date, customer_id, features) as `read_customers` gives it, but for units."""
    return _with_previous(run, target, _with_permissions(run, target, snapshot))


def _with_permissions(run: Run, target: Target, customers: DataFrame) -> DataFrame:
    project = run.project
    named = {s.purpose for s in project.segmentations}
    purposes = [p for p in project.privacy.purposes if p.name in named and p.name != PROFILING]
    asked = [TO_PROFILING, *purposes]
    if not any(source.feeds == "consents" for source in project.sources):
        return customers.withColumns({permission_name(p.name): F.lit(p.basis != "consent") for p in purposes})
    on = day_of(judged_at(run, target), project.time_zone)
    said = customers.join(permissions(read_consents(run, target), asked, on), "customer_id", "left")
    allowed = said.where(is_permitted(TO_PROFILING))
    return allowed.select(*customers.columns, *[is_permitted(p).alias(permission_name(p.name)) for p in purposes])


def _with_previous(run: Run, target: Target, customers: DataFrame) -> DataFrame:
    project = run.project
    texts = [text for s in project.segmentations for text in s.conditions]
    texts += [text for a in project.audiences for text in a.texts]
    names = sorted(looks_back_at(texts))
    if not names:
        return customers
    before = _previous_segments(run, target, names)
    if before is None:
        return customers.withColumns({PREVIOUS + name: F.lit(None).cast("string") for name in names})
    return customers.join(before, ["as_of_date", "customer_id"], "left")


def _previous_segments(run: Run, target: Target, names: Sequence[str]) -> DataFrame | None:
    """The segments of the release looked back at, as of this date; a segmentation it did not have is NULL."""
    if not target.previous:
        return None
    wide = read_released(run, target, customer_segments, target.previous)
    columns = [(F.col(n) if n in wide.columns else F.lit(None).cast("string")).alias(PREVIOUS + n) for n in names]
    return wide.select(F.lit(target.as_of).alias("as_of_date"), "customer_id", *columns)
