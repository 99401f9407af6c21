"""Runs the corner shop in a driver of its own, so that tests can kill it; see test_sweep.py.

Arguments: folder of the project, month end, run id. It works in the JVM that the environment names, or in its own.
"""

import os
import sys
from datetime import date
from pathlib import Path

from tests.storage.promote_once import join_session
from tests.sweep.corner import Corner

from strata.storage.session import open_session

SMALL = {"spark.master": "local[2]", "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "2g"}

if __name__ == "__main__":
    folder, as_of, run_id = sys.argv[1:]
    session = join_session() if "PYSPARK_GATEWAY_PORT" in os.environ else open_session(SMALL)
    Corner(Path(folder)).run(session, date.fromisoformat(as_of), run_id)
