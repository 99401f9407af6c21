"""One command line in a process of its own, on the JVM of the tests; see test_at_once.py.

Arguments: the file to wait for, then the words of the command. A file beside it tells that the process is ready.
"""

import os
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from tests.storage.promote_once import join_session

from strata.cli import main

if __name__ == "__main__":
    # Of its own settings: those of the session that the tests share stay as they are.
    SparkSession._instantiatedSession = join_session().newSession()
    go, *words = sys.argv[1:]
    Path(f"{go}.{os.getpid()}").touch()
    while not Path(go).exists():
        time.sleep(0.05)
    sys.exit(main(words))
