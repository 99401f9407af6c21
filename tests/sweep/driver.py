"""Runs the corner shop in a driver of its own, so that tests can kill it; see test_sweep.py.

Arguments: folder of the project, month end, run id. It works in the JVM that the environment names.
"""

import sys
from datetime import date
from pathlib import Path

from tests.storage.promote_once import join_session
from tests.sweep.corner import Corner

if __name__ == "__main__":
    folder, as_of, run_id = sys.argv[1:]
    Corner(Path(folder)).run(join_session(), date.fromisoformat(as_of), run_id)
