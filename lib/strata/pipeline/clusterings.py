"""The model of a clustering in a release: the released one while it fits, else one whose clusters keep their identity.

Members are compared on the sample that the fit, or drift, is about: at most as many customers as the driver holds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract.clusterings import cluster_lineage, cluster_selection
from strata.contract.published import customer_segments
from strata.contract.spark import rows_of
from strata.pipeline.context import Run, Target
from strata.pipeline.lookback import is_readable, read_released
from strata.pipeline.staged import stage_rows
from strata.project.models import Segmentation
from strata.publish.catalog import live_rows
from strata.publish.release import Row
from strata.segments.choice import verdict
from strata.segments.drift import measure_drift, reference_of, why_refit
from strata.segments.fit import Fit, fit_clusters, read_sample
from strata.segments.kmeans import Labels, nearest
from strata.segments.lineage import kept_clusters, match_clusters
from strata.segments.model import Cluster, ClusterModel, Line, Tried
from strata.segments.naming import name_clusters
from strata.segments.portraits import strongest_effects
from strata.segments.preparation import prepare
from strata.storage.concurrent import concurrently


@dataclass(frozen=True, slots=True)
class Before:
    """What was released of a clustering before.

    `model`: that of the release looked back at, also of another version of the definition; None: there was none.
    `rows`: its rows of the catalogue, those of retired segments too.
    """

    model: ClusterModel | None
    rows: Sequence[Row]

    @property
    def segments(self) -> frozenset[str]:
        """The segments of the release looked back at."""
        return frozenset(row["segment"] for row in live_rows(self.rows))

    @property
    def used(self) -> frozenset[str]:
        """Every id there ever was."""
        return frozenset(row["segment"] for row in self.rows)


@dataclass(frozen=True, slots=True)
class Found:
    """The model of a release, and what became of each cluster since the release before."""

    model: ClusterModel
    lineage: tuple[Line, ...]


def find_clusters(
    run: Run, target: Target, segmentation: Segmentation, base: DataFrame, before: Before, about: Mapping[str, Any]
) -> Found:
    """The released model if it is of this definition and still fits, else a new one; says which and why.

    Args:
        run: its `refits` are the clusterings to fit anew.
        target: the release.
        segmentation: of kind clusters.
        base: the customers of its base.
        before: what was released of it.
        about: definition_hash, as_of_date and known_at of a new model.

    Raises:
        InputError: no model can be fitted on these customers; what is released stays.
    """
    released = before.model
    is_usable = released is not None and released.definition_hash == about["definition_hash"]
    usable = released if is_usable else None
    fitted_on, requested = usable.as_of_date if usable else None, segmentation.name in run.refits
    why = why_refit(segmentation.refit, as_of_date=target.as_of, fitted_on=fitted_on, requested=requested)
    if usable and why is None:
        lines, why = _look_for_drift(run, target, segmentation, base, before, usable)
        if why is None:
            return Found(usable, lines)
    if usable:
        run.progress.note(f"{segmentation.name} is fitted anew: {why}")
    model = _fit(run, target, segmentation, base, before, {**about, "fitted_because": why})
    return Found(model, model.lineage)


def stage_clusterings(run: Run, target: Target, found: Mapping[str, Found]) -> None:
    """Write `cluster_selection` and `cluster_lineage` to staging."""
    floor = run.project.privacy.cell_floor
    selection = [_tried(target, f.model, tried, floor) for f in found.values() for tried in f.model.selection]
    lineage = [_line(target, f.model, line) for f in found.values() for line in f.lineage]
    concurrently(
        lambda table: stage_rows(run, target, *table), [(cluster_selection, selection), (cluster_lineage, lineage)]
    )


def _look_for_drift(
    run: Run, target: Target, segmentation: Segmentation, base: DataFrame, before: Before, model: ClusterModel
) -> tuple[tuple[Line, ...], str | None]:
    """What became of the clusters of the model, and why it has to be fitted anew; None: it still fits."""
    name, centres = segmentation.name, np.array(model.centres)
    with run.stage("clusters", f"does the model of {name} still fit?") as outcome:
        sample = read_sample(base, segmentation)
        points = prepare(sample.matrix, model.preparation)
        drift = measure_drift(points, centres, model.reference)
        outcome.rows_in = len(points)
        outcome.text = f"{name}: fitted as of {model.as_of_date}, {drift.in_words}"
        shared = _shared(run, target, name, sample.ids, nearest(points, centres), before)
    return kept_clusters(shared, model.segments), drift.reason(segmentation.refit)


def _fit(
    run: Run, target: Target, segmentation: Segmentation, base: DataFrame, before: Before, about: Mapping[str, Any]
) -> ClusterModel:
    name = segmentation.name
    with run.stage("clusters", f"k-means for {name}") as outcome:
        fit = fit_clusters(base, segmentation)
        points, centres = prepare(fit.sample.matrix, fit.preparation), np.array(fit.centres)
        labels = nearest(points, centres)
        shared = _shared(run, target, name, fit.sample.ids, labels, before)
        sizes = np.bincount(labels, minlength=len(centres)).tolist()
        lines = match_clusters(shared, sizes, before.segments if shared else (), before.used)
        clusters = _named(segmentation, fit, labels, lines, before)
        outcome.rows_in = fit.customers
        outcome.text = f"{name}: {fit.reason}; {_in_words(lines)}"
    for note in fit.notes:
        run.progress.note(f"{segmentation.where}: {note}")
    return ClusterModel(
        segmentation=name,
        version=segmentation.version,
        preparation=fit.preparation,
        centres=fit.centres,
        clusters=clusters,
        inertia=fit.inertia,
        fitted_rows=fit.fitted_rows,
        customers=fit.customers,
        found_by=fit.found_by,
        selection=_all_tried(segmentation, fit),
        lineage=lines,
        reference=reference_of(points, centres, [d.name for d in fit.preparation.dimensions]),
        **about,
    )


def _named(
    segmentation: Segmentation, fit: Fit, labels: Labels, lines: Sequence[Line], before: Before
) -> tuple[Cluster, ...]:
    """What each cluster is called, in the order of the centres."""
    new = lines[: len(fit.centres)]
    called = {c.segment: c.label for c in before.model.clusters} if before.model else {}
    stability = {line.segment: jaccard for line, jaccard in zip(new, fit.jaccards, strict=True)}
    portraits = {
        line.segment: strongest_effects(fit.sample.matrix, labels == place, segmentation.features)
        for place, line in enumerate(new)
    }
    names = name_clusters(
        portraits,
        segmentation.features,
        kept={line.segment: called[line.segment] for line in new if line.verdict == "kept" and line.segment in called},
        overrides=segmentation.names,
        stability=stability,
    )
    return tuple(
        Cluster(line.segment, names[line.segment].label, names[line.segment].description, stability[line.segment])
        for line in new
    )


def _all_tried(segmentation: Segmentation, fit: Fit) -> tuple[Tried, ...]:
    (taken,) = (e for e in fit.selection if e.clusters == len(fit.centres))
    is_declared = segmentation.clusters is not None
    return tuple(
        Tried(
            k=e.clusters,
            inertia=e.inertia,
            silhouette=e.silhouette,
            calinski_harabasz=e.calinski_harabasz,
            stability=min(e.jaccards),
            stability_mean=e.stability,
            bootstraps=e.draws,
            customers_smallest=e.smallest,
            is_chosen=e is taken,
            reason=verdict(e, taken, segmentation.smallest, is_declared=is_declared),
        )
        for e in fit.selection
    )


def _shared(
    run: Run, target: Target, name: str, ids: Sequence[str], labels: Labels, before: Before
) -> dict[tuple[str, int], int]:
    """Sampled customers by the segment they had in the release looked back at, and the cluster they are in."""
    if not (target.previous and before.segments):
        return {}
    if not is_readable(run, target, customer_segments, target.previous):
        then = target.previous[0]["as_of_date"]
        run.progress.note(f"{name}: who was in which cluster as of {then} is no longer kept; all count as new")
        return {}
    wide = read_released(run, target, customer_segments, target.previous)
    sampled = run.lakehouse.spark.createDataFrame(pa.table({"customer_id": ids, "cluster": labels}))
    both = wide.select("customer_id", F.col(name).alias("segment")).join(F.broadcast(sampled), "customer_id")
    counted = rows_of(both.groupBy("segment", "cluster").agg(F.count("*").alias("customers")))
    return {(r["segment"], r["cluster"]): r["customers"] for r in counted if r["segment"] in before.segments}


def _in_words(lines: Sequence[Line]) -> str:
    counts = Counter(line.verdict for line in lines)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _tried(target: Target, model: ClusterModel, tried: Tried, floor: int) -> Row:
    row = {**asdict(tried), "segmentation": model.segmentation, "model_id": model.model_id}
    row |= {"as_of_date": target.as_of, "fitted_on": model.as_of_date}
    return row if tried.customers_smallest >= floor else {**row, "customers_smallest": None}


def _line(target: Target, model: ClusterModel, line: Line) -> Row:
    of = {c.segment: c for c in model.clusters}.get(line.segment)
    return {
        **asdict(line),
        "as_of_date": target.as_of,
        "segmentation": model.segmentation,
        "label": of.label if of else None,
        "stability": of.stability if of else None,
        "model_id": model.model_id,
        "fitted_on": model.as_of_date,
        "fitted_because": model.fitted_because,
    }
