"""What definitions take from the population, as it is stored: clusters that are fitted, cuts that are measured."""

from collections.abc import Mapping, Sequence
from datetime import date

from strata.contract.columns import Table
from strata.contract.operations import cluster_models, population_cuts
from strata.project.models import Project
from strata.segments.cuts import Cuts
from strata.segments.model import ClusterModel
from strata.storage.local import LocalTables, Row


def read_models(project: Project, tables: LocalTables, catalog: Sequence[Row]) -> dict[str, ClusterModel]:
    """Per clustering the model of its present definition: that of the current release, else the newest."""
    in_use = {row["model_id"] for row in catalog}
    rows = _rows(tables, cluster_models)
    rows.sort(key=lambda row: row["model_id"] in in_use)
    newest = {row["definition_hash"]: row for row in rows}
    return {name: ClusterModel.from_row(row) for name, row in _of_definitions(project, newest).items()}


def read_cuts(project: Project, tables: LocalTables, as_of: date) -> dict[str, Cuts]:
    """Per segmentation the cuts of its present definition: those of the date, else the newest."""
    rows = _rows(tables, population_cuts)
    rows.sort(key=lambda row: row["as_of_date"] == as_of)
    newest = {row["definition_hash"]: row for row in rows}
    return {name: Cuts.from_json(row["cuts"]) for name, row in _of_definitions(project, newest).items()}


def _rows(tables: LocalTables, table: type[Table]) -> list[Row]:
    """Oldest first; moments without their zone, which is UTC."""
    if not tables.exists(table):
        return []
    moment = "* REPLACE (make_timestamp(epoch_us(known_at)) AS known_at)"
    return tables.rows(f"SELECT {moment} FROM {tables.relation(table)} ORDER BY as_of_date, known_at")


def _of_definitions(project: Project, rows: Mapping[str, Row]) -> dict[str, Row]:
    hashes = {s.name: project.definition_hashes[f"segmentation.{s.name}"] for s in project.segmentations}
    return {name: rows[found] for name, found in hashes.items() if found in rows}
