"""Stage segments: the snapshot to one segment per customer and segmentation, in staging."""

from functools import reduce

from pyspark.sql import DataFrame

from strata.contract.columns import extend
from strata.contract.operations import cluster_models
from strata.contract.published import customer_segments, segment_catalog, segment_membership
from strata.contract.spark import frame_of, rows_of
from strata.errors import InputError
from strata.pipeline.context import Run, Target
from strata.pipeline.features import read_snapshot
from strata.pipeline.lookback import read_released
from strata.pipeline.staged import stage
from strata.pipeline.units import stage_units
from strata.project.models import Segmentation
from strata.project.names import names_of_features
from strata.publish.catalog import live_rows, segment_columns
from strata.publish.release import Row
from strata.publish.wide import build_wide
from strata.segments.assign import assign_all
from strata.segments.clusters import sample_for_fit
from strata.segments.fit import fit_clusters
from strata.segments.model import ClusterModel, model_id
from strata.storage.promotion import staging


def build_segments(run: Run, target: Target) -> None:
    """Write `unit_segments`, `segment_membership`, `customer_segments` to staging; fit clusterings without a model."""
    lakehouse, segmentations = run.lakehouse, run.project.segmentations
    customers = read_snapshot(run, target)
    models = find_models(run, target, customers)
    with run.stage("segments", f"{len(segmentations)} segmentations") as outcome:
        names = names_of_features(run.project.features)
        whole = [s for s in segmentations if s.per is None]
        of_units = stage_units(run, target, customers)
        parts = [assign_all(customers, whole, names, models)] if whole else []
        membership = reduce(DataFrame.unionByName, [*parts, *([] if of_units is None else [of_units])])
        stage(run, target, segment_membership, membership)
        written = lakehouse.read(staging(segment_membership))
        declared = extend(customer_segments, segment_columns([s.name for s in segmentations]))
        wide = lakehouse.grown(declared)
        names_ever = [str(c) for c in wide.columns if c not in customer_segments.columns]
        stage(run, target, wide, build_wide(written, names_ever))
        outcome.rows_out = written.count()
        outcome.text = f"{outcome.rows_out:,} memberships in {len(segmentations)} segmentations"


def find_models(run: Run, target: Target, customers: DataFrame | None = None) -> dict[str, ClusterModel]:
    """The model of every clustering: that of the release looked back at, or else one fitted for this release.

    Args:
        run: where models are kept.
        target: the release.
        customers: the snapshot to fit on where there is no model yet; without it a missing model is an error.

    Raises:
        InputError: a model is missing and there is nothing to fit it on.
    """
    wanted = [s for s in run.project.segmentations if s.kind == "clusters"]
    if not wanted:
        return {}
    run.lakehouse.ensure(cluster_models)
    kept = {r["model_id"]: ClusterModel.from_row(r) for r in rows_of(run.lakehouse.read(cluster_models))}
    before = {r["segmentation"]: r["model_id"] for r in live_rows(previous_catalog(run, target)) if r["model_id"]}
    found = {}
    for segmentation in wanted:
        definition = run.project.definition_hashes[f"segmentation.{segmentation.name}"]
        fresh = model_id(definition, target.as_of, target.release.known_at)
        model = kept.get(before.get(segmentation.name, ""))
        if model is None or model.definition_hash != definition:
            model = kept.get(fresh) or _fit(run, target, segmentation, customers)
        found[segmentation.name] = model
    return found


def previous_catalog(run: Run, target: Target) -> list[Row]:
    """The catalogue of the release looked back at; empty for the first."""
    return rows_of(read_released(run, target, segment_catalog, target.previous)) if target.previous else []


def _fit(run: Run, target: Target, segmentation: Segmentation, customers: DataFrame | None) -> ClusterModel:
    if customers is None:
        raise InputError(
            f"models.cluster_models: no model for {segmentation.name} as of {target.as_of};"
            f" run `strata segments --as-of {target.as_of}` first"
        )
    with run.stage("clusters", f"k-means for {segmentation.name}") as outcome:
        model = fit_clusters(
            sample_for_fit(customers, segmentation),
            segmentation,
            definition_hash=run.project.definition_hashes[f"segmentation.{segmentation.name}"],
            as_of_date=target.as_of,
            known_at=target.release.known_at,
        )
        run.lakehouse.append(cluster_models, frame_of(run.lakehouse.spark, cluster_models, [model.to_row()]))
        outcome.rows_in = model.fitted_rows
        outcome.text = f"{segmentation.name}: k = {segmentation.clusters} on {model.fitted_rows:,} customers"
    return model
