"""Stage audiences: every audience of a release in staging, each built when something first needs it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.members import with_memberships
from strata.contract.lists import audience_backtest, audience_catalog, audience_membership
from strata.contract.spark import frame_of
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import read_customers
from strata.pipeline.features import require_features
from strata.pipeline.lookalikes import Built, Customers, build_lookalike
from strata.pipeline.looks import stage_looks
from strata.pipeline.models import find_models
from strata.pipeline.staged import stage, stage_rows
from strata.project.audiences import Audience
from strata.project.references import audiences_behind, mentioned_in, usable_names
from strata.segments.assign import SEGMENT
from strata.segments.assignment import helper


@dataclass(frozen=True)
class Audiences:
    """The audiences of one release, each built once: conditions of segmentations and of other audiences name them."""

    run: Run
    target: Target
    built: dict[str, Built] = field(default_factory=dict)

    def build(self, name: str) -> Built:
        """An audience, after all that its conditions name."""
        if name not in self.built:
            audience = next(a for a in self.run.project.audiences if a.name == name)
            found = self._customers(audience)
            with self.run.stage("audiences", f"look-alike {name}") as outcome:
                made = self.built[name] = build_lookalike(self.run, self.target, audience, found)
                outcome.rows_out = made.line["customers"]
                outcome.text = f"{name}: {outcome.rows_out:,} members, {made.line['status']}"
        return self.built[name]

    def beside(self, customers: DataFrame, names: Iterable[str]) -> DataFrame:
        """The customers with whether they are members (`with_memberships`); as they are where no audience is named."""
        members = {name: self.build(name).members for name in sorted(names)}
        return with_memberships(customers, members, self.target.as_of) if members else customers

    def _customers(self, audience: Audience) -> Customers:
        """Segments are those of each date by today's definitions and models."""
        run, target, everything = self.run, self.target, self.run.project.segmentations
        needed = mentioned_in(audience.conditions, [s.name for s in everything])
        named = audiences_behind(audience.conditions, everything)
        customers = self.beside(read_customers(run, target, back=True), named)
        if needed:
            now = customers.where(F.col("as_of_date") == F.lit(target.as_of))
            made = find_models(run, target, now, needed)
            segments = [helper(name, SEGMENT).alias(name) for name in sorted(needed)]
            customers = made.assign(run, customers).select(*[F.col(f"`{c}`") for c in customers.columns], *segments)
        excluded = {name: self.build(name).line["customers"] for name in audiences_behind(audience.exclude, everything)}
        return Customers(customers, usable_names(run.project), excluded)


@contextmanager
def audiences_of(run: Run, target: Target) -> Iterator[Audiences]:
    """The audiences of a release; what was built is held in memory meanwhile."""
    audiences = Audiences(run, target)
    try:
        yield audiences
    finally:
        for made in audiences.built.values():
            made.let_go()


def build_audiences(audiences: Audiences) -> None:
    """Write `audience_membership`, `audience_catalog` and what is said of audiences to staging."""
    run, target = audiences.run, audiences.target
    require_features(run, target)
    made = [audiences.build(audience.name) for audience in run.project.audiences]
    nobody = frame_of(run.lakehouse.spark, audience_membership, []).drop("release_id")
    stage(run, target, audience_membership, reduce(DataFrame.unionByName, [each.members for each in made], nobody))
    stage_rows(run, target, audience_catalog, [each.line for each in made])
    stage_rows(run, target, audience_backtest, [row for each in made for row in each.backtest])
    stage_looks(run, target, made)
