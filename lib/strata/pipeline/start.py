"""The beginning of a run: a session, an id, the tables of the project."""

from dataclasses import replace
from pathlib import Path

from strata.pipeline.context import Progress, Run, make_run_id
from strata.project.models import Project, Storage
from strata.storage.folders import check_folder
from strata.storage.leases import Clock
from strata.storage.log_stores import check_log_stores, log_store_settings
from strata.storage.session import open_session
from strata.storage.tables import Lakehouse


def start_run(project: Project, clock: Clock, progress: Progress, process: int, *, verbose: bool = False) -> Run:
    """Open the session and the project's tables under a fresh run id.

    Raises:
        ProjectError: a local root is no folder that can be read, Spark cannot start here, or makes Delta's commits in
            a way that the project does not allow.
    """
    storage = _located(project.storage)
    spark = open_session(log_store_settings(project.storage), verbose or None)
    check_log_stores(spark, project.storage)
    run_id = make_run_id(clock(), process)
    lakehouse = Lakehouse(spark, storage, run_id, project.retention_days)
    return Run(project, lakehouse, clock, progress)


def _located(storage: Storage) -> Storage:
    """A local root as an absolute path: executors and readers have other working directories."""
    if storage.root is None or not storage.is_local:
        return storage
    root = Path(storage.root).resolve()
    check_folder(root)
    return replace(storage, root=str(root))
