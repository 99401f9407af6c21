"""Stage publish: catalogue, portraits and movements to staging; the gate over everything staged; the release."""

from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from strata.contract import published
from strata.contract.columns import Table, extend
from strata.contract.spark import frame_of, rows_of
from strata.dates import months_before
from strata.errors import InputError, StrataError
from strata.pipeline.context import Run, Target
from strata.pipeline.gate import gate
from strata.pipeline.segments import find_models, in_customer_order, previous_catalog, read_snapshot
from strata.publish.catalog import catalog_rows, live_rows
from strata.publish.contracts import published_columns
from strata.publish.migration import build_migration
from strata.publish.overview import build_overview
from strata.publish.profiles import build_profile
from strata.publish.release import Row, release_of_day
from strata.storage.promotion import Staged, promote, staging


def publish(run: Run, target: Target) -> bool:
    """Stage what remains, gate it, and release it; True when an audience was withheld.

    A replay is compared with what was released instead of released again.

    Raises:
        GateClosed: a check of severity fail did not hold; nothing was released.
        StrataError: a replay does not give what was released.
    """
    catalog = _catalog(run, target)
    _stage_aggregates(run, target, catalog)
    staged = gate(run, target, _staged_tables(run, target), _segments(catalog))
    if target.is_replay:
        _compare(run, target, staged)
    else:
        with run.stage("release", "staging to where readers look, then the switch") as outcome:
            promote(run.lakehouse, target.release, staged, run.clock)
            outcome.rows_out = sum(s.row_count for s in staged)
            outcome.text = f"{len(staged)} tables, {outcome.rows_out:,} rows, release {target.release_id[:12]}"
    audiences = run.lakehouse.read(staging(published.audience_catalog))
    return not audiences.where(F.col("status") == "withheld").isEmpty()


def _catalog(run: Run, target: Target) -> list[Row]:
    project = run.project
    rows = catalog_rows(
        project.segmentations,
        project.offers,
        project.definition_hashes,
        target.as_of,
        previous_catalog(run, target),
        {name: model.model_id for name, model in find_models(run, target).items()},
    )
    return [row | {"release_id": target.release_id} for row in rows]


def _segments(catalog: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """The segments that rows may name, by segmentation."""
    live = live_rows(catalog)
    return {name: tuple(r["segment"] for r in live if r["segmentation"] == name) for name in
            dict.fromkeys(r["segmentation"] for r in live)}  # fmt: skip


def _stage_aggregates(run: Run, target: Target, catalog: list[Row]) -> None:
    lakehouse = run.lakehouse
    with run.stage("profiles", "catalogue, portraits, movements") as outcome:
        table, columns = published.segment_catalog, published_columns(run.project)
        lakehouse.overwrite(staging(table), frame_of(lakehouse.spark, table, catalog).coalesce(1))
        snapshot = read_snapshot(run, target)
        membership = lakehouse.read(staging(published.segment_membership))
        chosen = snapshot.select("as_of_date", "customer_id", *map(str, columns))
        _stage(run, target, lakehouse.grown(extend(published.customer_features, columns)), chosen)
        profile = build_profile(membership, chosen, {str(c): c.type for c in columns})
        _stage(run, target, published.segment_profile, profile)
        overview = build_overview(membership, snapshot, live_rows(catalog))
        _stage(run, target, published.segment_overview, overview)
        _stage(run, target, published.segment_migration, _migration(run, target, membership))
        outcome.rows_out = lakehouse.read(staging(published.segment_profile)).count()
        outcome.text = f"{outcome.rows_out:,} portrait lines of {len(live_rows(catalog))} segments"


def _stage(run: Run, target: Target, table: type[Table], frame: DataFrame) -> None:
    marked = frame.withColumn("release_id", F.lit(target.release_id))
    ordered = in_customer_order(marked) if table.partitioned else marked.coalesce(1).sortWithinPartitions(*table.grain)
    run.lakehouse.overwrite(staging(table), ordered)


def _migration(run: Run, target: Target, membership: DataFrame) -> DataFrame:
    """Movements since the release looked back at, and since a month and a year ago where there is a release."""
    whole = frame_of(run.lakehouse.spark, published.segment_migration, []).drop("release_id")
    for comparison, then in _comparisons(target):
        moved = build_migration(
            membership,
            _members(run, then),
            comparison=comparison,
            as_of_date=target.as_of,
            compared_as_of=then[0]["as_of_date"],
        )
        whole = whole.unionByName(moved)
    return whole


def _comparisons(target: Target) -> Iterator[tuple[str, Sequence[Row]]]:
    if target.previous:
        yield "previous", target.previous
    known = [r for r in target.history if r["known_at"] <= target.release.known_at]
    for comparison, months in (("month", 1), ("year", 12)):
        if then := release_of_day(known, months_before(target.as_of, months)):
            yield comparison, then


def _members(run: Run, release: Sequence[Mapping[str, object]]) -> DataFrame:
    table = published.segment_membership
    row = next(r for r in release if r["table_name"] == table.full_name())
    frame = run.lakehouse.read(table, int(str(row["delta_version"])))
    return frame.where(F.col("as_of_date") == F.lit(row["as_of_date"]))


def _staged_tables(run: Run, target: Target) -> list[type[Table]]:
    """Every published table as it stands in staging, all of this release.

    Raises:
        InputError: a table in staging belongs to another release: a stage has not run.
    """
    tables = [run.lakehouse.grown(t, staging(t)) for t in published.GATED_TABLES]
    foreign = [t.full_name() for t in tables if not _belongs(run, t, target.release_id)]
    if foreign:
        raise InputError(
            f"staging: {', '.join(foreign)} hold another release than {target.release_id[:12]}, as of {target.as_of};"
            f" run `strata segments` and `strata audiences` with --as-of {target.as_of} first"
        )
    return tables


def _belongs(run: Run, table: type[Table], release_id: str) -> bool:
    place = staging(table)
    return run.lakehouse.exists(place) and run.lakehouse.read(place).where(F.col("release_id") != release_id).isEmpty()


def _compare(run: Run, target: Target, staged: Sequence[Staged]) -> None:
    """Hold a replay against what was released then."""
    then = {r["table_name"]: (r["row_count"], r["content_hash"]) for r in target.released}
    now = {s.table.full_name(): (s.row_count, s.content_hash) for s in staged}
    differing = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if differing:
        raise StrataError(
            f"release {target.release_id[:12]} cannot be reproduced: {', '.join(differing)} differ from what was"
            " released; readers still see what was released; this is a fault of strata or of the stored history"
        )
    run.progress.note(f"reproduced release {target.release_id[:12]}: {len(now)} tables content-identical")
