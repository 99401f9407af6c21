"""Before anything is built: no definition has changed under a version that readers know."""

from strata.contract.published import segment_catalog
from strata.errors import Problem
from strata.pipeline.context import Run
from strata.publish.release import current_release
from strata.publish.versions import changed_under_their_version
from strata.storage.held import rows_held
from strata.storage.promotion import read_releases


def reused_versions(run: Run) -> list[Problem]:
    """The definitions that need a new version, held against the catalogue that readers follow.

    Definitions that were released together before are as they were: a replay, or a change taken back.
    """
    project, history = run.project, read_releases(run.lakehouse)
    current = current_release(history)
    if not current or any(row["config_hash"] == project.config_hash for row in history):
        return []
    version = next(r["delta_version"] for r in current if r["table_name"] == segment_catalog.full_name())
    catalog = rows_held(run.lakehouse, segment_catalog, version)
    return changed_under_their_version(project.segmentations, project.definition_hashes, catalog)
