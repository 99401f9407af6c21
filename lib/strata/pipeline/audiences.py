"""Stage audiences: every audience of a release in staging, each built when something first needs it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.audiences.members import with_memberships
from strata.contract.lists import audience_backtest, audience_catalog, audience_membership
from strata.contract.spark import frame_of
from strata.pipeline.changes import stage_changes
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import read_customers
from strata.pipeline.deliveries import Before, Built, Delivery, deliver, read_before
from strata.pipeline.features import require_features
from strata.pipeline.found import Customers, find_selected
from strata.pipeline.lookalikes import find_lookalikes
from strata.pipeline.looks import stage_looks
from strata.pipeline.models import find_models
from strata.pipeline.staged import stage, stage_rows
from strata.project.audiences import Audience
from strata.project.references import audience_generations, audiences_behind, mentioned_in, usable_names
from strata.segments.assign import SEGMENT
from strata.segments.assignment import helper


@dataclass(frozen=True)
class Audiences:
    """The audiences of one release, each built once: conditions of segmentations and of other audiences name them."""

    run: Run
    target: Target
    built: dict[str, Built] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)

    def build(self, name: str) -> Built:
        """An audience, after all that it needs; those that need no more than it does are built with it."""
        for generation in self._generations:
            if name in self.built:
                break
            if generation[0].name not in self.built:
                self._build(generation)
        return self.built[name]

    def beside(self, customers: DataFrame, names: Iterable[str]) -> DataFrame:
        """The customers with whether audiences mean them (`Built.named`); as they are where no audience is named."""
        named = {name: self.build(name).named for name in sorted(names)}
        return with_memberships(customers, named, self.target.as_of) if named else customers

    @property
    def members(self) -> DataFrame:
        """The members of all that was built: columns of members.audience_membership without release_id."""
        nobody = frame_of(self.run.lakehouse.spark, audience_membership, []).drop("release_id")
        return reduce(DataFrame.unionByName, [each.members for each in self.deliveries], nobody)

    @property
    def refused(self) -> DataFrame | None:
        """Who was found and is no member, and why; None where nothing was built."""
        each = [delivery.refused for delivery in self.deliveries]
        return reduce(DataFrame.unionByName, each) if each else None

    @cached_property
    def _generations(self) -> tuple[tuple[Audience, ...], ...]:
        return audience_generations(self.run.project.audiences, self.run.project.segmentations)

    @cached_property
    def _before(self) -> Before:
        return read_before(self.run, self.target)

    def _build(self, generation: Sequence[Audience]) -> None:
        run, target = self.run, self.target
        customers = self._customers(generation)
        with run.stage("audiences", ", ".join(a.name for a in generation)) as outcome:
            selected = [a for a in generation if a.kind != "lookalike"]
            found = find_selected(run, target, selected, customers) if selected else []
            alike = [a for a in generation if a.kind == "lookalike"]
            found += find_lookalikes(run, target, alike, customers, self._before.lines) if alike else []
            delivery, made = deliver(run, target, found, customers, self.built, self._before)
            self.deliveries.append(delivery)
            self.built.update(made)
            outcome.rows_out = sum(each.line["customers"] for each in made.values())
            told = (f"{name}: {each.line['customers']:,} members, {each.line['status']}" for name, each in made.items())
            outcome.text = "; ".join(told)

    def _customers(self, generation: Sequence[Audience]) -> Customers:
        """Segments are those of each date by today's definitions and models."""
        run, target, everything = self.run, self.target, self.run.project.segmentations
        texts = [text for audience in generation for text in audience.texts]
        needed = mentioned_in(texts, [s.name for s in everything])
        customers = self.beside(read_customers(run, target, back=True), audiences_behind(texts, everything))
        if needed:
            now = customers.where(F.col("as_of_date") == F.lit(target.as_of))
            made = find_models(run, target, now, needed)
            segments = [helper(name, SEGMENT).alias(name) for name in sorted(needed)]
            customers = made.assign(run, customers).select(*[F.col(f"`{c}`") for c in customers.columns], *segments)
        return Customers(customers, usable_names(run.project))


@contextmanager
def audiences_of(run: Run, target: Target) -> Iterator[Audiences]:
    """The audiences of a release; what was built is held in memory meanwhile."""
    audiences = Audiences(run, target)
    try:
        yield audiences
    finally:
        for delivery in audiences.deliveries:
            delivery.let_go()


def build_audiences(audiences: Audiences) -> None:
    """Write `audience_membership`, `audience_catalog` and what is said of audiences to staging."""
    run, target = audiences.run, audiences.target
    require_features(run, target)
    made = [audiences.build(audience.name) for audience in run.project.audiences]
    stage(run, target, audience_membership, audiences.members)
    stage_rows(run, target, audience_catalog, [each.line for each in made])
    stage_rows(run, target, audience_backtest, [row for each in made for row in each.backtest])
    stage_looks(run, target, made)
    stage_changes(run, target, [each.line for each in made], audiences.beside, audiences.refused)
