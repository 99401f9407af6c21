"""All stages, raw files in, a release out: spark-submit jobs/run.py --project DIR --as-of YYYY-MM-DD."""

import sys

from strata.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
