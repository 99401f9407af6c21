"""Delta's log stores, by which commits are made: the one that a project declares, and never an unsafe one."""

from pyspark.sql import SparkSession

from strata.errors import ProjectError
from strata.project.models import Storage

PREFIX = "spark.delta.logStore."
UNSAFE = "LocalLogStore"


def log_store_settings(storage: Storage) -> dict[str, str]:
    """What a session needs for the log store that the project declares."""
    return {f"{PREFIX}{storage.scheme}.impl": storage.log_store} if storage.log_store and storage.scheme else {}


def check_log_stores(spark: SparkSession, storage: Storage) -> None:
    """Hold the session against the project.

    Raises:
        ProjectError: the session has an unsafe log store, or another one than the project declares.
    """
    found = {key: value for key, value in spark.conf.getAll.items() if key.startswith(PREFIX)}
    unsafe = sorted(key for key, value in found.items() if value.rpartition(".")[2] == UNSAFE)
    if unsafe:
        what = f"the session has {UNSAFE} as {', '.join(unsafe)}: it lets two runs make the same commit"
        raise ProjectError(f"{what}, of which one is lost; leave it out")
    for key, wanted in log_store_settings(storage).items():
        if found.get(key) != wanted:
            what = f"storage.log_store is {wanted}, but the session has {found.get(key) or 'none'} as {key}"
            raise ProjectError(f"{what}; add --conf {key}={wanted} to spark-submit")
