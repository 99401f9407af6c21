"""What definitions take from the population: models of clusterings, cuts of scores, values of attributes.

Kept in tables of `models` under an id that follows from definition, date and knowledge, so that every stage and every
replay finds what was used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame

from strata.contract.columns import Table
from strata.contract.operations import cluster_models, population_cuts
from strata.contract.published import segment_catalog
from strata.contract.spark import frame_of
from strata.errors import InputError, Problem
from strata.pipeline.clusterings import Before, Found, find_clusters
from strata.pipeline.context import Run, Target
from strata.pipeline.lookback import is_readable, rows_released
from strata.project.models import Segmentation
from strata.project.references import closure, generations, needs_of, usable_names
from strata.publish.catalog import live_rows
from strata.publish.release import Row
from strata.segments.assign import in_base, references, with_segments
from strata.segments.cuts import Cuts, needs_cuts, resolve
from strata.segments.cutting import measure_cuts
from strata.segments.groups import Group
from strata.segments.model import ClusterModel, model_id, with_clusters
from strata.storage.held import rows_held


@dataclass(frozen=True, slots=True)
class Assigning:
    """Everything that assigns customers in one release.

    `segmentations`: with their cuts and clusters filled in. `clusterings`: the model of each. `ids`: the model or the
    cuts of each that has one. `groups`: what was measured of the groups of those that measure them.
    """

    segmentations: tuple[Segmentation, ...] = ()
    clusterings: Mapping[str, Found] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)

    def assign(self, run: Run, customers: DataFrame) -> DataFrame:
        """The customers with the columns of every segmentation (`segments.assign.with_segments`)."""
        models = {name: found.model for name, found in self.clusterings.items()}
        return with_segments(customers, self.segmentations, usable_names(run.project), models)

    def only(self, names: frozenset[str]) -> "Assigning":
        """The same with these segmentations and all that they need, in the given order."""
        return replace(self, segmentations=closure(names, self.segmentations))


def find_models(
    run: Run, target: Target, customers: DataFrame | None = None, names: Iterable[str] | None = None
) -> Assigning:
    """What a release assigns with, in the project's order: kept, or fitted and measured now.

    A clustering keeps the model of the release looked back at while that fits (`clusterings.find_clusters`); cuts are
    those of the date.

    Args:
        run: where models are kept.
        target: the release.
        customers: those of its date as `read_customers` gives them, with the audiences that bases name, to fit on;
            without them what is missing is an error.
        names: the segmentations that are asked for, found with all that they need; None: all.

    Raises:
        InputError: a model is missing and there is nothing to fit it on.
    """
    finding, done, wanted = _Finding(run, target, customers), Assigning(), run.project.segmentations
    if names is not None:
        wanted = closure(names, wanted)
    for segmentation in (s for group in generations(wanted) for s in group):
        done = finding.add(segmentation, done)
    finding.keep()
    return done.only(frozenset(s.name for s in wanted))


def previous_catalog(run: Run, target: Target) -> list[Row]:
    """The catalogue of the release looked back at, or the newest when that is too old to be read; empty for the first.

    Raises:
        InputError: it is too old, and the release was made with it before: with another it would not be the same.
    """
    if not target.previous:
        return []
    if target.released or is_readable(run, target, segment_catalog, target.previous):
        return rows_released(run, target, segment_catalog, target.previous)
    return rows_held(run.lakehouse, segment_catalog)


@dataclass(frozen=True)
class _Finding:
    run: Run
    target: Target
    customers: DataFrame | None
    made: dict[type[Table], list[Mapping[str, object]]] = field(default_factory=dict)
    """What was not there yet, by table: kept in one commit each when all is found."""

    def add(self, segmentation: Segmentation, done: Assigning) -> Assigning:
        """`done`, and the segmentation with its model or its cuts."""
        name, clusterings, ids, groups = segmentation.name, dict(done.clusterings), dict(done.ids), dict(done.groups)
        if segmentation.kind == "clusters":
            clusterings[name] = self._clusters(segmentation, done)
            ids[name] = clusterings[name].model.model_id
            segmentation = with_clusters(segmentation, clusterings[name].model)
        elif needs_cuts(segmentation):
            ids[name] = self._fresh(segmentation)
            cuts = self._cuts(segmentation, ids[name], done)
            groups |= {name: cuts.groups} if cuts.groups else {}
            segmentation = resolve(segmentation, cuts)
        return Assigning((*done.segmentations, segmentation), clusterings, ids, groups)

    def keep(self) -> None:
        """Keep what was made."""
        for table, rows in self.made.items():
            self.run.lakehouse.append(table, frame_of(self.run.lakehouse.spark, table, rows).coalesce(1))

    @cached_property
    def _models(self) -> dict[str, Row]:
        return {row["model_id"]: row for row in self._rows(cluster_models)}

    @cached_property
    def _kept_cuts(self) -> dict[str, Cuts]:
        return {row["model_id"]: Cuts.from_json(row["cuts"]) for row in self._rows(population_cuts)}

    @cached_property
    def _catalog(self) -> list[Row]:
        return previous_catalog(self.run, self.target)

    def _rows(self, table: type[Table]) -> list[Row]:
        self.run.lakehouse.ensure(table)
        return rows_held(self.run.lakehouse, table)

    def _clusters(self, segmentation: Segmentation, done: Assigning) -> Found:
        if (fitted_now := self._model(segmentation, self._models.get(self._fresh(segmentation)))) is not None:
            return Found(fitted_now, fitted_now.lineage)
        before = self._before(segmentation)
        if self.customers is None and before.model and before.model.definition_hash == self._definition(segmentation):
            return Found(before.model, ())
        base = self._base(segmentation, done, cluster_models)
        found = find_clusters(self.run, self.target, segmentation, base, before, self._about(segmentation))
        if found.model is not before.model:
            self.made.setdefault(cluster_models, []).append(found.model.to_row())
        return found

    def _before(self, segmentation: Segmentation) -> Before:
        rows = [r for r in self._catalog if (r["segmentation"], r["kind"]) == (segmentation.name, "clusters")]
        used = next((row["model_id"] for row in live_rows(rows)), "")
        return Before(self._model(segmentation, self._models.get(used)), rows)

    def _model(self, segmentation: Segmentation, row: Row | None) -> ClusterModel | None:
        """The model of a row; None: there is no row, or what it holds is of another definition and no model.

        Raises:
            InputError: what is stored of this definition is no model.
        """
        try:
            return ClusterModel.from_row(row) if row else None
        except (ValueError, KeyError, TypeError) as error:
            if row and row["definition_hash"] != self._definition(segmentation):
                return None
            found = row["model_id"] if row else ""
            what = f"{cluster_models.full_name()}: model {found} of `{segmentation.name}` cannot be read: {error}"
            hint = "restore the table, or raise the version: it is fitted anew"
            raise InputError([Problem(segmentation.where, what, hint)]) from error

    def _cuts(self, segmentation: Segmentation, model: str, done: Assigning) -> Cuts:
        found = self._kept_cuts.get(model)
        if found is not None:
            return found
        base = self._base(segmentation, done, population_cuts)
        with self.run.stage("cuts", f"the population's cuts for {segmentation.name}") as outcome:
            cuts = measure_cuts(base, segmentation)
            about = {"model_id": model, "segmentation": segmentation.name, "version": segmentation.version}
            row = {**about, **self._about(segmentation), "cuts": cuts.to_json()}
            self.made.setdefault(population_cuts, []).append(row)
            outcome.text = f"{segmentation.name}: {cuts.in_words()}"
        return cuts

    def _base(self, segmentation: Segmentation, done: Assigning, table: type[Table]) -> DataFrame:
        """The customers of its base, to fit on."""
        if self.customers is None:
            raise InputError(
                f"{table.full_name()}: nothing for {segmentation.name} as of {self.target.as_of};"
                f" run `strata segments --as-of {self.target.as_of}` first"
            )
        needed = done.only(needs_of(segmentation, [s.name for s in done.segmentations]))
        columns = references(needed.segmentations)
        base = in_base(segmentation, usable_names(self.run.project), columns)
        is_grouped = segmentation.of in columns
        if base is None and not is_grouped:
            return self.customers
        assigned = needed.assign(self.run, self.customers) if needed.segmentations else self.customers
        assigned = assigned.withColumn(str(segmentation.of), columns[str(segmentation.of)]) if is_grouped else assigned
        return assigned if base is None else assigned.where(base)

    def _fresh(self, segmentation: Segmentation) -> str:
        return model_id(self._definition(segmentation), self.target.as_of, self.target.release.known_at)

    def _definition(self, segmentation: Segmentation) -> str:
        return self.run.project.definition_hashes[f"segmentation.{segmentation.name}"]

    def _about(self, segmentation: Segmentation) -> dict[str, Any]:
        return {
            "definition_hash": self._definition(segmentation),
            "as_of_date": self.target.as_of,
            "known_at": self.target.release.known_at,
        }
