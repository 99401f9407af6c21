"""Stage publish: catalogue, portraits and movements to staging; the gate over everything staged; the release."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import lists, published
from strata.contract.columns import Table, extend
from strata.contract.spark import frame_of, rows_of
from strata.errors import StrataError
from strata.pipeline.context import Run, Target
from strata.pipeline.customers import read_customers
from strata.pipeline.gate import gate, segments_of
from strata.pipeline.lookback import read_released
from strata.pipeline.models import Assigning, find_models, previous_catalog
from strata.pipeline.staged import stage, stage_rows, staged_commits
from strata.project.names import names_of_features
from strata.publish.catalog import catalog_rows, live_rows
from strata.publish.contracts import published_columns
from strata.publish.groups import build_groups
from strata.publish.kpis import build_kpis, usual_kpis
from strata.publish.migration import build_migration, protect_migration
from strata.publish.overview import build_overview
from strata.publish.profiles import build_profile
from strata.publish.release import Row
from strata.segments.groups import Group
from strata.storage.concurrent import concurrently
from strata.storage.promotion import Staged, promote, staging


def publish(run: Run, target: Target) -> bool:
    """Stage what remains, gate it, and release it; True when an audience was withheld.

    A replay is compared with what was released instead of released again.

    Raises:
        GateClosed: a check of severity fail did not hold; nothing was released.
        StrataError: a replay does not give what was released.
    """
    made = find_models(run, target)
    catalog = _catalog(run, target, made)
    _stage_aggregates(run, target, made, catalog)
    staged = gate(run, target, staged_commits(run, target, published.GATED_TABLES), segments_of(catalog))
    if target.is_replay:
        _compare(run, target, staged)
    else:
        with run.stage("release", "staging to where readers look, then the switch") as outcome:
            promote(run.lakehouse, target.release, staged, run.clock, run.keep_lease)
            outcome.rows_out = sum(s.row_count for s in staged)
            outcome.text = f"{len(staged)} tables, {outcome.rows_out:,} rows, release {target.release_id[:12]}"
        if gone := target.release.expires:
            run.progress.note(f"keep: {', '.join(map(str, gone))} left the published tables")
    audiences = run.lakehouse.read(staging(lists.audience_catalog))
    return not audiences.where(F.col("status") == "withheld").isEmpty()


def _catalog(run: Run, target: Target, made: Assigning) -> list[Row]:
    project = run.project
    return catalog_rows(
        [*made.segmentations, *project.audiences],
        project.offers,
        project.definition_hashes,
        target.as_of,
        previous_catalog(run, target),
        made.ids,
    )


def _stage_aggregates(run: Run, target: Target, made: Assigning, catalog: list[Row]) -> None:
    lakehouse, live = run.lakehouse, live_rows(catalog)
    with run.stage("profiles", "catalogue, portraits, movements") as outcome:
        columns = published_columns(run.project)
        snapshot = read_customers(run, target)
        membership = lakehouse.read(staging(published.segment_membership)).drop("release_id")
        types, floor = {str(c): c.type for c in columns}, run.project.privacy.cell_floor
        chosen = snapshot.select("as_of_date", "customer_id", *map(str, columns))
        features = lakehouse.grown(extend(published.customer_features, columns))
        frames: list[tuple[type[Table], DataFrame]] = [
            (features, chosen),
            (published.segment_profile, build_profile(membership, chosen, types, floor)),
            (published.segment_kpi, _kpis(run, membership, snapshot, live)),
            (published.segment_migration, _migration(run, target, membership)),
        ]
        concurrently(lambda part: stage(run, target, *part), frames)
        kpis = lakehouse.read(staging(published.segment_kpi))
        frames = [
            (published.segment_overview, build_overview(kpis, live)),
            (published.segment_groups, _groups(run, target, made, kpis)),
        ]
        concurrently(lambda part: stage(run, target, *part), frames)
        stage_rows(run, target, published.segment_catalog, catalog)
        outcome.text = f"portraits of {len(live)} segments by {len(columns)} features"


def _groups(run: Run, target: Target, made: Assigning, kpis: DataFrame) -> DataFrame:
    """What was measured of groups; one that no limits take falls into the segment of all others."""
    withheld = _withheld(kpis, made.groups) if made.groups else set()
    rest = {s.name: s.otherwise for s in made.segmentations}
    measured = {name: [_group(group, rest[name]) for group in groups] for name, groups in made.groups.items()}
    return build_groups(run.lakehouse.spark, measured, target.as_of, run.project.privacy.cell_floor, withheld)


def _withheld(kpis: DataFrame, names: Collection[str]) -> set[tuple[str, str]]:
    """Segmentation and segment, of those of these segmentations whose customers are not said."""
    told = kpis.where(F.col("segmentation").isin(*names)).groupBy("segmentation", "segment")
    rows = rows_of(told.agg(F.max("customers").alias("customers")))
    return {(r["segmentation"], r["segment"]) for r in rows if r["customers"] is None}


def _group(group: Group, rest: str) -> Row:
    found = {("group_value" if name == "value" else name): value for name, value in asdict(group).items()}
    return {**found, "segment": group.segment or rest}


def _kpis(run: Run, membership: DataFrame, snapshot: DataFrame, live: Sequence[Mapping[str, Any]]) -> DataFrame:
    names = names_of_features(run.project.features)
    kpis = run.project.kpis or usual_kpis(names)
    return build_kpis(membership, snapshot, kpis, names, live, run.project.privacy.cell_floor)


def _migration(run: Run, target: Target, membership: DataFrame) -> DataFrame:
    """Movements since each of the releases looked back at."""
    whole = frame_of(run.lakehouse.spark, published.segment_migration, []).drop("release_id", "is_suppressed")
    compared = (("previous", target.previous), ("month", target.month), ("year", target.year))
    for comparison, then in ((name, rows) for name, rows in compared if rows):
        moved = build_migration(
            membership,
            read_released(run, target, published.segment_membership, then),
            comparison=comparison,
            as_of_date=target.as_of,
            compared_as_of=then[0]["as_of_date"],
        )
        whole = whole.unionByName(moved)
    return protect_migration(whole, run.project.privacy.cell_floor)


def _compare(run: Run, target: Target, staged: Sequence[Staged]) -> None:
    """Hold a replay against what was released then."""
    # A backfill has left tables without slices as they were.
    left = {s.table.full_name() for s in staged if not s.table.slice_by and target.released[0]["kind"] == "backfill"}
    then = {r["table_name"]: (r["row_count"], r["content_hash"]) for r in target.released}
    then = {name: what for name, what in then.items() if name not in left}
    now = {s.table.full_name(): (s.row_count, s.content_hash) for s in staged if s.table.full_name() not in left}
    differing = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if differing:
        raise StrataError(
            f"release {target.release_id[:12]} cannot be reproduced: {', '.join(differing)} differ from what was"
            " released; readers still see what was released; this is a fault of strata or of the stored history"
        )
    run.progress.note(f"reproduced release {target.release_id[:12]}: {len(now)} tables content-identical")
